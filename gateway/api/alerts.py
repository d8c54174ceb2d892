"""Alerts: who is told of what, where, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field

from gateway.acting import Acting
from gateway.alerts import subscriptions
from gateway.alerts.address import MAX_ADDRESS, check_form
from gateway.alerts.subscriptions import MAY_SUBSCRIBE, AlertKind, Sent, Subscription, Wanted
from gateway.api.deps import Actor, Gateway
from gateway.api.wire import StrictRoute
from gateway.audit import reader
from gateway.crypto.webhook import public_text
from gateway.problems import NotFound

router = APIRouter(route_class=StrictRoute, tags=["alerts"])

SubscriptionId = Annotated[str, Path(max_length=64, examples=["sub_019a0000-0000-7000-8000-000000000001"])]


class SubscriptionBody(BaseModel):
    """What to be told of, and where. The address stays off the log."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"address": "https://siem.example/corridor", "kinds": ["refusals.spike", "log.trouble"]}
        },
    )

    address: str = Field(max_length=MAX_ADDRESS, description="an https URL that everybody can reach")
    kinds: list[AlertKind] = Field(min_length=1, max_length=4)
    refusals: int = Field(
        default=20, ge=1, le=100_000, description="so many refusals of one in a clock hour are a spike"
    )
    share: int = Field(default=80, ge=1, le=100, description="so many percent of an export threshold are near it")


class SentView(BaseModel):
    """A message: `due` ones are tried again at `due_at`; `said` is what the receiver answered."""

    id: str
    kind: str
    state: str
    attempts: int
    due_at: int
    made_at: int
    said: str

    @classmethod
    def of(cls, sent: Sent) -> SentView:
        return cls(**{name: getattr(sent, name) for name in cls.model_fields})


class SubscriptionView(BaseModel):
    id: str
    address: str
    kinds: list[str]
    refusals: int
    share: int
    made_at: int
    messages: list[SentView] = Field(description="the newest first")

    @classmethod
    def of(cls, subscription: Subscription, messages: list[Sent]) -> SubscriptionView:
        return cls(
            id=subscription.id,
            address=subscription.address,
            kinds=list(subscription.kinds),
            refusals=subscription.refusals,
            share=subscription.share,
            made_at=subscription.made_at,
            messages=[SentView.of(message) for message in messages],
        )


class AlertKeyView(BaseModel):
    public_key: str = Field(description="Standard Webhooks: verify the `v1a` signature of each message with it")
    former: list[str] = Field(description="a key that was replaced: it signs each message too, until it is ended")


@router.post("/alerts", status_code=201, summary="Be told of what happens, by signed webhook (officer)")
def subscribe(body: Annotated[SubscriptionBody, Body()], actor: Actor, gateway: Gateway) -> SubscriptionView:
    """From now on, of what you could read in the log: once for each matter, each message sent at least once."""
    actor.caller.need(*MAY_SUBSCRIBE)
    check_form(body.address, gateway.alerts.allowed)
    wanted, deed = Wanted(body.address, tuple(body.kinds), body.refusals, body.share), actor.deed()
    with gateway.db.reading_tx() as tx:
        _, head = reader.head(tx, gateway.home.log.verifier)
    made = actor.record(lambda tx: subscriptions.subscribe(tx, wanted, size=head.size, deed=deed)).value
    return SubscriptionView.of(made, [])


@router.get("/alerts", summary="Your organisation's subscriptions, and what became of their messages (officer)")
def list_subscriptions(actor: Actor, gateway: Gateway) -> list[SubscriptionView]:
    actor.caller.need(*MAY_SUBSCRIBE)
    with gateway.db.reading() as session:
        found = subscriptions.active(session, actor.caller.participant.id)
        return [SubscriptionView.of(one, subscriptions.newest(session, one.id)) for one in found]


@router.get("/alerts/key", summary="The key that signs alerts, and while it is being replaced the former one")
def key(actor: Actor, gateway: Gateway) -> AlertKeyView:
    actor.caller.need(*MAY_SUBSCRIBE)
    present, *former = map(public_text, gateway.alerts.keys)
    return AlertKeyView(public_key=present, former=former)


@router.post("/alerts/{subscription}/test", status_code=202, summary="Send a message that is only a test (officer)")
def test(subscription: SubscriptionId, actor: Actor, gateway: Gateway) -> None:
    actor.caller.need(*MAY_SUBSCRIBE)
    gateway.alerts.test(_own(subscription, actor, gateway), actor.deed())


@router.delete("/alerts/{subscription}", status_code=204, summary="Be told no more; the address is forgotten (officer)")
def end(subscription: SubscriptionId, actor: Actor) -> None:
    actor.caller.need(*MAY_SUBSCRIBE)
    deed = actor.deed()
    actor.record(lambda tx: subscriptions.end(tx, subscription, actor.caller.participant.id, deed))


def _own(subscription: str, actor: Acting, gateway: Gateway) -> Subscription:
    with gateway.db.reading() as session:
        found = subscriptions.subscription_seen_by(session, actor.caller.participant.id, subscription)
    if found is None:
        raise NotFound
    return found
