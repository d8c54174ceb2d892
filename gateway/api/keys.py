"""Contract keys: whose is whose, how one takes another's place, and what becomes of one that fell into other hands."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from gateway import lostkey
from gateway.api import examples
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.participants import Did
from gateway.api.wire import StrictRoute
from gateway.identity import enrolment
from gateway.identity.caller import AgentRole
from gateway.participants import contract_keys, store
from gateway.problems import NotFound

router = APIRouter(route_class=StrictRoute, tags=["participants"])

KeyName = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$",
        description="what its id has behind the #",
        examples=["contract-1"],
    ),
]


class KeyView(BaseModel):
    kid: str
    key: dict[str, Any]
    thumbprint: str
    state: str = Field(description="`active`, `retired` (what it signed stands) or `compromised`")
    valid_from: int
    valid_until: int | None
    compromised_since: int | None = Field(description="what was accepted before stands; null: nothing does")


class WaitingKeyView(BaseModel):
    """A key that its owner brought and that nobody may rely on yet."""

    kid: str
    participant: str
    thumbprint: str = Field(description="compare it with what the participant tells you by another way")
    brought_at: int


class SignedPart(BaseModel):
    model_config = ConfigDict(extra="forbid")

    payload: str = Field(max_length=90_000)
    protected: str = Field(max_length=8192)
    signature: str = Field(max_length=2048)


class BroughtBody(BaseModel):
    """A new contract key, as `corridor keys bring` signs it: with the key itself, and with the one in use."""

    model_config = ConfigDict(extra="forbid")

    request: SignedPart
    endorsement: SignedPart | None = Field(default=None, description="without it the key waits for the operator")


class BroughtView(BaseModel):
    kid: str
    state: str = Field(description="`active`, or `pending`: it waits for the operator")


class CompromisedBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: StrictInt | None = Field(
        default=None, ge=0, description="seconds UTC; contracts accepted before stand. Null: none does"
    )


@router.get("/participants/{participant}/keys", summary="The keys that sign its contracts")
def get_keys(participant: Did, _caller: AuthenticatedCaller, gateway: Gateway) -> list[KeyView]:
    with gateway.db.reading() as session:
        if store.participant(session, participant) is None:
            raise NotFound
        keys = store.keys_of(session, participant)
    return [
        KeyView(
            kid=k.kid,
            key=dict(k.public.jwk),
            thumbprint=k.public.thumbprint,
            state=k.state,
            valid_from=k.valid_from,
            valid_until=k.valid_until,
            compromised_since=k.compromised_since,
        )
        for k in keys
    ]


@router.post("/keys", status_code=201, summary="Bring a new contract key for your participant")
def bring(
    body: Annotated[BroughtBody, Body(examples=[examples.BROUGHT_KEY])], actor: Actor, gateway: Gateway
) -> BroughtView:
    """In use at once if the key in use endorses it, which is then retired; what that one signed stands."""
    actor.caller.need(AgentRole.ADMIN)
    data, deed = orjson.dumps(body.model_dump(exclude_none=True)), actor.deed()
    kid = actor.record(lambda tx: enrolment.bring_key(tx, data, gateway.home.did, deed)).value
    with gateway.db.reading() as session:
        known = store.StoredKeys(session).lookup(kid)
    return BroughtView(kid=kid, state="pending" if known is None else known.state)


@router.get("/keys/waiting", summary="Keys that wait for the operator: your participant's, or everybody's (operator)")
def list_waiting(caller: AuthenticatedCaller, gateway: Gateway) -> list[WaitingKeyView]:
    caller.need(AgentRole.ADMIN, AgentRole.OPERATOR)
    whose = None if AgentRole.OPERATOR in caller.roles else caller.participant.id
    with gateway.db.reading() as session:
        found = store.waiting(session, whose)
    return [
        WaitingKeyView(kid=key.kid, participant=key.participant, thumbprint=key.thumbprint, brought_at=key.brought_at)
        for key in found
    ]


@router.post("/participants/{participant}/keys/{name}/approve", status_code=204, summary="Let a key in (operator)")
def approve(participant: Did, name: KeyName, actor: Actor) -> None:
    """Do so when you know by another way than this one that the participant itself brought it."""
    actor.caller.need(AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: contract_keys.approve(tx, f"{participant}#{name}", deed))


@router.post("/participants/{participant}/keys/{name}/refuse", status_code=204, summary="Turn a key away (operator)")
def refuse(participant: Did, name: KeyName, actor: Actor) -> None:
    actor.caller.need(AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: contract_keys.refuse(tx, f"{participant}#{name}", deed))


@router.post(
    "/participants/{participant}/keys/{name}/compromise",
    status_code=204,
    summary="Mark a contract key compromised (its participant, or the operator)",
)
def compromise(
    participant: Did,
    name: KeyName,
    body: Annotated[CompromisedBody, Body(examples=[{"since": 1764201600}])],
    actor: Actor,
    gateway: Gateway,
) -> None:
    """Contracts that were accepted since are suspended, drafts it signed end, and running deliveries stop."""
    actor.caller.need(AgentRole.ADMIN, AgentRole.OPERATOR)
    if AgentRole.OPERATOR not in actor.caller.roles and participant != actor.caller.participant.id:
        raise NotFound
    deed, house = actor.deed(), gateway.contract_house
    actor.record(lambda tx: lostkey.compromise(tx, f"{participant}#{name}", body.since, house, deed))
