"""The log's writer: the only way anything becomes an entry, and the only way any room changes state.

One thread owns the one writing connection. Callers hand it a change; it drains what has queued while the last commit
ran, applies each change under a savepoint of its own, appends the events they return to the tree, signs one
checkpoint and commits all of it at once. Callers are answered after the commit, never before.

A commit that fails is undetermined: the rows may be there or not. The writer drops its connection, re-reads the head from
disk and only then answers, so that nobody is told yes or no on a guess.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.audit import commit
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.errors import LogDamaged, LogUnavailable
from gateway.audit.event import MAX_PARTIES, AuditEvent, finish
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.note import NoteSigner
from gateway.audit.state import Standing, standing
from gateway.audit.tiles import TileBuilder, tile_root
from gateway.clock import Clock, instant
from gateway.crypto.canonical import record_json
from gateway.db import Database, Tx, is_away
from gateway.problems import Problem

BATCH = 512
QUEUE = 8192
RETRY_S = 0.5

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """One event to append, and the participants it concerns, each of which will see the entry."""

    event: AuditEvent
    parties: tuple[str, ...]

    def __post_init__(self) -> None:
        # Judged here, in the caller's hands: inside the writer it would take the whole batch down.
        if len(self.parties) > MAX_PARTIES:
            raise ValueError(f"an entry has at most {MAX_PARTIES} parties")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did: the events that tell it, what its caller gets, and the refusal it is answered with, if any.

    A change that raises a Problem leaves nothing behind, no entry either. One that returns a `problem` has its events
    recorded and the problem raised to its caller after the commit.
    """

    records: tuple[Record, ...]
    value: Any = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A committed change: where its events stand in the log (same order), the log's size then, and its value."""

    indices: tuple[int, ...]
    ids: tuple[str, ...]
    size: int
    value: Any


Change = Callable[[Tx], Outcome]


@dataclass(slots=True)
class _Job:
    change: Change
    future: Future[Recorded]
    loop: asyncio.AbstractEventLoop | None = None
    waiter: asyncio.Future[Recorded] | None = None
    outcome: Outcome | None = None
    result: Recorded | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Tree:
    """The writer's picture of the log: what the next entry is built on. Reloaded whenever disk may differ."""

    size: int
    frontier: Frontier
    tiles: TileBuilder
    tails: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)


class Log:
    """The append-only record of one gateway. Start it once; `record` from threads, `submit` from the event loop.

    `standing` is what stood at the last commit of this process: good enough to decide under, and judged again by the
    grant's own transaction.
    """

    def __init__(self, db: Database, *, signer: NoteSigner, clock: Clock) -> None:
        self.db = db
        self.signer = signer
        self.clock = clock
        self.origin = signer.name
        self.standing = Standing(0, "")
        self.batches = 0
        self.appended = 0
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._tree: _Tree | None = None
        self._failing_since: float | None = None
        self._seen = self.standing
        self._closed = threading.Event()

    # -- callers ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the writing connection, read the head, and begin to serve.

        Raises:
            LogDamaged: what is stored does not hash to the stored head.
            DatabaseAway: the database does not answer.
        """
        self.db.claim()
        self._open()
        self._thread = threading.Thread(target=self._serve, name="log-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve what is queued, then stop."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._closed.set()
        self._drop_connection()

    def record(self, change: Change) -> Recorded:
        """Carry out a change and append its events; returns once both are durable.

        Raises:
            Problem: whatever the change refused with.
            LogUnavailable: the log cannot be written; nothing was done.
        """
        future: Future[Recorded] = Future()
        self._put(_Job(change, future))
        return future.result()

    async def submit(self, change: Change) -> Recorded:
        """The same from the event loop, without blocking it."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Recorded] = loop.create_future()
        self._put(_Job(change, Future(), loop, waiter))
        return await waiter

    @property
    def healthy(self) -> bool:
        """Whether the last attempt to write succeeded and the writer is alive."""
        return self._failing_since is None and self._thread is not None and self._thread.is_alive()

    @property
    def pending(self) -> int:
        return self._queue.qsize()

    def _put(self, job: _Job) -> None:
        if self._thread is None or not self._thread.is_alive():
            raise LogUnavailable("The audit log is not being written, so nothing is done or released.")
        if self._queue.qsize() >= QUEUE:
            raise LogUnavailable("Too many requests wait for the audit log. Try again shortly.")
        self._queue.put(job)

    # -- the writer's thread ---------------------------------------------------------------------------------------

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            first = self._queue.get()
            if first is None:
                break
            jobs = [first]
            while len(jobs) < BATCH:
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                    break
                jobs.append(job)
            self._write(jobs)
            _answer(jobs)

    def _write(self, jobs: list[_Job]) -> None:
        """One transaction for all the jobs; every job has a result or an error afterwards."""
        try:
            connection = self._connection or self._reopen()
        except Exception as error:
            self._fail(jobs, error)
            return
        try:
            transaction = connection.begin()
            committing = self._apply(Tx(connection), jobs)
        except Exception as error:
            # Never committed: it is rolled back here, or died with its connection.
            self._fail(jobs, error)
            return
        try:
            transaction.commit()
        except Exception:
            logger.exception("log.commit_failed")
            self._resolve(jobs, committing)
            return
        self._committed()

    def _apply(self, tx: Tx, jobs: list[_Job]) -> tuple[int, bytes]:
        """Every job under its own savepoint, then the tree and the head. Returns the new size and root."""
        tree = self._catch_up(tx)
        entries: list[tuple[Any, ...]] = []
        parties: list[tuple[Any, ...]] = []
        completed: list[tuple[int, int, bytes, bytes]] = []
        if self._failing_since is not None:
            self._append(tx, tree, self._gap_record(), entries, parties, completed)
        for job in jobs:
            try:
                with tx.savepoint():
                    job.outcome = job.change(tx)
            except Exception as error:
                if is_away(error):
                    raise
                job.error = error  # its own refusal, or a bug of its own: the neighbours go on
                continue
            first = tree.size
            for record in job.outcome.records:
                self._append(tx, tree, record, entries, parties, completed)
            ids = tuple(r.event.id for r in job.outcome.records)
            job.result = Recorded(tuple(range(first, tree.size)), ids, tree.size, job.outcome.value)
            job.error = job.outcome.problem
        self._seen = standing(tx)
        root = tree.frontier.root()
        if entries:
            tx.execute_many(_INSERT_ENTRY, entries)
            tx.execute_many(_INSERT_PARTY, parties)
            tx.execute_many(_INSERT_TILE, completed)
            note = self.signer.sign(Checkpoint(self.origin, tree.size, root).text())
            moved = tx.execute(_UPDATE_HEAD, (tree.size, tree.frontier.to_bytes(), note, tree.size - len(entries)))
            if moved.rowcount != 1:
                raise LogDamaged("The log's head moved under its writer.")
            self.appended += len(entries)
        return tree.size, root

    def _append(
        self,
        tx: Tx,
        tree: _Tree,
        record: Record,
        entries: list[tuple[Any, ...]],
        parties: list[tuple[Any, ...]],
        completed: list[tuple[int, int, bytes, bytes]],
    ) -> None:
        event, openings = record.event, []
        for participant in dict.fromkeys(record.parties):
            seq, prev = self._tail(tx, tree, participant)
            openings.append((participant, seq + 1, prev, commit.new_salt()))
        commitments = sorted(commit.commit(salt, who, seq, prev) for who, seq, prev, salt in openings)
        body = record_json(finish(event, commitments))
        leaf = leaf_hash(body)
        index = tree.size
        entries.append((index, *event.index_columns(), leaf, body))
        parties.extend((who, index, seq, salt, prev) for who, seq, prev, salt in openings)
        completed.extend((level, n, tile_root(hashes), hashes) for level, n, hashes in tree.tiles.append(leaf))
        tree.frontier.append(leaf)
        tree.size += 1
        for who, seq, _prev, _salt in openings:
            tree.tails[who] = (seq, leaf)

    def _tail(self, tx: Tx, tree: _Tree, participant: str) -> tuple[int, bytes | None]:
        """The participant's last running number and the leaf of that entry; (0, None) before its first."""
        known = tree.tails.get(participant)
        if known is None:
            row = tx.execute(_SELECT_TAIL, (participant,)).fetchone()
            known = (0, None) if row is None else (row[0], bytes(row[1]))
            tree.tails[participant] = known
        return known

    def _catch_up(self, tx: Tx) -> _Tree:
        """The tree as of the head on disk, whose row is locked from here to the commit."""
        lock = " FOR UPDATE" if tx.is_postgresql else ""
        row = tx.execute("SELECT size, frontier FROM log_head WHERE id = 1" + lock).fetchone()
        if row is None:
            raise LogDamaged("There is no log here. Run `corridor init` first.")
        size, frontier = row[0], bytes(row[1])
        tree = self._tree
        if tree is None or tree.size > size:
            tree = self._load(tx, size, frontier)
        elif tree.size < size:
            # Another process has appended since: follow it leaf by leaf.
            rows = tx.execute("SELECT leaf FROM log_entry WHERE idx >= ? ORDER BY idx", (tree.size,)).fetchall()
            for (leaf,) in rows:
                tree.tiles.append(bytes(leaf))
                tree.frontier.append(bytes(leaf))
            tree.size += len(rows)
            tree.tails.clear()
        if tree.size != size or tree.frontier.to_bytes() != frontier:
            raise LogDamaged("The stored entries do not add up to the stored head of the log.")
        self._tree = tree
        return tree

    def _load(self, tx: Tx, size: int, frontier: bytes) -> _Tree:
        def full_tile(level: int, n: int) -> bytes:
            row = tx.execute("SELECT hashes FROM log_tile WHERE level = ? AND n = ?", (level, n)).fetchone()
            if row is None:
                raise LogDamaged(f"Tile {level}/{n} of the log is missing.")
            return bytes(row[0])

        first = size - size % 256
        rows = tx.execute("SELECT leaf FROM log_entry WHERE idx >= ? ORDER BY idx", (first,)).fetchall()
        tiles = TileBuilder.restore(size, full_tile, [bytes(leaf) for (leaf,) in rows])
        return _Tree(size, Frontier.from_bytes(frontier), tiles)

    # -- when it goes wrong ----------------------------------------------------------------------------------------

    def _resolve(self, jobs: list[_Job], committing: tuple[int, bytes]) -> None:
        """A commit ended in an error: ask the disk whether it happened, and answer only then."""
        while not self._closed.is_set():
            try:
                connection = self._reopen()
                with connection.begin():
                    row = Tx(connection).execute("SELECT size, frontier FROM log_head WHERE id = 1").fetchone()
                break
            except Exception:
                logger.exception("log.commit_unresolved")
                self._mark_failing()
                time.sleep(RETRY_S)
        else:
            self._fail(jobs, LogUnavailable("The gateway stopped before the outcome of this change was known."))
            return
        if (row[0], Frontier.from_bytes(bytes(row[1])).root()) == committing:
            self._committed()
            return
        self._fail(jobs, LogUnavailable("The audit log could not be written; nothing was done or released."))

    def _fail(self, jobs: list[_Job], error: BaseException) -> None:
        """Nothing of this batch is on disk: say so to each caller, and start from disk the next time."""
        self._mark_failing()
        self._tree = None
        self._drop_connection()
        logger.error("log.write_failed", error=type(error).__name__, jobs=len(jobs))
        problem = error if isinstance(error, Problem) else None
        for job in jobs:
            job.result = None
            job.error = problem or LogUnavailable("The audit log could not be written; nothing was done or released.")
            job.error.__cause__ = error if error is not job.error else None

    def _committed(self) -> None:
        self.batches += 1
        self._failing_since = None
        self.standing = self._seen

    def _mark_failing(self) -> None:
        if self._failing_since is None:
            self._failing_since = self.clock()

    def _gap_record(self) -> Record:
        since = instant(self._failing_since or self.clock())
        event = AuditEvent.gap(since=since, until=instant(self.clock()), observer=self.origin, at=self.clock())
        return Record(event, ())

    def _open(self) -> Connection:
        connection = self.db.writing_connection()
        try:
            with connection.begin():
                self._catch_up(Tx(connection))
                self.standing = self._seen = standing(Tx(connection))
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _reopen(self) -> Connection:
        self._drop_connection()
        self._tree = None
        return self._open()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _answer(jobs: list[_Job]) -> None:
    """Give every caller its result; one wake-up per event loop for the whole batch."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is not None:
            loops.setdefault(job.loop, []).append(job)
        elif job.error is not None:
            job.future.set_exception(_told(job))
        else:
            assert job.result is not None
            job.future.set_result(job.result)
    for loop, waiting in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer_loop, waiting)


def _answer_loop(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.waiter is None or job.waiter.done():
            continue
        if job.error is not None:
            job.waiter.set_exception(_told(job))
        else:
            assert job.result is not None
            job.waiter.set_result(job.result)


def _told(job: _Job) -> BaseException:
    """The refusal, with the entry that records it, so that whoever is refused can ask for its receipt."""
    assert job.error is not None
    if isinstance(job.error, Problem) and job.result is not None and job.result.ids:
        job.error.members.setdefault("entry", job.result.ids[0])
        job.error.members.setdefault("index", job.result.indices[0])
    return job.error


_INSERT_ENTRY = (
    "INSERT INTO log_entry (idx, id, ts, type, outcome, actor_org, dataset, contract, leaf, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_PARTY = "INSERT INTO log_party (participant, idx, seq, salt, prev) VALUES (?, ?, ?, ?, ?)"
_INSERT_TILE = "INSERT INTO log_tile (level, n, root, hashes) VALUES (?, ?, ?, ?)"
_UPDATE_HEAD = "UPDATE log_head SET size = ?, frontier = ?, checkpoint = ? WHERE id = 1 AND size = ?"
_SELECT_TAIL = (
    "SELECT p.seq, e.leaf FROM log_party p JOIN log_entry e ON e.idx = p.idx"
    " WHERE p.participant = ? ORDER BY p.idx DESC LIMIT 1"
)
