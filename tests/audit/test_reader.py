"""Reading the log: filters, pages, what a party sees, and proofs at every kind of size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import reader
from gateway.audit.errors import LogDamaged
from gateway.audit.event import Contract, Reason
from gateway.audit.log import Log, Outcome
from gateway.audit.merkle import Frontier, verify_consistency, verify_inclusion
from gateway.audit.reader import Filter
from gateway.clock import instant
from gateway.db import Tx
from tests.audit.harness.logs import entry, make_log, one, running
from tests.audit.small_log import HOSPITAL, LOG, PHARMA

START = 1_795_392_000
DATASETS = ("urn:uuid:a", "urn:uuid:b", "urn:uuid:c")
TYPES = ("dataset.registered", "dataset.withdrawn")
SIZE = 60


def _kind(n: int) -> dict[str, Any]:
    codes = [code for code, step in (("HGR-07", 5), ("HGR-08", 7)) if n % step == 0]
    reasons = tuple(Reason(code, "Why.") for code in codes)
    return {"type": TYPES[n % 2], "outcome": "failure" if n % 5 == 0 else "success", "reasons": reasons}


def _parties(n: int) -> tuple[str, ...]:
    return tuple(p for p, step in ((PHARMA, 2), (HOSPITAL, 3)) if n % step == 0)


@pytest.fixture
def log(database: str) -> Iterator[Log]:
    """Sixty entries a minute apart, of three datasets and two types; every fifth failed."""
    make_log(database)
    with running(database) as log:
        records = tuple(entry(DATASETS[n % 3], _parties(n), at=START + 60 * n, **_kind(n)) for n in range(SIZE))
        log.record(lambda _tx: Outcome(records))
        yield log


FILTERS: dict[str, tuple[Filter, Any]] = {
    "all": (Filter(), lambda n: True),
    "type": (Filter(type=TYPES[1]), lambda n: n % 2 == 1),
    "outcome": (Filter(outcome="failure"), lambda n: n % 5 == 0),
    "dataset": (Filter(dataset=DATASETS[2]), lambda n: n % 3 == 2),
    "participant": (Filter(participant=HOSPITAL), lambda n: n % 3 == 0),
    "since": (Filter(since=instant(START + 60 * 20)), lambda n: n >= 20),
    "until": (Filter(until=instant(START + 60 * 20)), lambda n: n < 20),
    "a window": (Filter(since=instant(START + 600), until=instant(START + 660)), lambda n: n == 10),
    "contract": (Filter(contract="urn:uuid:never"), lambda n: False),
    "several": (Filter(type=TYPES[0], dataset=DATASETS[0], outcome="success"), lambda n: n % 6 == 0 and n % 5 != 0),
    "agent": (Filter(agent="gateway"), lambda n: True),
    "another agent": (Filter(agent="a-00000000000000000000"), lambda n: False),
    "code": (Filter(code="HGR-07"), lambda n: n % 5 == 0),
    "codes that begin alike": (Filter(code="HGR*"), lambda n: n % 5 == 0 or n % 7 == 0),
    "a code that is only a beginning": (Filter(code="HGR"), lambda n: False),
    "any code": (Filter(code="*"), lambda n: n % 5 == 0 or n % 7 == 0),
    "code of a type": (Filter(code="HGR-08", type=TYPES[0]), lambda n: n % 14 == 0),
    "injection": (Filter(dataset="' OR 1=1 --"), lambda n: False),
    "injected code": (Filter(code="' OR 1=1 --*"), lambda n: False),
}


@pytest.mark.parametrize("seen_by", [None, HOSPITAL, PHARMA, "did:web:nobody.example"])
@pytest.mark.parametrize(("filter", "fits"), FILTERS.values(), ids=FILTERS)
def test_pages_either_way_are_complete_and_never_overlap(
    log: Log, filter: Filter, fits: Any, seen_by: str | None
) -> None:
    wanted = [n for n in range(SIZE) if fits(n) and (seen_by is None or seen_by in _parties(n))]
    with log.db.reading_tx() as tx:
        for forward in (False, True):
            found: list[int] = []
            at: int | None = -1 if forward else SIZE
            while True:
                bounds = {"after": at} if forward else {"before": at}
                page = reader.entries(tx, seen_by=seen_by, filter=filter, limit=7, **bounds)
                found += [stored.index for stored in page]
                if len(page) < 7:
                    break
                at = page[-1].index
            assert found == sorted(wanted, reverse=not forward)


def test_entries_that_come_in_between_move_no_page(log: Log) -> None:
    with log.db.reading_tx() as tx:
        first = [stored.index for stored in reader.entries(tx, seen_by=None, filter=Filter(), limit=10)]
    log.record(one())
    with log.db.reading_tx() as tx:
        second = reader.entries(tx, seen_by=None, filter=Filter(), before=first[-1], limit=10)
    assert [stored.index for stored in second] == list(range(SIZE - 11, SIZE - 21, -1))


def test_a_contract_is_found_by_its_id(database: str) -> None:
    make_log(database)
    with running(database) as log:
        log.record(one(contract=Contract("urn:uuid:contract", "ab" * 32)))
        log.record(one())
        with log.db.reading_tx() as tx:
            found = reader.entries(tx, seen_by=None, filter=Filter(contract="urn:uuid:contract"))
    assert [stored.index for stored in found] == [0]


def test_a_strangers_entry_looks_like_one_that_never_was(log: Log) -> None:
    with log.db.reading_tx() as tx:
        everything = list(reader.all_entries(tx, begin=0, end=SIZE))
        for stored in everything:
            for party in (HOSPITAL, PHARMA):
                found = reader.entry_by_id(tx, stored.id, seen_by=party)
                assert found == (stored if party in _parties(stored.index) else None)
                assert (reader.opening(tx, stored.index, party) is None) == (found is None)
            assert reader.entry_by_id(tx, stored.id, seen_by=None) == stored
        assert reader.entry_by_id(tx, "never-was", seen_by=HOSPITAL) is None
        assert reader.entry_by_id(tx, "never-was", seen_by=None) is None


@pytest.mark.parametrize(("begin", "end"), [(0, SIZE), (0, 0), (7, 7), (10, 50), (SIZE - 1, SIZE + 5), (SIZE, SIZE)])
def test_a_range_is_every_entry_of_it_in_order(log: Log, begin: int, end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PAGE", 9)
    with log.db.reading_tx() as tx:
        assert [s.index for s in reader.all_entries(tx, begin=begin, end=end)] == list(range(begin, min(end, SIZE)))
        own = [s.index for s, _ in reader.party_entries(tx, PHARMA, size=end)]
        assert own == list(range(0, min(end, SIZE), 2))


def proves(log: Log, sizes: list[int]) -> None:
    """Proofs between trees of these sizes, and of entries at the edges of each."""
    with log.db.reading_tx() as tx:
        leaves = [stored.leaf for stored in reader.all_entries(tx, begin=0, end=sizes[-1])]
        frontier, roots = Frontier(), {}
        for leaf in leaves:
            frontier.append(leaf)
            if frontier.size in sizes:
                roots[frontier.size] = frontier.root()
        for size in sizes:
            for index in sorted(
                {0, size // 3, size // 2, (size - 1) // 256 * 256, size - 2, size - 1} & set(range(size))
            ):
                proof = reader.inclusion(tx, index, size)
                verify_inclusion(index, size, leaves[index], proof, roots[size])
        for old, new in [*pairwise(sizes), *((size, sizes[-1]) for size in sizes)]:
            verify_consistency(old, new, roots[old], roots[new], reader.consistency(tx, old, new))
        _, checkpoint = reader.head(tx, LOG.verifier)
        assert checkpoint.root == roots.get(checkpoint.size, checkpoint.root)


def grown(url: str, size: int, batch: int) -> None:
    make_log(url)
    with running(url) as log:
        made = 0
        while made < size:
            records = tuple(entry(parties=()) for _ in range(min(batch, size - made)))
            made += len(log.record(lambda _tx, records=records: Outcome(records)).indices)


def test_proofs_hold_across_the_first_tiles(database: str) -> None:
    grown(database, 1030, 100)
    with running(database) as log:
        proves(log, [1, 2, 3, 127, 128, 255, 256, 257, 300, 511, 512, 513, 767, 768, 1023, 1024, 1030])


@pytest.mark.server
def test_proofs_hold_across_the_first_tile_of_tiles(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'large.sqlite3'}"
    grown(url, 65_800, 5_000)
    with running(url) as log:
        proves(log, [255, 256, 65_279, 65_280, 65_281, 65_535, 65_536, 65_537, 65_791, 65_792, 65_793, 65_800])


def test_a_tile_that_is_missing_is_never_proved_around(database: str) -> None:
    grown(database, 600, 100)
    with running(database) as log:
        alter_own(log, "DELETE FROM log_tile WHERE level = 0 AND n = 0")
        with log.db.reading_tx() as tx, pytest.raises(LogDamaged):
            reader.inclusion(tx, 599, 600)


def test_a_leaf_that_is_missing_is_never_proved_around(database: str) -> None:
    grown(database, 600, 100)
    with running(database) as log:
        alter_own(log, "DELETE FROM log_entry WHERE idx = 520")
        with log.db.reading_tx() as tx, pytest.raises(LogDamaged):
            reader.inclusion(tx, 599, 600)


def test_readers_see_whole_batches_while_the_log_grows(database: str) -> None:
    make_log(database)
    with running(database) as log, ThreadPoolExecutor(1) as pool:

        def write() -> None:
            for n in range(40):
                log.record(lambda _tx, n=n: Outcome(tuple(entry(f"urn:uuid:{n}") for _ in range(3))))

        writing = pool.submit(write)
        while not writing.done():
            with log.db.reading_tx() as tx:
                _, checkpoint = reader.head(tx, LOG.verifier)
                assert checkpoint.size % 3 == 0
                if checkpoint.size:
                    stored = next(reader.all_entries(tx, begin=checkpoint.size - 1, end=checkpoint.size))
                    proof = reader.inclusion(tx, stored.index, checkpoint.size)
                    verify_inclusion(stored.index, checkpoint.size, stored.leaf, proof, checkpoint.root)
        writing.result(30)


def alter_own(log: Log, sql: str) -> None:
    """Change a log at rest from inside, for SQLite lets nobody else write."""
    log.record(lambda tx: tx.execute(sql) and Outcome(()))


COUNTED: dict[tuple[str, ...], Any] = {
    ("outcome",): lambda n: [("failure" if n % 5 == 0 else "success",)],
    ("hour", "type"): lambda n: [(instant(START + 60 * n)[:13], TYPES[n % 2])],
    ("day",): lambda n: [(instant(START + 60 * n)[:10],)],
    ("code",): lambda n: [(code,) for code, step in (("HGR-07", 5), ("HGR-08", 7)) if n % step == 0],
    ("dataset", "code"): lambda n: [
        (DATASETS[n % 3], code) for code, step in (("HGR-07", 5), ("HGR-08", 7)) if n % step == 0
    ],
    ("contract",): lambda n: [(None,)],
}


@pytest.mark.parametrize("seen_by", [None, HOSPITAL, "did:web:nobody.example"])
@pytest.mark.parametrize("by", COUNTED, ids=" and ".join)
@pytest.mark.parametrize("name", ["all", "outcome", "a window", "codes that begin alike", "participant"])
def test_counts_are_those_of_the_entries_that_fit(
    log: Log, by: tuple[str, ...], name: str, seen_by: str | None
) -> None:
    filter, fits = FILTERS[name]
    wanted: Counter[tuple[Any, ...]] = Counter()
    for n in range(SIZE):
        if fits(n) and (seen_by is None or seen_by in _parties(n)):
            wanted.update(COUNTED[by](n))
    with log.db.reading_tx() as tx:
        found = reader.counts(tx, seen_by=seen_by, filter=filter, by=by)
    assert {count.values: count.entries for count in found} == wanted
    assert [count.values for count in found] == sorted(wanted, key=str)


def test_a_rare_entry_is_found_without_looking_at_the_others(log: Log) -> None:
    """On either database the plan uses an index for what is filtered by."""
    columns = ("dataset", "contract", "agent", "outcome", "type")
    with log.db.reading_tx() as tx:
        if tx.is_postgresql:
            tx.execute("SET LOCAL enable_seqscan = off")  # a table of sixty rows is read whole otherwise
        for name in columns:
            conditions, values = reader.conditions(Filter(**{name: "x"}), None)
            sql = f"SELECT e.idx FROM log_entry e WHERE {' AND '.join(conditions)} ORDER BY e.idx DESC LIMIT 50"  # noqa: S608  the reader's conditions, values bound
            explain = "EXPLAIN " if tx.is_postgresql else "EXPLAIN QUERY PLAN "
            plan = str(tx.execute(explain + sql, values).fetchall())
            assert f"log_entry_{name}" in plan, plan


@pytest.mark.parametrize("seen_by", [None, HOSPITAL])
@pytest.mark.parametrize("by", [["hour", "outcome"], ["code"], ["dataset"]])
def test_counting_a_stretch_of_time_looks_at_that_stretch_alone(
    database: str, seen_by: str | None, by: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a type is asked for that is common: a page of figures must not grow with the log."""
    make_log(database)
    with running(database) as log, log.db.reading_tx() as tx:
        if tx.is_postgresql:
            pytest.skip("PostgreSQL plans by what it counted itself")
        asked: list[tuple[str, Any]] = []
        execute = Tx.execute
        monkeypatch.setattr(
            Tx, "execute", lambda tx, sql, values=(): (asked.append((sql, values)), execute(tx, sql, values))[1]
        )
        reader.counts(tx, seen_by=seen_by, filter=Filter(type=TYPES[0], since=instant(START)), by=by)
        [(sql, values)] = asked
        plan = [str(row[3]) for row in execute(tx, "EXPLAIN QUERY PLAN " + sql, values).fetchall()]
    reads = [line for line in plan if line.startswith(("SEARCH", "SCAN"))]
    assert reads[0].startswith("SEARCH e USING INDEX log_entry_ts")
    assert all(line.startswith("SEARCH") and "AUTOMATIC" not in line for line in reads), plan


@pytest.mark.parametrize("seen_by", [None, HOSPITAL])
@pytest.mark.parametrize(
    "filter",
    [
        Filter(),
        Filter(participant=HOSPITAL),
        Filter(participant=PHARMA),
        Filter(code="GEN-03"),
        Filter(code="GEN-03", outcome="deny"),
        Filter(outcome="deny"),
        Filter(dataset="x", participant=PHARMA),
        Filter(type=TYPES[0], outcome="deny"),
        Filter(contract="x"),
    ],
    ids=lambda filter: " ".join(filter.given()) or "nothing",
)
@pytest.mark.parametrize("after", [None, 3])
def test_a_page_is_read_in_its_own_order_and_nothing_is_sorted(
    tmp_path: Path, seen_by: str | None, filter: Filter, after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page costs what a page costs, however long the log is. PostgreSQL plans by what it counted itself."""
    database = f"sqlite:///{tmp_path}/log.sqlite3"
    make_log(database)
    with running(database) as log, log.db.reading_tx() as tx:
        asked: list[tuple[str, Any]] = []
        execute = Tx.execute
        monkeypatch.setattr(
            Tx, "execute", lambda tx, sql, values=(): (asked.append((sql, values)), execute(tx, sql, values))[1]
        )
        reader.entries(tx, seen_by=seen_by, filter=filter, before=50, after=after)
        [(sql, values)] = asked
        plan = [str(row[3]) for row in execute(tx, "EXPLAIN QUERY PLAN " + sql, values).fetchall()]
    assert not any("TEMP B-TREE" in line or "AUTOMATIC" in line for line in plan), plan
