"""Asking for data: a form that keeps what was typed, "would it pass?", and the data itself."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from gateway.access.explain import Explanation, explain
from gateway.access.request import AccessRequest
from gateway.access.running import Running
from gateway.catalog.model import ColumnType
from gateway.catalog.store import dataset_by_id
from gateway.contracts import store
from gateway.contracts.states import State
from gateway.contracts.store import Contract
from gateway.identity.caller import AgentRole
from gateway.obligations.predicate import Op
from gateway.problems import Malformed, NotFound, Problem, TooLarge, Unavailable, first_complaint
from gateway.streams import DeliveryResponse
from gateway.terms.purposes import FLAGS, PURPOSES
from gateway.ui import forms
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

CONDITIONS: Final = 3
"""Rows of the form for conditions; all that are filled in must hold."""
MAX_SHOWN: Final = 4 * 1024 * 1024
"""Bytes of counts that a page shows; more is for the SDK."""
OPS: Final[tuple[Op, ...]] = ("eq", "ne", "lt", "le", "gt", "ge", "is_null", "not_null")
OFFERED: Final = ("read", "aggregate")
FITTING: Final = {"read": ("M5", "M4"), "aggregate": ("M3", "M2")}
"""Delivery modes by action, the freest first (GEN-11)."""
FILES: Final = {"csv": "csv", "parquet": "parquet", "arrow": "arrows"}


@dataclass(frozen=True, slots=True)
class Table:
    """Counts as they came: what they are counted by, and whether some were suppressed."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    entry: str


@router.get("/ask")
async def form(visit: Signed, contract: Annotated[str, Query(max_length=100)]) -> Response:
    """The form, with what the contract gives."""
    return await asyncio.to_thread(_form, visit, contract, FormData())


@router.post("/ask")
async def ask(visit: Posted) -> Response:
    """Whether it would pass grants nothing. Asking takes one use: counts are shown, rows come as a file."""
    given = await visit.request.form()
    contract = str(given.get("contract", ""))
    acting, gateway = visit.acting, visit.gateway
    acting.caller.need(AgentRole.RESEARCHER)
    request_id = visit.request.scope.get("corridor.request_id")
    try:
        wanted = await asyncio.to_thread(_wanted, visit, contract, given)
        if given.get("do") == "explain":
            explanation, _ = await explain(gateway.broker, acting.caller, wanted, request_id=request_id)
            return await asyncio.to_thread(_form, visit, contract, given, explanation=explanation)
        running = await gateway.broker.access(acting.caller, wanted, request_id=request_id)
        await running.start()
        if wanted.action == "aggregate":
            table = await _counted(visit, running)
            return await asyncio.to_thread(_form, visit, contract, given, table=table)
    except (NotFound, Unavailable):
        raise
    except Problem as problem:
        return await asyncio.to_thread(_form, visit, contract, given, problem=problem)
    answer = DeliveryResponse(running, gateway.broker)
    name = f"{running.index}.{FILES[wanted.format]}"
    answer.headers["content-disposition"] = f'attachment; filename="corridor-{name}"'
    return answer


async def _counted(visit: Visit, running: Running) -> Table:
    """Counts by group, read whole; its end is recorded as for anybody."""
    content = bytearray()
    try:
        async for piece in running.pieces():
            content += piece
            if len(content) > MAX_SHOWN:
                raise TooLarge("There are more groups than a page shows. Count by fewer columns, or use the SDK.")
    except TooLarge as problem:
        running.broke_off(problem)
        raise
    finally:
        await asyncio.shield(visit.gateway.broker.ending(running))
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8")))
    # The last column says of each count whether it was withheld; the page says so in its place.
    return Table(head[:-1], [row[:-1] for row in rows], running.entry)


def _form(
    visit: Visit,
    contract: str,
    given: FormData,
    *,
    explanation: Explanation | None = None,
    problem: Problem | None = None,
    table: Table | None = None,
) -> Response:
    found = _contract(visit, contract)
    with visit.gateway.db.reading() as session:
        dataset = dataset_by_id(session, found.dataset)
    types = {} if dataset is None else {column.name: column.type for column in dataset.registration.columns}
    terms = found.terms
    return visit.page(
        "ask.html",
        status=200 if problem is None else problem.status,
        contract=found,
        terms=terms,
        left=found.left(),
        types=types,
        given=given,
        chosen=frozenset(str(one) for one in given.getlist("columns")),
        grouped=frozenset(str(one) for one in given.getlist("group_by")),
        flagged=frozenset(str(one) for one in given.getlist("flags")),
        actions=[action for action in OFFERED if action in terms.actions],
        purposes=[PURPOSES[id] for id in PURPOSES],
        granted=frozenset(terms.purposes),
        flags=sorted(FLAGS),
        ops=OPS,
        conditions=range(CONDITIONS),
        explanation=explanation,
        problem=problem,
        table=table,
    )


def _contract(visit: Visit, contract: str) -> Contract:
    """The consumer's own contract, in force.

    Raises:
        NotFound: none that it may know of, or not one it may ask under.
    """
    caller = visit.acting.caller
    caller.need(AgentRole.RESEARCHER)
    with visit.gateway.db.reading() as session:
        found = store.contract_seen_by(session, caller.participant.id, contract)
    if found is None or found.consumer != caller.participant.id or found.state_at(visit.gateway.clock()) in _NEVER:
        raise NotFound
    return found


def _fitting(action: str, modes: Sequence[str]) -> str:
    """The contract's mode that the action fits; its first when none does, and the rules say why not."""
    return next((mode for mode in FITTING.get(action, ()) if mode in modes), modes[0])


_NEVER: Final = frozenset({State.AGREED, State.VERIFIED, State.TERMINATED})


def _wanted(visit: Visit, contract: str, given: FormData) -> AccessRequest:
    """The form as a request for access.

    Raises:
        Malformed: something in it is not of its form.
    """
    found = _contract(visit, contract)
    with visit.gateway.db.reading() as session:
        dataset = dataset_by_id(session, found.dataset)
    types = {} if dataset is None else {column.name: column.type for column in dataset.registration.columns}
    purpose: dict[str, Any] = {"id": forms.text(given, "purpose")}
    if (commercial := forms.text(given, "commercial")) in ("yes", "no"):
        purpose["commercial"] = commercial == "yes"
    if terms := forms.text(given, "disease_terms").replace(",", " ").split():
        purpose["disease_terms"] = terms
    if flags := forms.values(given, "flags"):
        purpose["flags"] = flags
    aggregate = forms.text(given, "action") == "aggregate"
    document = {
        "contract": contract,
        "action": forms.text(given, "action"),
        "mode": forms.text(given, "mode") or _fitting(forms.text(given, "action"), found.terms.delivery_modes),
        "purpose": purpose,
        "columns": [] if aggregate else forms.values(given, "columns"),
        "group_by": forms.values(given, "group_by") if aggregate else [],
        "filter": _filter(given, types),
        "count": (forms.text(given, "count") or None) if aggregate else None,
        "format": "csv" if aggregate else forms.text(given, "format") or "csv",
        "limit": _whole(limit, "the number of rows") if (limit := forms.text(given, "limit")) else None,
    }
    try:
        return AccessRequest.model_validate(document)
    except ValidationError as error:
        raise Malformed(first_complaint(error, whole="the form")) from None


def _filter(given: FormData, types: dict[str, ColumnType]) -> dict[str, Any] | None:
    """The conditions that are filled in, joined by `and`; each value read as its column's type says."""
    parts: list[dict[str, Any]] = []
    for n in range(CONDITIONS):
        column, op = forms.text(given, f"column{n}"), forms.text(given, f"op{n}")
        if column:
            part: dict[str, Any] = {"column": column, "op": op}
            if op not in ("is_null", "not_null"):
                part["value"] = _value(forms.text(given, f"value{n}"), types.get(column, ColumnType.STRING), column)
            parts.append(part)
    return None if not parts else parts[0] if len(parts) == 1 else {"and": parts}


def _value(text: str, type: ColumnType, column: str) -> str | int | float | bool:
    if type is ColumnType.INTEGER:
        return _whole(text, column)
    if type is ColumnType.NUMBER:
        try:
            return float(text)
        except ValueError:
            raise Malformed(f"`{column}` holds numbers; write one like 12.5.") from None
    if type is ColumnType.BOOLEAN:
        if text not in ("true", "false"):
            raise Malformed(f"`{column}` is true or false.")
        return text == "true"
    return text


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Malformed(f"`{what}` is a whole number, like 12.") from None
