"""The officer's day at a glance: what was decided, when, by which rule, for whom, on what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from gateway.audit import reader, tally
from gateway.audit.reader import TIMES, Filter
from gateway.audit.tally import Tally
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
    with visit.gateway.db.reading_tx() as tx:
        by_time = _figures(tx, sees, chosen, since, "all")
        by = {what: _figures(tx, sees, chosen, since, what) for what in ("code", "actor", "dataset")}
    acting.look("audit.read", Filter(type="access.decision", since=since), by_time.total())
    decided = {"type": "access.decision", "since": since}
    return visit.page(
        "overview.html",
        span=span,
        spans=tuple(SPANS),
        since=since,
        chart=stacked(labels, OUTCOMES, [(begin, outcome, n) for (begin, _, outcome), n in sorted(by_time.items())]),
        outcomes=OUTCOMES,
        rules=_lines(by["code"], decided, "code"),
        parties=_lines(by["actor"], decided, "participant"),
        datasets=_lines(by["dataset"], decided, "dataset"),
        wary=_lines(by["actor"], {"outcome": "deny", "since": since}, "participant", outcome="deny"),
        titles=rule_titles(visit),
    )


def rule_titles(visit: Visit) -> dict[str, str]:
    """What the rules behind the codes are called."""
    catalogue = visit.gateway.policies.current.bundle.catalogue
    return {code: rule.title for rule in catalogue for code in rule.codes}


def _begin(label: str) -> str:
    """The instant at which a place begins."""
    return {7: f"{label}-01T00:00:00Z", 10: f"{label}T00:00:00Z", 13: f"{label}:00:00Z"}[len(label)]


def _figures(tx: Tx, sees: str | None, span: Span, since: str, what: str) -> Tally:
    """Decisions since then. Those of a day are counted now, those of a month or a year were as they came."""
    if span.unit != "hour":
        return tally.decisions(tx, seen_by=sees, since=since[:10], what=what, length=TIMES[span.unit])
    by = [span.unit, "outcome"] if what == "all" else [what, "outcome"]
    counted = reader.counts(tx, seen_by=sees, filter=Filter(type="access.decision", since=since), by=by)
    found: Tally = Counter()
    for one in counted:
        first, outcome = one.values
        if first is not None:
            found[(first, "", outcome or "") if what == "all" else ("", first, outcome or "")] += one.entries
    return found


def _lines(found: Tally, kept: dict[str, str], named: str, *, outcome: str | None = None) -> list[Line]:
    """The most frequent values, with an address of the log that shows exactly these entries."""
    totals: Counter[str] = Counter()
    for (_, value, came), n in found.items():
        if value and outcome in (None, came):
            totals[value] += n
    most = max(totals.values(), default=1)
    return [
        Line(value, count, round(100 * count / most), f"/entries?{urlencode({**kept, named: value})}")
        for value, count in totals.most_common(TOP)
    ]
