"""The log for people: found by what one looks for, and each entry told as what happened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from gateway import evidence
from gateway.access.explain import Explanation, NotReplayable, explain_entry
from gateway.audit import reader
from gateway.audit.event_types import TYPES
from gateway.audit.reader import Filter, Stored
from gateway.db import Tx
from gateway.identity.caller import AgentRole
from gateway.problems import NotFound
from gateway.ui.overview import rule_titles
from gateway.ui.visit import PageRoute, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
ENDINGS: Final[dict[evidence.Format, str]] = {
    "corridor": "export.jsonl",
    "csv": "csv",
    "ndjson": "ndjson",
    "fhir": "fhir.ndjson",
}
FOLLOWING: Final = 100
"""How many later entries under the same contract are looked through for what came of this one."""
_TIME: Final = r"^(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?)?$"

EntryId = Annotated[str, Path(max_length=64)]
Text = Annotated[str, Query(max_length=255)]
Time = Annotated[str, Query(pattern=_TIME)]


class Found:
    """The filters of the list. A form sends its empty fields too: they are not given."""

    def __init__(
        self,
        type: Text = "",
        outcome: Text = "",
        code: Annotated[str, Query(pattern=r"^([A-Za-z0-9._:-]{1,64}\*?)?$")] = "",
        participant: Text = "",
        dataset: Text = "",
        contract: Text = "",
        agent: Text = "",
        since: Time = "",
        until: Time = "",
    ) -> None:
        self.filter = Filter(
            type=type or None,
            outcome=outcome or None,
            participant=participant or None,
            dataset=dataset or None,
            contract=contract or None,
            since=since or None,
            until=until or None,
            agent=agent or None,
            code=code or None,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in the list: what one looks for in a line, and the record for the rest."""

    index: int
    id: str
    record: dict[str, Any]
    dataset: str | None
    codes: tuple[str, ...]

    @classmethod
    def of(cls, stored: Stored) -> Line:
        record = stored.record()
        rules = (record["decision"] or {}).get("rules") or []
        reason = (record["event"]["reason"] or "").partition(":")[0]
        return cls(
            stored.index, stored.id, record, _object(record, "dataset"), tuple(rules or ([reason] if reason else []))
        )


@router.get("/entries")
def entries(
    visit: Signed,
    found: Annotated[Found, Depends(Found)],
    before: Annotated[int | None, Query(ge=0, le=2**53 - 1)] = None,
) -> Response:
    """A page of the log, newest first. Filters and place live in the address. The look is an entry."""
    acting, filter = visit.acting, found.filter
    acting.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    with visit.gateway.db.reading_tx() as tx:
        stored = reader.entries(tx, seen_by=acting.caller.sees, filter=filter, before=before, limit=PAGE)
    acting.look("audit.read", filter, len(stored))
    kept = filter.given()
    older = {**kept, "before": stored[-1].index} if len(stored) == PAGE else None
    return visit.page(
        "entries.html",
        lines=[Line.of(one) for one in stored],
        filter=filter,
        types=tuple(TYPES),
        older=None if older is None else f"/entries?{urlencode(older)}",
        newest=f"/entries?{urlencode(kept)}" if before is not None else None,
        exports=[(format, f"/entries/export?{urlencode({**kept, 'format': format})}") for format in ENDINGS],
    )


@router.get("/entries/export")
def export(
    visit: Signed, found: Annotated[Found, Depends(Found)], format: Annotated[evidence.Format, Query()] = "corridor"
) -> Response:
    """What the list shows, all of it, as a file: one that proves itself, or one for other programs."""
    answer = evidence.export(visit.acting, visit.gateway, found.filter, format)
    answer.headers["content-disposition"] = f'attachment; filename="log.{ENDINGS[format]}"'
    return answer


@router.get("/entries/{entry}")
async def story(entry: EntryId, visit: Signed) -> Response:
    """One entry: who, under what, decided by which rule and law, what left, and how to prove it."""
    stored, following = await asyncio.to_thread(_looked_up, visit, entry)
    record = stored.record()
    explanation: Explanation | None = None
    if record["event"]["type"] == "access.decision":
        gateway = visit.gateway
        try:
            explanation = await explain_entry(gateway.db, gateway.policies.current, entry, record)
        except NotReplayable:
            explanation = None  # the page says that what it was made on is not kept any more
    view: dict[str, Any] = {
        "stored": stored,
        "record": record,
        "line": Line.of(stored),
        "following": following,
        "explanation": explanation,
        "raw": orjson.dumps(record, option=orjson.OPT_INDENT_2).decode(),
        "titles": rule_titles(visit),
        "vkeys": [str(key) for key in visit.gateway.home.log.verifiers],
    }
    return await asyncio.to_thread(partial(visit.page, "entry.html", **view))


@router.get("/entries/{entry}/receipt")
def receipt(entry: EntryId, visit: Signed) -> Response:
    """The entry's exact bytes with the proof that they are in the log, to keep or to check in the browser."""
    return evidence.receipt(entry, visit.acting, visit.gateway)


def _looked_up(visit: Visit, entry: str) -> tuple[Stored, list[Line]]:
    """The entry, and those that came of it. The look is an entry.

    Raises:
        NotFound: there is none that this caller may see.
    """
    acting = visit.acting
    acting.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    sees = acting.caller.sees
    with visit.gateway.db.reading_tx() as tx:
        stored = reader.entry_by_id(tx, entry, seen_by=sees)
        following = [] if stored is None else _following(tx, stored, sees)
    acting.look("audit.read", Filter(), int(stored is not None))
    if stored is None:
        raise NotFound
    return stored, following


def _following(tx: Tx, stored: Stored, sees: str | None) -> list[Line]:
    """What came of an entry: those that name it, or one of these, as what was before them."""
    contract = (stored.record()["contract"] or {}).get("id")
    if contract is None:
        return []
    chain, found = {stored.id}, []
    later = reader.entries(
        tx, seen_by=sees, filter=Filter(contract=contract), after=stored.index, before=2**53 - 1, limit=FOLLOWING
    )
    for one in later:
        line = Line.of(one)
        if line.record["prior"] in chain:
            chain.add(line.id)
            found.append(line)
    return found


def _object(record: dict[str, Any], kind: str) -> str | None:
    return next((item["id"] for item in record["objects"] if item["kind"] == kind), None)
