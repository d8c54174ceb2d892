"""The log: list, read, prove, export. Looking is recorded too."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import AfterValidator, BaseModel, Field

from gateway import evidence
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import StrictRoute
from gateway.audit import reader
from gateway.audit.reader import Filter, Stored
from gateway.identity.caller import AgentRole
from gateway.problems import Malformed, NotFound

router = APIRouter(route_class=StrictRoute, tags=["audit"])

EntryId = Annotated[str, Path(max_length=64, examples=["019a0000-0000-7000-8000-000000000001"])]


def _on_the_calendar(value: str | None) -> str | None:
    if value is not None:
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("no calendar and no clock shows this time; write one like 2026-01-31T23:59:59Z") from None
    return value


_MOMENT = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$"
Instant = Annotated[str | None, Query(pattern=_MOMENT), AfterValidator(_on_the_calendar)]
Moment = Annotated[str | None, Field(pattern=_MOMENT), AfterValidator(_on_the_calendar)]
"""The same in a body."""
Code = Annotated[str | None, Query(max_length=255)]

CountedBy = Literal["type", "outcome", "actor", "dataset", "contract", "code", "year", "month", "day", "hour"]


class EntryView(BaseModel):
    """An entry, where it stands, and what it says."""

    index: int
    id: str
    leaf_hash: str
    record: dict[str, Any] = Field(
        description="the entry itself; `GET /v1/receipts/{id}` gives its exact bytes with proof"
    )

    @classmethod
    def of(cls, stored: Stored) -> EntryView:
        return cls(index=stored.index, id=stored.id, leaf_hash=stored.leaf.hex(), record=stored.record())


class EntriesView(BaseModel):
    entries: list[EntryView]
    next_before: int | None = Field(description="pass as `before` for the next page; null at the end")


class Found:
    """The filters of a listing or an export, as query parameters."""

    def __init__(
        self,
        type: Code = None,
        outcome: Code = None,
        participant: Code = None,
        dataset: Code = None,
        contract: Code = None,
        since: Instant = None,
        until: Instant = None,
        agent: Code = None,
        code: Annotated[
            str | None,
            Query(
                pattern=r"^[A-Za-z0-9._:-]{1,64}\*?$",
                description="of a rule or a problem, such as HGR-07; HGR* for all that begin so",
            ),
        ] = None,
    ) -> None:
        self.filter = Filter(type, outcome, participant, dataset, contract, since, until, agent, code)


Wanted = Annotated[Found, Depends(Found)]


@router.get("/audit/entries", summary="Entries you may see, newest first (officer)")
def list_entries(
    actor: Actor,
    gateway: Gateway,
    wanted: Wanted,
    before: Annotated[int | None, Query(ge=0, le=2**53 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> EntriesView:
    """A participant's officer sees the entries it is a party to, the operator's officer all. The look is an entry."""
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    filter = wanted.filter
    with gateway.db.reading_tx() as tx:
        found = reader.entries(tx, seen_by=actor.caller.sees, filter=filter, before=before, limit=limit)
    actor.look("audit.read", filter, len(found))
    more = found[-1].index if len(found) == limit else None
    return EntriesView(entries=[EntryView.of(stored) for stored in found], next_before=more)


@router.get("/audit/entries/{entry}", summary="One entry, with why and on what (officer)")
def get_entry(entry: EntryId, actor: Actor, gateway: Gateway) -> EntryView:
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    with gateway.db.reading_tx() as tx:
        found = reader.entry_by_id(tx, entry, seen_by=actor.caller.sees)
    actor.look("audit.read", Filter(), int(found is not None))
    if found is None:
        raise NotFound
    return EntryView.of(found)


class CountView(BaseModel):
    values: list[str | None] = Field(description="one for each `by`, in its order")
    entries: int


@router.get("/audit/counts", summary="How many entries there are, by what and when (officer)")
def count_entries(
    actor: Actor,
    gateway: Gateway,
    wanted: Wanted,
    by: Annotated[list[CountedBy], Query(min_length=1, max_length=2, description="one or two; times are UTC")],
) -> list[CountView]:
    """For charts: decisions by outcome and day, refusals by rule. An entry with several codes counts for each."""
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    named = list(dict.fromkeys(by))
    with gateway.db.reading_tx() as tx:
        found = reader.counts(tx, seen_by=actor.caller.sees, filter=wanted.filter, by=named)
    actor.look("audit.read", wanted.filter, len(found))
    return [CountView(values=list(count.values), entries=count.entries) for count in found]


@router.get(
    "/audit/export", summary="Entries as a file that proves itself, or for others (officer)", response_class=Response
)
def export(
    actor: Actor,
    gateway: Gateway,
    wanted: Wanted,
    format: Annotated[evidence.Format, Query()] = "corridor",
    after: Annotated[
        int | None, Query(ge=0, le=2**53 - 1, description="go on behind this index; not for `corridor`")
    ] = None,
) -> Response:
    """`corridor` is signed: check it with `corridor audit verify FILE --key VKEY`, or with any program of your own.

    Without filters: the operator's officer gets every entry, a participant's officer its own with what opens its
    running number in each, which proves that none is left out. With filters: the entries that fit, each with its proof.
    `csv`, `ndjson` and `fhir` (AuditEvent R4, one a line) are for other programs and prove nothing; oldest first.
    """
    if format == "corridor" and after is not None:
        raise Malformed("A signed export is whole; leave `after` out, or ask for csv, ndjson or fhir.")
    return evidence.export(actor, gateway, wanted.filter, format, after=-1 if after is None else after)


@router.get("/receipts/{entry}", summary="An entry you are a party to, with its proof", response_class=Response)
def receipt(entry: EntryId, actor: Actor, gateway: Gateway) -> Response:
    """Canonical JSON: the entry's exact bytes and a C2SP tlog-proof. Verifies offline under the log's key."""
    return evidence.receipt(entry, actor, gateway)


@router.get(
    "/receipts/{entry}/end", summary="The entry of how a delivery ended, with its proof", response_class=Response
)
def receipt_of_end(entry: EntryId, actor: Actor, gateway: Gateway) -> Response:
    """`entry` is the grant. What ended it names the SHA-256 of the bytes that left: compare it with those that came."""
    return evidence.receipt_of_end(entry, actor, gateway)


@router.get("/audit/checkpoint", summary="The log's newest signed checkpoint", response_class=PlainTextResponse)
def checkpoint(_caller: AuthenticatedCaller, gateway: Gateway) -> PlainTextResponse:
    with gateway.db.reading_tx() as tx:
        note, _ = reader.head(tx, gateway.home.log.verifier)
    return PlainTextResponse(note)


class ConsistencyView(BaseModel):
    old: int
    size: int
    proof: list[str] = Field(description="hashes in hex, RFC 9162 section 2.1.4")
    checkpoint: str


@router.get("/audit/consistency", summary="Proof that the log only grew since a size you know")
def consistency(
    _caller: AuthenticatedCaller, gateway: Gateway, old: Annotated[int, Query(ge=1, le=2**53 - 1)]
) -> ConsistencyView:
    with gateway.db.reading_tx() as tx:
        note, head = reader.head(tx, gateway.home.log.verifier)
        if old > head.size:
            raise Malformed(f"The log has {head.size} entries, fewer than `old`.")
        hashes = reader.consistency(tx, old, head.size)
    return ConsistencyView(old=old, size=head.size, proof=[h.hex() for h in hashes], checkpoint=note)


class LogKeyView(BaseModel):
    origin: str
    vkey: str = Field(
        description="C2SP signed-note verifier key; compare it with what the operator published elsewhere"
    )
    former: list[str] = Field(description="a key that was replaced: it signs each checkpoint too, until it is ended")


@router.get(
    "/audit/key", summary="The key that signs the log's checkpoints, and while it is being replaced the former one"
)
def key(_caller: AuthenticatedCaller, gateway: Gateway) -> LogKeyView:
    present, *former = map(str, gateway.home.log.verifiers)
    return LogKeyView(origin=gateway.home.origin, vkey=present, former=former)
