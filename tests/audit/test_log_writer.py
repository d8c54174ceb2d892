"""The log's writer: what it promises to those who call it, on each kind of database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest

import gateway.audit.log as writer
from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.commit import opens
from gateway.audit.create import LogExists, create_log
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import Log, Outcome
from gateway.audit.note import NoteSigner
from gateway.audit.reader import party_entries
from gateway.db import Database, Tx
from gateway.problems import Problem, WrongState
from tests.audit.harness.logs import entry, happening, judge, make_log, mark, marks, one, running
from tests.audit.small_log import HOSPITAL, LOG, PHARMA

CALLERS = 8
EACH = 25


@pytest.fixture
def log(database: str) -> Any:
    make_log(database)
    with running(database) as log:
        yield log


def held(log: Log, work: Callable[[], list[Any]]) -> list[Any]:
    """What `work` started, which all waits for the same batch: the writer is held until everything is queued."""
    entered, go = threading.Event(), threading.Event()

    def hold(_tx: Tx) -> Outcome:
        entered.set()
        assert go.wait(30)
        return Outcome(())

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(log.record, hold)
        assert entered.wait(30)
        started = work()
        while log.pending < len(started):
            threading.Event().wait(0.001)
        go.set()
        first.result(30)
    return started


def together(log: Log, changes: list[Any]) -> list[Any]:
    """What each change was answered with, recorded or raised, all of them in one batch and in this order."""
    with ThreadPoolExecutor(len(changes)) as pool:

        def start() -> list[Any]:
            futures = []
            for number, change in enumerate(changes, 1):
                futures.append(pool.submit(log.record, change))
                while log.pending < number:
                    threading.Event().wait(0.001)
            return futures

        before = log.batches
        futures = held(log, start)
        answers = [future.exception(30) or future.result() for future in futures]
    assert log.batches == before + 2  # the holding one, and ours
    return answers


class SignaturesCounted(NoteSigner):
    signed = 0

    def sign(self, text: str) -> str:
        self.signed += 1
        return super().sign(text)


def test_entries_of_threads_and_of_the_event_loop_are_one_sequence_and_one_tree(log: Log) -> None:
    async def loop_callers() -> list[int]:
        async def caller() -> list[int]:
            return [(await log.submit(one("urn:uuid:loop"))).indices[0] for _ in range(EACH)]

        return [*chain(*await asyncio.gather(*(caller() for _ in range(CALLERS))))]

    def thread_caller() -> list[int]:
        return [log.record(one("urn:uuid:thread")).indices[0] for _ in range(EACH)]

    with ThreadPoolExecutor(CALLERS + 1) as pool:
        on_loop = pool.submit(lambda: asyncio.run(loop_callers()))
        on_threads = [pool.submit(thread_caller) for _ in range(CALLERS)]
        answered = [*on_loop.result(), *chain(*(future.result() for future in on_threads))]
    assert sorted(answered) == list(range(2 * CALLERS * EACH))
    records = judge(log.db)
    assert len(records) == len(answered)
    assert log.batches < len(answered)


def test_an_answer_names_the_entry_as_it_stands_in_the_log(log: Log) -> None:
    records = (entry("urn:uuid:1"), entry("urn:uuid:2"), entry("urn:uuid:3"))
    answer = log.record(lambda _tx: Outcome(records, value="given"))
    assert answer.value == "given"
    assert (answer.indices, answer.size) == ((0, 1, 2), 3)
    assert tuple(record["id"] for record in judge(log.db)) == answer.ids == tuple(r.event.id for r in records)


def test_one_checkpoint_is_signed_for_a_batch_and_none_for_a_batch_without_entries(database: str) -> None:
    make_log(database)
    db = Database(database)
    signer = SignaturesCounted(LOG.name, LOG._key)
    log = Log(db, signer=signer, clock=lambda: 0.0)
    log.start()
    try:
        together(log, [one(f"urn:uuid:{n}") for n in range(6)])
        assert signer.signed == 1
        assert len(judge(db)) == 6
        log.record(lambda _tx: Outcome((), value=1))
        assert signer.signed == 1
    finally:
        log.close()
        db.close()


def test_a_change_that_is_refused_leaves_nothing_and_its_neighbours_go_on(log: Log) -> None:
    def refused(tx: Tx) -> Outcome:
        mark(tx, "refused")
        raise WrongState("not now")

    def kept(tx: Tx) -> Outcome:
        mark(tx, "kept")
        return Outcome((entry("urn:uuid:kept"),))

    answers = together(log, [one("urn:uuid:before"), refused, kept])
    assert isinstance(answers[1], WrongState)
    assert "entry" not in answers[1].members
    assert [answers[0].indices, answers[2].indices] == [(0,), (1,)]
    assert len(judge(log.db)) == 2
    assert marks(log.db) == {"kept"}


def _raises(tx: Tx) -> Outcome:
    raise RuntimeError("a bug")


def _fails_in_sql(tx: Tx) -> Outcome:
    tx.execute("INSERT INTO instance (id, seen) VALUES (NULL, 0)")
    return Outcome(())


def _asks_nonsense(tx: Tx) -> Outcome:
    tx.execute("SELECT nothing FROM nowhere")
    return Outcome(())


def _cannot_open_a_file(tx: Tx) -> Outcome:
    raise FileNotFoundError("an error that could be mistaken for a database that is away")


def _returns_what_is_no_outcome(tx: Tx) -> Any:
    return None


def _records_a_number_too_large(tx: Tx) -> Outcome:
    event = happening("urn:uuid:large")
    object.__setattr__(event, "facts", {"count": 2**60})
    return Outcome((entry("urn:uuid:first-of-two"), type(entry())(event, (HOSPITAL,))))


def _records_more_than_an_entry_holds(tx: Tx) -> Outcome:
    event = happening("urn:uuid:long")
    object.__setattr__(event, "facts", {f"f{n}": "x" * 250 for n in range(300)})
    return Outcome((type(entry())(event, (HOSPITAL,)),))


@pytest.mark.parametrize(
    "bug",
    [
        _raises,
        _fails_in_sql,
        _asks_nonsense,
        _cannot_open_a_file,
        _returns_what_is_no_outcome,
        _records_a_number_too_large,
        _records_more_than_an_entry_holds,
    ],
)
def test_a_bug_in_one_change_harms_none_of_its_neighbours(log: Log, bug: Callable[[Tx], Outcome]) -> None:
    def buggy(tx: Tx) -> Outcome:
        mark(tx, "buggy")
        return bug(tx)

    answers = together(log, [one("urn:uuid:before"), buggy, one("urn:uuid:after")])
    assert isinstance(answers[1], Exception)
    assert [answers[0].indices, answers[2].indices] == [(0,), (1,)]
    assert [record["event"]["type"] for record in judge(log.db)] == ["dataset.registered"] * 2
    assert marks(log.db) == set()
    assert log.healthy


def test_an_event_recorded_twice_is_refused_and_harms_nobody(log: Log) -> None:
    repeated = entry("urn:uuid:repeated")
    first = log.record(lambda _tx: Outcome((repeated,)))
    with ThreadPoolExecutor(3) as pool:

        def start() -> list[Any]:
            return [
                pool.submit(log.record, change)
                for change in (one("urn:uuid:a"), lambda _tx: Outcome((repeated,)), one("urn:uuid:b"))
            ]

        before, again, after = held(log, start)
        assert again.exception(30) is not None
        assert {before.result(30).indices[0], after.result(30).indices[0]} == {1, 2}
    ids = [record["id"] for record in judge(log.db)]
    assert len(ids) == 3
    assert ids.count(first.ids[0]) == 1
    assert log.healthy


def test_a_refusal_that_is_recorded_is_raised_with_its_entry(log: Log) -> None:
    problem = WrongState("refused, and written down")
    with pytest.raises(WrongState) as raised:
        log.record(lambda _tx: Outcome((entry("urn:uuid:refusal"),), problem=problem))
    (record,) = judge(log.db)
    assert raised.value.members == {"entry": record["id"], "index": 0}


def test_a_refusal_reaches_a_caller_on_the_event_loop(log: Log) -> None:
    async def ask() -> None:
        await log.submit(lambda _tx: Outcome((entry(),), problem=WrongState("refused")))

    with pytest.raises(WrongState):
        asyncio.run(ask())
    assert len(judge(log.db)) == 1


def test_a_caller_that_gives_up_waiting_harms_nobody(log: Log) -> None:
    async def ask() -> None:
        waiting = [asyncio.ensure_future(log.submit(one(f"urn:uuid:{n}"))) for n in range(6)]
        await asyncio.sleep(0)
        waiting[2].cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [n == 2 for n in range(6)]

    asyncio.run(ask())
    assert log.record(one("urn:uuid:next")).indices[0] in (5, 6)
    judge(log.db)


def test_an_event_loop_that_is_gone_does_not_stop_the_writer(log: Log) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(_tx: Tx) -> Outcome:
        entered.set()
        assert go.wait(30)
        return Outcome((entry(),))

    async def ask_and_leave() -> None:
        task = asyncio.ensure_future(log.submit(slow))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(ask_and_leave())
    go.set()
    assert log.record(one()).indices == (1,)


def test_a_full_queue_refuses_and_loses_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE", 3)
    with ThreadPoolExecutor(3) as pool:

        def start() -> list[Any]:
            futures = [pool.submit(log.record, one(f"urn:uuid:{n}")) for n in range(3)]
            while log.pending < 3:
                threading.Event().wait(0.001)
            with pytest.raises(LogUnavailable):
                log.record(one("urn:uuid:too-many"))
            return futures

        for future in held(log, start):
            future.result(30)
    assert len(judge(log.db)) == 3


def test_a_log_that_was_never_started_refuses(database: str) -> None:
    make_log(database)
    log = Log(Database(database), signer=LOG, clock=lambda: 0.0)
    with pytest.raises(LogUnavailable):
        log.record(one())
    with pytest.raises(LogUnavailable):
        asyncio.run(log.submit(one()))
    log.db.close()


def test_closing_serves_what_is_queued_and_refuses_what_comes_later(database: str) -> None:
    make_log(database)
    with running(database) as log, ThreadPoolExecutor(4) as pool:

        def start() -> list[Any]:
            return [pool.submit(log.record, one(f"urn:uuid:{n}")) for n in range(4)]

        futures = held(log, start)
        log.close()
        assert sorted(future.result(30).indices[0] for future in futures) == [0, 1, 2, 3]
        with pytest.raises(LogUnavailable):
            log.record(one())
    db = Database(database)
    assert len(judge(db)) == 4
    db.close()


def test_nobody_waits_for_ever_when_the_log_closes_under_load(database: str) -> None:
    make_log(database)
    acknowledged: list[int] = []
    with running(database) as log, ThreadPoolExecutor(CALLERS) as pool:

        def call() -> None:
            while True:
                try:
                    acknowledged.append(log.record(one()).indices[0])
                except LogUnavailable:
                    return

        futures = [pool.submit(call) for _ in range(CALLERS)]
        while len(acknowledged) < 50:
            threading.Event().wait(0.001)
        log.close()
        for future in futures:
            future.result(30)
    db = Database(database)
    assert len(judge(db)) == len(acknowledged) == len(set(acknowledged))
    db.close()


def test_a_log_is_never_begun_a_second_time(database: str) -> None:
    make_log(database)
    with running(database) as log:
        log.record(one())
    db = Database(database)
    with db.writing_connection() as connection, connection.begin(), pytest.raises(LogExists):
        create_log(Tx(connection), LOG, bundle="sha256:other")
    assert len(judge(db)) == 1
    db.close()


def test_a_database_without_a_log_is_refused(database: str) -> None:
    make_log(database)
    db = Database(database)
    with db.writing_connection() as connection, connection.begin():
        Tx(connection).execute("DELETE FROM log_head")
    log = Log(db, signer=LOG, clock=lambda: 0.0)
    with pytest.raises(Problem, match="no log here"):
        log.start()
    db.close()


def test_each_party_numbers_its_own_entries_without_a_gap(log: Log) -> None:
    for n in range(30):
        parties = [p for p, step in ((PHARMA, 2), (HOSPITAL, 3)) if n % step == 0]
        log.record(one(f"urn:uuid:{n}", parties))
    log.record(lambda _tx: Outcome(tuple(entry(f"urn:uuid:two-{n}", (HOSPITAL, HOSPITAL)) for n in range(2))))
    for party, count in ((PHARMA, 15), (HOSPITAL, 12)):
        with log.db.reading_tx() as tx:
            view = list(party_entries(tx, party, size=32))
        assert [opening.seq for _, opening in view] == list(range(1, count + 1))
        previous = None
        for stored, opening in view:
            assert opening.prev == previous
            commitments = stored.record()["parties"]
            assert sum(opens(c, opening.salt, party, opening.seq, opening.prev) for c in commitments) == 1
            previous = stored.leaf


def test_numbering_goes_on_after_a_restart(database: str) -> None:
    make_log(database)
    for _ in range(3):
        with running(database) as log:
            log.record(one())
    with running(database) as log, log.db.reading_tx() as tx:
        assert [opening.seq for _, opening in party_entries(tx, PHARMA, size=3)] == [1, 2, 3]


def test_the_checkpoint_in_the_head_is_of_the_newest_entry(log: Log) -> None:
    for size in range(1, 4):
        log.record(one())
        with log.db.reading_tx() as tx:
            note = tx.execute("SELECT checkpoint FROM log_head").fetchone()[0]
        assert open_checkpoint(note, LOG.verifier).size == size
