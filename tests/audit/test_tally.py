"""Decisions counted by day say what the log says, however far they are counted and by however many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.audit import reader, tally
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Decision, Object, Reason, Source
from gateway.audit.log import Log, Outcome, Record
from gateway.audit.reader import Filter
from tests.audit.harness.logs import entry, make_log, running
from tests.audit.small_log import HOSPITAL

PHARMA = "did:web:pharma.example"
DAY_S = 24 * 3600
START = 1_795_392_000
CODES = ("GEN-03", "DUO-90")


def decided(n: int) -> Record:
    """The decisions of some sixty days around a turn of the year, and now and then something else."""
    at = START + n * DAY_S // 2
    if n % 9 == 0:
        return entry("urn:uuid:x", (HOSPITAL,), at=at)
    outcome = ("permit", "deny", "refer")[n % 3]
    deed = Deed(Actor("a-" + "0" * 20, (HOSPITAL, PHARMA)[n % 2]), Source("test"), at)
    rules = () if outcome == "permit" else CODES[: 1 + n % 2]
    objects = () if n % 5 == 0 else (Object("dataset", f"urn:uuid:{n % 4}"),)
    reasons = tuple(Reason(code, "Why.") for code in rules)
    shown = Decision(outcome, rules=rules)
    event = deed.event(tally.COUNTED, outcome, decision=shown, objects=objects, reasons=reasons)
    return Record(event, ((PHARMA,), (HOSPITAL,), (HOSPITAL, PHARMA))[n % 3])


@pytest.fixture
def log(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.setattr(tally, "STEP", 7)
    make_log(database)
    with running(database) as log:
        for n in range(0, 120, 10):
            log.record(lambda _tx, n=n: Outcome(tuple(decided(each) for each in range(n, n + 10))))
        yield log


def recounted(log: Log, seen_by: str | None, since: str, what: str, length: int) -> tally.Tally:
    """The same figures, counted from the entries themselves."""
    found: tally.Tally = Counter()
    with log.db.reading_tx() as tx:
        entries = reader.entries(tx, seen_by=seen_by, filter=Filter(type=tally.COUNTED), limit=100_000)
    for record in (stored.record() for stored in entries):
        if record["ts"] < since:
            continue
        dataset = next((one["id"] for one in record["objects"] if one["kind"] == "dataset"), None)
        values = {
            "all": [""],
            "actor": [record["actor"]["org_id"]],
            "dataset": [dataset] if dataset else [],
            "code": (record["decision"] or {}).get("rules") or [],
        }[what]
        for value in values:
            found[record["ts"][:length], value, record["event"]["outcome"]] += 1
    return found


@pytest.mark.parametrize("steps", [0, 1, 3, 1000])
def test_figures_are_the_logs_however_far_it_is_counted(log: Log, steps: int) -> None:
    for _ in range(steps):
        if not log.record(tally.advance).value:
            break
    seen = 0
    with log.db.reading_tx() as tx:
        days = sorted({stored.record()["ts"][:10] for stored in reader.entries(tx, seen_by=None, filter=Filter())})
    for seen_by in (None, HOSPITAL):
        for what in tally.VALUES:
            for since in (days[0], days[-1], "2100-01-01"):
                for length in (7, 10):
                    with log.db.reading_tx() as tx:
                        found = tally.decisions(tx, seen_by=seen_by, since=since, what=what, length=length)
                    assert found == recounted(log, seen_by, since, what, length), (seen_by, what, since, length)
                    seen += found.total()
    assert seen


def test_a_stretch_is_counted_once_by_however_many(log: Log) -> None:
    while log.record(tally.advance).value:
        pass
    assert log.record(tally.advance).value is False
    with log.db.reading_tx() as tx:
        everything = tx.execute("SELECT sum(n) FROM log_tally WHERE participant = '' AND what = 'all'").fetchone()[0]
        size, place = (
            tx.execute(sql).fetchone()[0] for sql in ("SELECT size FROM log_head", "SELECT idx FROM log_tally_place")
        )
        decided = len(reader.entries(tx, seen_by=None, filter=Filter(type=tally.COUNTED), limit=100_000))
    assert (everything, place) == (decided, size)
