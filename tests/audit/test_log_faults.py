"""The log when its database fails: nothing acknowledged is lost, nothing is guessed, and it recovers by itself."""

from __future__ import annotations

import io
import multiprocessing
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog

import gateway.audit.log as writer
from gateway.app import log_as_json
from gateway.audit.errors import LogDamaged, LogUnavailable
from gateway.audit.log import Log, Outcome
from gateway.clock import instant
from gateway.db import Database, DatabaseInUse, Tx
from gateway.problems import Unavailable
from tests.audit.harness.faults import Fault, Faults
from tests.audit.harness.logs import alter, entry, judge, make_log, mark, marks, one, running
from tests.audit.small_log import OTHER_KEY
from tests.databases import Cluster

NOON = 1_795_435_200.0


class HandClock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def faulty(database: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A running log and the faults to come."""
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    make_log(database)
    made: list[Faults] = []
    with running(database, clock=clock, prepare=lambda db: made.append(Faults(db))) as log:
        yield log, made[0]


def marking(name: str) -> Any:
    def change(tx: Tx) -> Outcome:
        mark(tx, name)
        return Outcome((entry(f"urn:uuid:{name}"),))

    return change


def in_thread(log: Log, change: Any) -> Any:
    """The change in a thread of its own, which may have to wait."""
    box: list[Any] = []

    def work() -> None:
        try:
            box.append(log.record(change))
        except Exception as error:
            box.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, box


def test_a_commit_that_failed_and_left_nothing_is_answered_so(faulty: tuple[Log, Faults]) -> None:
    log, faults = faulty
    log.record(marking("before"))
    faults.commits.append("lost")
    with pytest.raises(LogUnavailable):
        log.record(marking("lost"))
    assert log.record(marking("after")).indices == (2,)  # behind the gap's entry
    assert marks(log.db) == {"before", "after"}
    assert [r["event"]["type"] for r in judge(log.db)] == ["dataset.registered", "audit.gap", "dataset.registered"]


def test_a_commit_that_failed_but_is_on_disk_is_answered_as_done(faulty: tuple[Log, Faults]) -> None:
    log, faults = faulty
    log.record(marking("before"))
    faults.commits.append("kept")
    answer = log.record(marking("kept"))
    assert answer.indices == (1,)
    assert marks(log.db) == {"before", "kept"}
    assert judge(log.db)[1]["id"] == answer.ids[0]
    assert log.record(marking("after")).indices == (3,)
    assert [r["event"]["type"] for r in judge(log.db)][2:] == ["audit.gap", "dataset.registered"]


@pytest.mark.parametrize("fault", ["lost", "kept"])
def test_a_change_without_an_entry_is_never_said_to_be_done_when_its_commit_failed(
    faulty: tuple[Log, Faults], fault: Fault
) -> None:
    log, faults = faulty
    faults.commits.append(fault)

    def silent(tx: Tx) -> Outcome:
        mark(tx, "silent")
        return Outcome(())

    with pytest.raises(LogUnavailable, match="not known"):
        log.record(silent)
    assert marks(log.db) == ({"silent"} if fault == "kept" else set())


@pytest.mark.parametrize("fault", ["lost, then away", "kept, then away"])
def test_whether_it_happened_is_answered_when_the_database_is_back(
    faulty: tuple[Log, Faults], fault: Fault, clock: HandClock
) -> None:
    log, faults = faulty
    log.record(marking("before"))
    faults.commits.append(fault)
    thread, box = in_thread(log, marking("asked"))
    while not faults.away:
        time.sleep(0.001)
    with pytest.raises(LogUnavailable):
        log.record(marking("meanwhile"))  # nobody else waits for a database that is away
    assert not box
    assert not log.healthy
    clock.now += 60
    faults.away = False
    thread.join(30)
    if fault.startswith("kept"):
        assert box[0].indices == (1,)
    else:
        assert isinstance(box[0], LogUnavailable)
    log.record(marking("after"))
    records = judge(log.db)
    assert marks(log.db) == {"before", "after"} | ({"asked"} if fault.startswith("kept") else set())
    gap = next(r for r in records if r["event"]["type"] == "audit.gap")
    assert gap["facts"] == {"since": instant(NOON), "until": instant(NOON + 60)}
    assert log.healthy


@pytest.mark.parametrize("fault", ["lost, then away", "kept, then away"])
def test_who_has_waited_long_enough_is_told_that_it_is_not_known(
    faulty: tuple[Log, Faults], fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, faults = faulty
    monkeypatch.setattr(writer, "PATIENCE_S", 0.05)
    faults.commits.append(fault)
    with pytest.raises(LogUnavailable, match="not known"):
        log.record(marking("asked"))
    faults.away = False
    log.record(marking("after"))
    judge(log.db)


def test_a_process_log_that_cannot_be_written_ends_nothing(
    faulty: tuple[Log, Faults], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, faults = faulty
    gone = io.StringIO()
    gone.close()
    monkeypatch.setattr(sys, "stderr", gone)
    configured = structlog.get_config()
    log_as_json()
    try:
        faults.commits.append("lost")
        with pytest.raises(LogUnavailable):  # what went wrong was to be logged, and could not
            log.record(marking("lost"))
        log.record(marking("after"))
    finally:
        structlog.configure(**configured)
    assert marks(log.db) == {"after"}
    judge(log.db)


def test_closing_does_not_wait_for_a_database_that_is_away(faulty: tuple[Log, Faults]) -> None:
    log, faults = faulty
    faults.commits.append("lost, then away")
    thread, box = in_thread(log, marking("asked"))
    while not faults.away:
        time.sleep(0.001)
    log.close()
    thread.join(10)
    assert isinstance(box[0], LogUnavailable)


@pytest.mark.server
def test_what_is_answered_after_a_failed_commit_holds_when_another_process_was_faster(
    postgresql_pair: tuple[Log, Faults, Log],
) -> None:
    log, faults, other = postgresql_pair
    faults.commits.append("kept, then away")
    thread, box = in_thread(log, marking("ours"))
    while not faults.away:
        time.sleep(0.001)
    other.record(marking("theirs"))
    faults.away = False
    thread.join(30)
    assert box[0].indices == (0,)
    assert log.record(marking("next")).indices == (3,)
    judge(log.db)


@pytest.fixture
def postgresql_pair(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    make_log(postgresql)
    made: list[Faults] = []
    with running(postgresql, prepare=lambda db: made.append(Faults(db))) as log, running(postgresql) as other:
        yield log, made[0], other


def test_a_database_that_is_away_refuses_and_its_return_is_enough(faulty: tuple[Log, Faults], clock: HandClock) -> None:
    log, faults = faulty
    log.record(marking("before"))
    faults.away = True
    clock.now = NOON + 5
    for _ in range(3):
        with pytest.raises(Unavailable):
            log.record(marking("meanwhile"))
        clock.now += 1
    assert not log.healthy
    faults.away = False
    clock.now = NOON + 65
    assert log.record(marking("after")).indices == (2,)
    gap = judge(log.db)[1]
    assert (gap["event"]["type"], gap["event"]["outcome"]) == ("audit.gap", "failure")
    assert gap["facts"] == {"since": instant(NOON + 5), "until": instant(NOON + 65)}
    assert gap["parties"] == []
    assert log.healthy
    log.record(marking("one-more"))
    assert [r["event"]["type"] for r in judge(log.db)].count("audit.gap") == 1


def test_a_database_that_goes_away_in_the_middle_of_a_change_leaves_nothing(faulty: tuple[Log, Faults]) -> None:
    log, faults = faulty

    def cut_off(tx: Tx) -> Outcome:
        mark(tx, "cut off")
        faults.away = True
        mark(tx, "never")
        return Outcome((entry(),))

    with pytest.raises(LogUnavailable):
        log.record(cut_off)
    faults.away = False
    log.record(marking("after"))
    assert marks(log.db) == {"after"}
    judge(log.db)


@pytest.mark.server
def test_a_server_that_crashes_under_load_loses_nothing_acknowledged(
    cluster: Cluster, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.05)
    make_log(postgresql)
    acknowledged: list[str] = []
    refused = threading.Event()
    stop = threading.Event()
    with running(postgresql) as log, ThreadPoolExecutor(8) as pool:

        def call() -> None:
            while not stop.is_set():
                try:
                    acknowledged.append(log.record(one()).ids[0])
                except Unavailable:
                    refused.set()
                    time.sleep(0.01)

        futures = [pool.submit(call) for _ in range(8)]
        try:
            time.sleep(0.5)
            cluster.crash()
            assert refused.wait(20)
            before = len(acknowledged)
            cluster.start()
            deadline = time.monotonic() + 60
            while len(acknowledged) < before + 100 and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            stop.set()
        for future in futures:
            future.result(30)
        records = judge(log.db)
    ids = {record["id"] for record in records}
    assert before > 0
    assert len(acknowledged) >= before + 100, "the log did not come back with its database"
    assert set(acknowledged) <= ids
    assert [r["event"]["type"] for r in records].count("audit.gap") == 1


def filled(url: str) -> None:
    """A log with two full tiles and some more."""
    make_log(url)
    with running(url) as log:
        records = [tuple(entry(f"urn:uuid:{n}") for n in range(first, first + 100)) for first in range(0, 600, 100)]
        for batch in records:
            log.record(lambda _tx, batch=batch: Outcome(batch))


FLIPPED_BODY = "UPDATE log_entry SET body = ? WHERE idx = ?"
DAMAGE: dict[str, list[tuple[str, tuple[Any, ...]]]] = {
    "the bytes of an old entry": [(FLIPPED_BODY, (b"{}", 3))],
    "the bytes of the newest entry": [(FLIPPED_BODY, (b"{}", 599))],
    "an old leaf": [("UPDATE log_entry SET leaf = ? WHERE idx = ?", (bytes(32), 3))],
    "the newest leaf": [("UPDATE log_entry SET leaf = ? WHERE idx = ?", (bytes(32), 599))],
    "a tile": [("UPDATE log_tile SET hashes = ? WHERE level = 0 AND n = 1", (bytes(8192),))],
    "a tile's root": [("UPDATE log_tile SET root = ? WHERE level = 0 AND n = 0", (bytes(32),))],
    "a tile is missing": [("DELETE FROM log_tile WHERE level = 0 AND n = 0", ())],
    "an old entry is missing": [("DELETE FROM log_entry WHERE idx = 300", ())],
    "the first entry is missing": [("DELETE FROM log_entry WHERE idx = 0", ())],
    "the newest entry is missing": [("DELETE FROM log_entry WHERE idx = 599", ())],
    "an entry too many": [
        (
            "INSERT INTO log_entry (idx, id, ts, type, outcome, actor_org, agent, leaf, body)"
            " VALUES (600, 'x', 't', 't', 'o', 'a', 'b', ?, ?)",
            (bytes(32), b"{}"),
        )
    ],
    "the size in the head": [("UPDATE log_head SET size = 599", ())],
    "the frontier in the head": [("UPDATE log_head SET frontier = ?", ((600).to_bytes(8, "big") + bytes(4 * 32),))],
    "a frontier that is none": [("UPDATE log_head SET frontier = ?", (b"",))],
    "the checkpoint in the head": [("UPDATE log_head SET checkpoint = ?", ("not a note",))],
    "the head's row": [("DELETE FROM log_head", ())],
    "two entries changed places": [
        ("UPDATE log_entry SET idx = -1 WHERE idx = 10", ()),
        ("UPDATE log_entry SET idx = 10 WHERE idx = 11", ()),
        ("UPDATE log_entry SET idx = 11 WHERE idx = -1", ()),
    ],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_log_is_not_started(database: str, damage: list[tuple[str, tuple[Any, ...]]]) -> None:
    filled(database)
    with running(database):
        pass  # as it was made, it starts
    alter(database, *damage)
    with pytest.raises(LogDamaged), running(database):
        pass


def test_a_log_signed_by_another_key_is_not_started(database: str) -> None:
    filled(database)
    db = Database(database)
    log = Log(db, signer=OTHER_KEY, clock=lambda: 0.0)
    with pytest.raises(LogDamaged):
        log.start()
    db.close()


def test_a_database_that_was_set_back_while_the_gateway_runs_is_not_written_to(faulty: tuple[Log, Faults]) -> None:
    log, _ = faulty
    for n in range(3):
        log.record(one(f"urn:uuid:{n}"))
    with log.db.reading_tx() as tx:
        early = tx.execute("SELECT size, frontier, checkpoint FROM log_head").fetchone()
    log.record(one("urn:uuid:3"))
    # An older copy of the database, complete in itself, takes the place of ours.
    writing = log.db.writing_connection() if not log.db.is_sqlite else None
    statements = [
        ("DELETE FROM log_party WHERE idx >= 3", ()),
        ("DELETE FROM log_entry WHERE idx >= 3", ()),
        ("UPDATE log_head SET size = ?, frontier = ?, checkpoint = ?", tuple(early)),
    ]
    if writing is not None:
        with writing, writing.begin():
            for sql, values in statements:
                Tx(writing).execute(sql, values)
    else:
        log.record(lambda tx: [tx.execute(sql, values) for sql, values in statements] and Outcome(()))
    for _ in range(2):
        with pytest.raises((LogDamaged, LogUnavailable)):
            log.record(one("urn:uuid:fork"))
    assert len(judge(log.db)) == 3
    assert not log.healthy


def _hold(url: str, held: Any, release: Any) -> None:
    with running(url):
        held.set()
        release.wait(30)


def test_a_second_process_is_kept_off_an_sqlite_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'corridor.sqlite3'}"
    make_log(url)
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(url, held, release))
    process.start()
    try:
        assert held.wait(30)
        with pytest.raises(DatabaseInUse), running(url):
            pass
    finally:
        release.set()
        process.join(30)
    with running(url) as log:
        assert log.record(one()).indices == (0,)
