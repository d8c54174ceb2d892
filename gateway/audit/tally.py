"""Decisions counted by day as the log grows, so that a year at a glance costs what a year of days costs.

The tally follows the log from behind: each step counts a stretch of entries and moves the place in one transaction, and
whoever reads adds what is not counted yet. It can be made again from the log at any time.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import Final

from gateway.audit.log import Outcome
from gateway.db import Tx

STEP: Final = 2_000
"""Entries counted in one transaction: the writer waits for it."""
COUNTED: Final = "access.decision"
VALUES: Final = MappingProxyType({"all": "''", "actor": "e.actor_org", "dataset": "e.dataset", "code": "k.code"})
"""What is counted by: nothing more than day and outcome, who asked, which data, and each rule that spoke."""

Tally = Counter[tuple[str, str, str]]
"""How many decisions, by the beginning of their time, by value, by outcome."""


def advance(tx: Tx) -> Outcome:
    """Count on by a step; the value is whether there is more to count."""
    place, size = _place(tx), tx.execute("SELECT size FROM log_head WHERE id = 1").fetchone()[0]
    end = min(place + STEP, size)
    if end == place:
        return Outcome((), False)
    if tx.execute("UPDATE log_tally_place SET idx = ? WHERE id = 1 AND idx = ?", (end, place)).rowcount != 1:
        return Outcome((), False)  # another process has
    for what in VALUES:
        for party in (False, True):
            tx.execute(
                "INSERT INTO log_tally (participant, what, day, value, outcome, n)"
                f" {_selected(what, party=party, length=10)}"
                " ON CONFLICT (participant, what, day, value, outcome) DO UPDATE SET n = log_tally.n + excluded.n",
                (COUNTED, place, end),
            )
    return Outcome((), end < size)


def decisions(tx: Tx, *, seen_by: str | None, since: str, what: str, length: int) -> Tally:
    """Decisions from a day on (`2026-01-31`), by `what` of VALUES. `length` 7: by month; 10: by day. Times are UTC."""
    found: Tally = Counter()
    sql = (
        "SELECT substr(day, 1, ?), value, outcome, sum(n) FROM log_tally"
        " WHERE participant = ? AND what = ? AND day >= ? GROUP BY 1, 2, 3"
    )
    for begin, value, outcome, count in tx.execute(sql, (length, seen_by or "", what, since)).fetchall():
        found[begin, value, outcome] += int(count)
    # What came since the last step; few, as a step follows every two seconds.
    sql = _selected(what, party=seen_by is not None, length=length, more=" AND e.ts >= ?", mine=seen_by is not None)
    values = (COUNTED, _place(tx), 2**53 - 1, since, *((seen_by,) if seen_by is not None else ()))
    for _participant, _what, begin, value, outcome, count in tx.execute(sql, values).fetchall():
        found[begin, value, outcome] += count
    return found


def _place(tx: Tx) -> int:
    """Up to where it is counted."""
    found: int = tx.execute("SELECT idx FROM log_tally_place WHERE id = 1").fetchone()[0]
    return found


def _selected(what: str, *, party: bool, length: int, more: str = "", mine: bool = False) -> str:
    """The decisions of a stretch, counted; for everybody together, or for each party to them."""
    value, whose = VALUES[what], "p.participant" if party else "''"
    join = " JOIN log_party p ON p.idx = e.idx" if party else ""
    join += " JOIN log_code k ON k.idx = e.idx" if what == "code" else ""
    more += " AND p.participant = ?" if mine else ""
    begin = f"substr(e.ts, 1, {length})"
    keys = ", ".join(key for key in (whose, begin, value, "e.outcome") if key != "''")
    return (
        f"SELECT {whose}, '{what}', {begin}, {value}, e.outcome, count(*) FROM log_entry e{join}"
        f" WHERE e.type = ? AND e.idx >= ? AND e.idx < ?{more} AND {value} IS NOT NULL GROUP BY {keys}"
    )
