"""What a shadow saw, at rest: one candidate at a time, counts, and the newest decisions it would have made otherwise.

Counts are of four kinds: `asked` (name: same, different, unanswered or dropped), `result` (name: the answer that was
given, change: the candidate's), `rule` (name: its code, change: gone or new). Results and rules are of differences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.db import Tx
from gateway.ids import uuid7
from gateway.policy.bundle import Bundle
from gateway.policy.store import bundle_from, content_of

MOST_KEPT = 1000
"""Of the differences: the newest."""

Counts = Counter[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A live decision that the candidate would have made otherwise: `before` was answered; codes that go and come."""

    entry: str
    before: str
    after: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A shadow and what it saw. `why` it ended, if that was not an operator's wish."""

    id: str
    digest: str
    revision: str
    started_at: int
    ended_at: int | None
    why: str | None
    counts: Counts
    differences: tuple[Otherwise, ...]


def begin(tx: Tx, bundle: Bundle, revision: str, *, now: int) -> str:
    """Put a candidate beside the active bundle, by its new id. What an earlier one saw is forgotten."""
    for sql in (
        "DELETE FROM policy_shadow_difference",
        "DELETE FROM policy_shadow_count",
        "DELETE FROM policy_shadow",
    ):
        tx.execute(sql)
    shadow = uuid7()
    sql = "INSERT INTO policy_shadow (id, digest, revision, content, started_at) VALUES (?, ?, ?, ?, ?)"
    tx.execute(sql, (shadow, bundle.digest, revision, content_of(bundle), now))
    return shadow


def end(tx: Tx, shadow: str, *, now: int, why: str | None) -> bool:
    """Whether it ran until now."""
    sql = "UPDATE policy_shadow SET ended_at = ?, why = ? WHERE id = ? AND ended_at IS NULL"
    return tx.execute(sql, (now, why, shadow)).rowcount == 1


def running(tx: Tx) -> tuple[str, str] | None:
    """Id and digest of the candidate that runs."""
    row = tx.execute("SELECT id, digest FROM policy_shadow WHERE ended_at IS NULL").fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def candidate(tx: Tx, shadow: str) -> Bundle | None:
    """The bundle of a shadow."""
    row = tx.execute("SELECT content, digest FROM policy_shadow WHERE id = ?", (shadow,)).fetchone()
    return None if row is None else bundle_from(bytes(row[0]), row[1])


def tally(tx: Tx, shadow: str, counts: Counts, differences: Sequence[Otherwise]) -> bool:
    """Add what was seen; whether the shadow still runs. Of one that has ended nothing is added."""
    if tx.execute("SELECT 1 FROM policy_shadow WHERE id = ? AND ended_at IS NULL", (shadow,)).fetchone() is None:
        return False
    tx.execute_many(_COUNT, [(shadow, *key, count) for key, count in sorted(counts.items())])
    rows = [(d.entry, shadow, d.before, d.after, " ".join(d.gone), " ".join(d.new)) for d in differences]
    tx.execute_many(_DIFFERENCE, rows)
    if rows:
        tx.execute(_FORGET, (MOST_KEPT,))
    return True


def seen(tx: Tx, *, most: int) -> Seen | None:
    """The shadow that runs or ran last, with its newest differences; None where there was none."""
    sql = "SELECT id, digest, revision, started_at, ended_at, why FROM policy_shadow"
    row = tx.execute(sql).fetchone()
    if row is None:
        return None
    sql = "SELECT what, name, change, count FROM policy_shadow_count WHERE shadow = ?"
    counts = Counter({(what, name, change): n for what, name, change, n in tx.execute(sql, (row[0],)).fetchall()})
    sql = "SELECT entry, before, after, gone, new FROM policy_shadow_difference WHERE shadow = ?"
    found = tx.execute(f"{sql} ORDER BY entry DESC LIMIT ?", (row[0], most)).fetchall()
    differences = tuple(Otherwise(e, b, a, tuple(gone.split()), tuple(new.split())) for e, b, a, gone, new in found)
    id, digest, revision, started_at, ended_at, why = row
    return Seen(id, digest, revision, started_at, ended_at, why, counts, differences)


_COUNT = (
    "INSERT INTO policy_shadow_count (shadow, what, name, change, count) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (shadow, what, name, change) DO UPDATE SET count = policy_shadow_count.count + excluded.count"
)
_DIFFERENCE = (
    "INSERT INTO policy_shadow_difference (entry, shadow, before, after, gone, new) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (entry) DO NOTHING"
)
_FORGET = (
    "DELETE FROM policy_shadow_difference WHERE entry NOT IN"
    " (SELECT entry FROM policy_shadow_difference ORDER BY entry DESC LIMIT ?)"
)
