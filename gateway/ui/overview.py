"""The officer's day at a glance: what was decided, when, by which rule, for whom, on what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from gateway.audit import reader
from gateway.audit.reader import Filter
from gateway.db import Tx
from gateway.identity.caller import AgentRole
from gateway.ui.charts import stacked
from gateway.ui.visit import PageRoute, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

OUTCOMES: Final = ("permit", "refer", "deny")
TOP: Final = 10


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time up to now: in how many places of which unit it is shown."""

    unit: Literal["hour", "day", "month"]
    places: int

    def labels(self, now: datetime) -> list[str]:
        """The places as the log names them (UTC), the oldest first."""
        if self.unit == "hour":
            return [(now - timedelta(hours=back)).strftime("%Y-%m-%dT%H") for back in reversed(range(self.places))]
        if self.unit == "day":
            return [(now - timedelta(days=back)).strftime("%Y-%m-%d") for back in reversed(range(self.places))]
        months = [now.year * 12 + now.month - 1 - back for back in reversed(range(self.places))]
        return [f"{month // 12:04}-{month % 12 + 1:02}" for month in months]


SPANS: Final = {"day": Span("hour", 24), "month": Span("day", 30), "year": Span("month", 12)}


@dataclass(frozen=True, slots=True)
class Line:
    """How often something was part of a decision. `share`: of the most frequent one, in percent."""

    value: str
    count: int
    share: int
    address: str


@router.get("/overview")
def overview(visit: Signed, span: Annotated[Literal["day", "month", "year"], Query()] = "day") -> Response:
    """Decisions of the last day, month or year. The look is an entry."""
    acting = visit.acting
    acting.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    chosen, sees = SPANS[span], acting.caller.sees
    labels = chosen.labels(visit.now)
    since = _begin(labels[0])
    filter = Filter(type="access.decision", since=since)
    refused = Filter(type="access.decision", since=since, outcome="deny")
    with visit.gateway.db.reading_tx() as tx:
        by_time = reader.counts(tx, seen_by=sees, filter=filter, by=[chosen.unit, "outcome"])
        rules = _lines(tx, sees, filter, "code", {"type": "access.decision", "since": since}, "code")
        parties = _lines(tx, sees, filter, "actor", {"type": "access.decision", "since": since}, "participant")
        datasets = _lines(tx, sees, filter, "dataset", {"type": "access.decision", "since": since}, "dataset")
        wary = _lines(tx, sees, refused, "actor", {"outcome": "deny", "since": since}, "participant")
    acting.look("audit.read", filter, sum(count.entries for count in by_time))
    counts = [(count.values[0] or "", count.values[1] or "", count.entries) for count in by_time]
    return visit.page(
        "overview.html",
        span=span,
        spans=tuple(SPANS),
        since=since,
        chart=stacked(labels, OUTCOMES, counts),
        outcomes=OUTCOMES,
        rules=rules,
        parties=parties,
        datasets=datasets,
        wary=wary,
        titles=rule_titles(visit),
    )


def rule_titles(visit: Visit) -> dict[str, str]:
    """What the rules behind the codes are called."""
    catalogue = visit.gateway.policies.current.bundle.catalogue
    return {code: rule.title for rule in catalogue for code in rule.codes}


def _begin(label: str) -> str:
    """The instant at which a place begins."""
    return {7: f"{label}-01T00:00:00Z", 10: f"{label}T00:00:00Z", 13: f"{label}:00:00Z"}[len(label)]


def _lines(tx: Tx, sees: str | None, filter: Filter, by: str, kept: dict[str, str], named: str) -> list[Line]:
    """The most frequent values, with an address of the log that shows exactly these entries."""
    totals = Counter(
        {c.values[0]: c.entries for c in reader.counts(tx, seen_by=sees, filter=filter, by=[by]) if c.values[0]}
    )
    most = max(totals.values(), default=1)
    return [
        Line(value, count, round(100 * count / most), f"/entries?{urlencode({**kept, named: value})}")
        for value, count in totals.most_common(TOP)
    ]
