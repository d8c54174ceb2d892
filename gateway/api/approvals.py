"""Approvals and reviews: recorded, shown to whom they concern, withdrawn; voted on."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.access import exports
from gateway.access.explain import shown_to_committee
from gateway.api import examples
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import StrictRoute
from gateway.approvals import recording, review, store
from gateway.approvals.document import MEDIA_TYPE
from gateway.approvals.store import COMMITTEE, Recorded
from gateway.audit.reader import Filter
from gateway.crypto.canonical import canonical_json
from gateway.identity.caller import AgentRole, Caller
from gateway.identity.enrolment import member_key
from gateway.problems import NotFound

router = APIRouter(route_class=StrictRoute, tags=["approvals"])

ApprovalId = Annotated[str, Path(max_length=100, examples=["urn:uuid:019a0000-0000-7000-8000-000000000004"])]
ReviewId = Annotated[str, Path(max_length=100, examples=["urn:uuid:019a0000-0000-7000-8000-000000000005"])]
Before = Annotated[str | None, Query(max_length=100, description="id of the last one seen")]
Limit = Annotated[int, Query(ge=1, le=200)]


class SignedBody(BaseModel):
    """A document signed where its key is: Flattened JWS (RFC 7515 section 7.2.2)."""

    model_config = ConfigDict(extra="forbid")

    payload: str = Field(max_length=90_000)
    protected: str = Field(max_length=8192)
    signature: str = Field(max_length=2048)

    def as_bytes(self) -> bytes:
        return canonical_json(self.model_dump())


class IssuerBody(BaseModel):
    """Whom the operator trusts to give approvals of exactly these kinds; of none, it is trusted no more."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"participant": "did:web:hospital.example", "kinds": ["ethics"]}}
    )

    participant: str = Field(max_length=255)
    kinds: list[Annotated[str, Field(max_length=40)]] = Field(max_length=20)


class IssuerView(BaseModel):
    participant: str
    kinds: list[str]


class ApprovalView(BaseModel):
    """An approval and what it is about. What exactly it says stands in its signed `envelope`."""

    id: str
    kind: str
    issuer: str
    state: Literal["recorded", "withdrawn", "expired"]
    digest: str
    datasets: list[str]
    recipients: list[str]
    valid_from: int
    valid_to: int
    recorded_at: int

    @classmethod
    def of(cls, found: Recorded, now: float) -> ApprovalView:
        members = {name: getattr(found, name) for name in cls.model_fields}
        return cls.model_validate(members | {"state": found.state_at(now)})


class VoteView(BaseModel):
    reviewer: str
    cast_at: int
    vote: Literal["approve", "refuse"]
    reason: str
    conditions: dict[str, Any] | None


class ReviewView(BaseModel):
    """A review. While it is open, `votes` holds one's own only; `votes_in` says how many there are.

    `reasons` and `input` are for the committee: what the rules said, and all they were asked on.
    """

    id: str
    state: Literal["open", "approved", "refused", "lapsed"]
    provider: str
    consumer: str
    requester: str
    question: dict[str, Any]
    digest: str
    opened_at: int
    lapses_at: int
    decided_at: int | None
    votes_in: int
    votes: list[VoteView]
    reasons: list[dict[str, Any]] | None = None
    input: dict[str, Any] | None = None

    @classmethod
    def of(cls, found: review.Review, caller: Caller, now: float) -> ReviewView:
        shown = found.votes_shown_to(caller.agent, now)
        return cls(
            id=found.id,
            state=found.state_at(now),
            provider=found.provider,
            consumer=found.consumer,
            requester=found.requester,
            question=found.question.model_dump(),
            digest=found.question.digest,
            opened_at=found.opened_at,
            lapses_at=found.lapses_at,
            decided_at=found.decided_at,
            votes_in=len(found.votes),
            votes=[
                VoteView(
                    reviewer=one.reviewer,
                    cast_at=one.cast_at,
                    vote=one.vote.vote,
                    reason=one.vote.reason,
                    conditions=one.vote.conditions and one.vote.conditions.model_dump(),
                )
                for one in shown
            ],
        )


class ExportsView(BaseModel):
    """Persons whose data a provider gave abroad in a calendar year (Beijing time): upper bounds."""

    provider: str
    year: int
    sensitive: int
    other: int


@router.post("/issuers", summary="Trust a participant to give approvals of these kinds (operator)")
def authorise(body: IssuerBody, actor: Actor) -> IssuerView:
    actor.caller.need(AgentRole.OPERATOR)
    deed, kinds = actor.deed(), tuple(dict.fromkeys(body.kinds))
    actor.record(lambda tx: recording.authorise(tx, body.participant, kinds, deed))
    return IssuerView(participant=body.participant, kinds=sorted(kinds))


@router.get("/issuers", summary="Who may give which approvals")
def issuers(_caller: AuthenticatedCaller, gateway: Gateway) -> list[IssuerView]:
    """Beside these, every provider assesses its own data (`pia`, `risk_assessment`)."""
    with gateway.db.reading() as session:
        found = store.issuers(session)
    return [IssuerView(participant=participant, kinds=kinds) for participant, kinds in found.items()]


@router.post("/approvals", status_code=201, summary="Record an approval: its issuer's signed document")
def record(
    body: Annotated[SignedBody, Body(examples=[examples.SIGNED])], actor: Actor, gateway: Gateway
) -> ApprovalView:
    """By its issuer, a recipient it names, or the provider of its data. The same one again changes nothing."""
    deed, caller, house = actor.deed(), actor.caller, gateway.home.did
    approval = actor.record(lambda tx: recording.record(tx, body.as_bytes(), caller, house, deed)).value
    return ApprovalView.of(_approval(approval, caller, gateway), gateway.clock())


@router.get("/approvals", summary="Approvals that concern you, newest first")
def list_approvals(
    caller: AuthenticatedCaller,
    gateway: Gateway,
    dataset: Annotated[str | None, Query(max_length=100)] = None,
    before: Before = None,
    limit: Limit = 50,
) -> list[ApprovalView]:
    with gateway.db.reading() as session:
        found = store.approvals_seen_by(session, caller.participant.id, dataset=dataset, before=before, limit=limit)
    return [ApprovalView.of(one, gateway.clock()) for one in found]


@router.get("/approvals/{approval}", summary="One approval")
def get_approval(approval: ApprovalId, caller: AuthenticatedCaller, gateway: Gateway) -> ApprovalView:
    return ApprovalView.of(_approval(approval, caller, gateway), gateway.clock())


@router.get(
    "/approvals/{approval}/envelope",
    summary="The signed approval, verifiable offline",
    responses={200: {"content": {MEDIA_TYPE: {}}}},
    response_class=Response,
)
def get_envelope(approval: ApprovalId, caller: AuthenticatedCaller, gateway: Gateway) -> Response:
    return Response(_approval(approval, caller, gateway).envelope, media_type=MEDIA_TYPE)


@router.get("/approvals/{approval}/keys", summary="The keys that verify this approval, as the gateway enrolled them")
def get_keys(approval: ApprovalId, caller: AuthenticatedCaller, gateway: Gateway) -> Response:
    """Trust these as far as you trust the gateway; of a committee's decision, the keys of who voted."""
    found = _approval(approval, caller, gateway)
    document = gateway.contract_keys((found.issuer,))
    if found.kind == COMMITTEE:
        with gateway.db.reading() as session:
            decided = review.review_seen_by(session, caller.participant.id, approval)
            voters = [] if decided is None else [one.reviewer for one in decided.votes]
            keys = {agent: member_key(session, agent, found.issuer) for agent in voters}
        document["reviewers"] = {agent: dict(key.jwk) for agent, key in keys.items() if key is not None}
    return Response(orjson.dumps(document), media_type="application/json")


@router.post("/approvals/{approval}/withdraw", status_code=204, summary="Take an approval back (its issuer, operator)")
def withdraw(approval: ApprovalId, actor: Actor) -> None:
    """Once this is answered, no grant that needs it commits in any process, and deliveries that stood on it stop."""
    actor.caller.need(*recording.MAY_WITHDRAW, AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: recording.withdraw(tx, approval, actor.caller, deed))


@router.get("/reviews", summary="Reviews your committee decides, or that your requests opened, newest first")
def list_reviews(
    caller: AuthenticatedCaller,
    gateway: Gateway,
    state: Annotated[Literal["open", "approved", "refused", "lapsed"] | None, Query()] = None,
    before: Before = None,
    limit: Limit = 50,
) -> list[ReviewView]:
    with gateway.db.reading() as session:
        found = review.reviews_seen_by(
            session, caller.participant.id, now=gateway.clock(), state=state, before=before, limit=limit
        )
    return [ReviewView.of(one, caller, gateway.clock()) for one in found]


@router.get("/reviews/{review_id}", summary="One review; for the committee with the rules' reasons and the whole input")
async def get_review(review_id: ReviewId, actor: Actor, gateway: Gateway) -> ReviewView:
    """What the rules said, and on what, is for the committee and the provider's officers; their look is an entry."""
    caller = actor.caller
    found = await asyncio.to_thread(_review, review_id, caller, gateway)
    view = ReviewView.of(found, caller, gateway.clock())
    if found.provider != caller.participant.id or caller.roles.isdisjoint(review.MAY_VOTE):
        return view
    await asyncio.to_thread(actor.look, "audit.read", Filter(contract=found.question.contract), 1)
    view.reasons, view.input = await shown_to_committee(gateway.db, gateway.policies.current, found.question)
    return view


@router.post("/reviews/{review_id}/votes", status_code=201, summary="Vote, signed with your agent's key (reviewer)")
def vote(
    review_id: ReviewId,
    body: Annotated[SignedBody, Body(examples=[examples.SIGNED])],
    actor: Actor,
    gateway: Gateway,
) -> ReviewView:
    """Two reviewers vote, neither seeing the other's first. Where both approve, that is an approval from then on."""
    actor.caller.need(*review.MAY_VOTE)
    deed, caller = actor.deed(), actor.caller
    actor.record(lambda tx: review.vote(tx, review_id, body.as_bytes(), caller, deed))
    return ReviewView.of(_review(review_id, caller, gateway), caller, gateway.clock())


@router.get("/exports", summary="Persons whose data your participant gave abroad in a year (officer, provider, admin)")
def export_totals(
    caller: AuthenticatedCaller,
    gateway: Gateway,
    year: Annotated[int | None, Query(ge=2000, le=9999, description="default: this one, Beijing time")] = None,
) -> ExportsView:
    """The numbers that rules XB-04 and XB-05 compare with their thresholds."""
    caller.need(AgentRole.OFFICER, AgentRole.PROVIDER, AgentRole.ADMIN)
    asked = exports.year_of(gateway.clock()) if year is None else year
    with gateway.db.reading_tx() as tx:
        sensitive, other = exports.totals(tx, caller.participant.id, asked)
    return ExportsView(provider=caller.participant.id, year=asked, sensitive=sensitive, other=other)


def _approval(approval: str, caller: Caller, gateway: Gateway) -> Recorded:
    with gateway.db.reading() as session:
        found = store.approval_seen_by(session, caller.participant.id, approval)
    if found is None:
        raise NotFound
    return found


def _review(review_id: str, caller: Caller, gateway: Gateway) -> review.Review:
    with gateway.db.reading() as session:
        found = review.review_seen_by(session, caller.participant.id, review_id)
    if found is None:
        raise NotFound
    return found
