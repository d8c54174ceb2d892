"""What I asked for: an agent's own requests, what became of them, and the proofs."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from gateway.audit import reader
from gateway.audit.reader import Filter
from gateway.identity.caller import AgentRole
from gateway.ui.entries import Line
from gateway.ui.visit import PageRoute, Signed

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 25
KINDS: Final = ("access.decision", "access.exhausted", "data.transfer.completed", "data.transfer.broken_off")


@router.get("/receipts")
def receipts(
    visit: Signed,
    before: Annotated[int | None, Query(ge=0, le=2**53 - 1)] = None,
    kind: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """This agent's own, of which it knows already; nobody else's. The look is an entry."""
    acting = visit.acting
    acting.caller.need(AgentRole.RESEARCHER)
    wanted = kind if kind in KINDS else KINDS[0]
    filter = Filter(type=wanted, agent=acting.caller.agent)
    own = acting.caller.participant.id
    with visit.gateway.db.reading_tx() as tx:
        stored = reader.entries(tx, seen_by=own, filter=filter, before=before, limit=PAGE)
    acting.look("audit.read", filter, len(stored))
    return visit.page(
        "receipts.html",
        lines=[Line.of(one) for one in stored],
        kinds=KINDS,
        kind=wanted,
        older=f"/receipts?kind={wanted}&before={stored[-1].index}" if len(stored) == PAGE else None,
        newest=f"/receipts?kind={wanted}" if before is not None else None,
    )
