"""The log's writer: the only way anything becomes an entry, and the only way any room changes state.

One thread owns the one writing connection. Callers hand it a change; it drains what has queued while the last commit
ran, applies each change under a savepoint of its own, appends the events they return to the tree, signs one
checkpoint and commits all of it at once. Callers are answered after the commit, never before.

A commit that fails is undetermined: the rows may be there or not. The writer drops its connection, looks on disk and
only then answers, so that nobody is told yes or no on a guess. What is not there must also stay away: see `_settle`.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

import psycopg
import structlog
from sqlalchemy import Connection

from gateway.audit.change import Change as Change
from gateway.audit.change import Outcome as Outcome
from gateway.audit.change import Record as Record
from gateway.audit.change import Recorded as Recorded
from gateway.audit.check import check_log
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.errors import LogDamaged, LogUnavailable
from gateway.audit.event import AuditEvent
from gateway.audit.job import NOT_WRITTEN, Job, answer, cannot_come_back, unavailable
from gateway.audit.note import NoteSigner
from gateway.audit.reader import tile_reader
from gateway.audit.state import Standing, standing
from gateway.audit.tiles import TreeView
from gateway.audit.tree import Head, Rows, Tree, read_head
from gateway.clock import Clock, instant
from gateway.db import Database, Tx, is_away, translated

BATCH = 512
QUEUE = 8192
RETRY_S = 0.5
PATIENCE_S = 10.0

UNKNOWN = "The database went away during the commit; whether this was done is not known yet. Nothing was released."

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    """What a transaction is about to make true: standing, size before it, its first entry's id, the new head."""

    standing: Standing
    before: int
    entry: str | None
    head: Head | None


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
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._turns: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._tree: Tree | None = None
        self._durable: Head | None = None
        self._failing_since: float | None = None
        self._door = threading.Lock()
        self._shut = True
        self._closing = threading.Event()

    # -- callers ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the writing connection, read the head, and begin to serve.

        Raises:
            LogDamaged: what is stored does not hash to the stored head.
            DatabaseAway: the database does not answer.
        """
        self.db.claim()
        with self.db.reading_tx() as tx:
            self._durable = check_log(tx, self.signer.verifier)
        with translated():
            self._open()
        self._shut = False
        self._thread = threading.Thread(target=self._serve, name="log-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve what is queued, then stop. Nobody waits for a database that is away."""
        if self._thread is not None:
            self._closing.set()
            with self._door:
                self._shut = True
                self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._drop_connection()

    def record(self, change: Change) -> Recorded:
        """Carry out a change and append its events; returns once both are durable.

        Raises:
            Problem: whatever the change refused with.
            LogUnavailable: the log cannot be written; nothing was done.
        """
        future: Future[Recorded] = Future()
        self._put(Job(change, future))
        return future.result()

    async def submit(self, change: Change) -> Recorded:
        """The same from the event loop, without blocking it."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Recorded] = loop.create_future()
        # What one turn of the loop asks for goes in together. Put in one by one, it would be committed nearly so: the
        # writer is quicker than whoever decides.
        turn = self._turns.setdefault(loop, [])
        if not turn:
            loop.call_soon(self._put_turn, loop)
        turn.append(Job(change, None, loop, waiter))
        return await waiter

    @property
    def healthy(self) -> bool:
        """Whether the last attempt to write succeeded and the writer is alive."""
        return self._failing_since is None and self._thread is not None and self._thread.is_alive()

    @property
    def alone(self) -> bool:
        """Whether no other process can write to this database: then `standing` is what stands, not only what stood."""
        return self.db.is_sqlite

    @property
    def pending(self) -> int:
        return self._queue.qsize()

    def _put_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        for job in self._turns.pop(loop):
            if job.waiter is None or job.waiter.done():  # given up before anything was begun
                continue
            try:
                self._put(job)
            except LogUnavailable as problem:
                job.waiter.set_exception(problem)

    def _put(self, job: Job) -> None:
        with self._door:  # nothing comes in behind the word that closes the queue
            if self._shut:
                raise LogUnavailable("The audit log is not being written, so nothing is done or released.")
            if self._queue.qsize() >= QUEUE:
                raise LogUnavailable("Too many requests wait for the audit log. Try again shortly.")
            self._queue.put(job)

    # -- the writer's thread ---------------------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            while (jobs := self._next()) is not None:
                try:
                    self._write(jobs)
                except Exception as error:  # a bug of the writer's own must not leave its callers waiting
                    self._fail(jobs, error)
                finally:
                    answer(jobs)
        finally:
            with self._door:
                self._shut = True
            self._refuse_queued()

    def _next(self) -> list[Job] | None:
        """What has queued, at most a batch; waits for the first. None when the log is closed and all is served."""
        first = self._queue.get()
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < BATCH:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._queue.put(None)  # served first, then closed
                break
            jobs.append(job)
        return jobs

    def _write(self, jobs: list[Job]) -> None:
        """One transaction for all the jobs; every job has a result or an error afterwards."""
        try:
            connection = self._connection or self._reopen()
            transaction = connection.begin()
            written = self._apply(Tx(connection), jobs)
        except (sqlite3.IntegrityError, psycopg.IntegrityError) as error:
            # Rows of one of them are there already. Never committed, so each can be tried alone.
            self._drop_connection()
            if len(jobs) == 1:
                jobs[0].result, jobs[0].error = None, error
                return
            for job in jobs:
                self._write([job])
            return
        except Exception as error:
            # Never committed: it is rolled back here, or died with its connection.
            self._fail(jobs, error)
            return
        try:
            transaction.commit()
        except Exception as error:
            logger.error("log.commit_failed", error=type(error).__name__)
            self._resolve(jobs, written, error)
            return
        self._failing_since = None
        self._committed(written)

    def _apply(self, tx: Tx, jobs: list[Job]) -> _Written:
        """Every job under its own savepoint, then the tree and the head."""
        tree, rows = self._catch_up(tx), Rows()
        before = tree.size
        if self._failing_since is not None:
            tree.append(tree.stage(tx, (self._gap_record(),)), rows)
        for job in jobs:
            job.result = job.error = None
            try:
                with tx.savepoint():
                    outcome = job.change(tx)
                    staged = tree.stage(tx, outcome.records)
            except Exception as error:
                if not tx.stands:
                    raise
                # Its own refusal, or a bug of its own: the neighbours go on.
                job.error = unavailable(error) if is_away(error) else error
                continue
            first = tree.size
            tree.append(staged, rows)
            ids = tuple(record.event.id for record in outcome.records)
            job.result = Recorded(tuple(range(first, tree.size)), ids, tree.size, outcome.value)
            job.error = outcome.problem
        stands = standing(tx)
        if not rows.entries:
            return _Written(stands, before, None, self._durable)
        rows.insert(tx)
        head = Head(tree.size, tree.frontier.to_bytes(), self._checkpoint(tree))
        moved = tx.execute(_UPDATE_HEAD, (head.size, head.frontier, head.note, before))
        if moved.rowcount != 1:
            raise LogDamaged("The log's head moved under its writer.")
        return _Written(stands, before, rows.entries[0][1], head)

    def _checkpoint(self, tree: Tree) -> str:
        return self.signer.sign(Checkpoint(self.origin, tree.size, tree.frontier.root()).text())

    def _catch_up(self, tx: Tx) -> Tree:
        """The tree as of the head on disk, whose row is locked from here to the commit."""
        head, tree = read_head(tx, lock=True), self._tree
        if tree is None:
            tree = Tree.load(tx, head)
            self._check_continues(tx, head)
        else:
            tree.follow(tx, head)
        self._tree = tree
        return tree

    def _check_continues(self, tx: Tx, head: Head) -> None:
        """A database that came back older, or with another past, is never written to: it would be a second log."""
        known = self._durable
        if known is None:
            return
        if (
            head.size < known.size
            or TreeView(head.size, tile_reader(tx)).frontier(known.size).to_bytes() != known.frontier
        ):
            raise LogDamaged("The database does not hold what this gateway has already answered for. It was set back.")

    # -- when it goes wrong ----------------------------------------------------------------------------------------

    def _resolve(self, jobs: list[Job], written: _Written, failure: Exception) -> None:
        """A commit ended in an error: ask the disk whether it happened, and answer only then.

        After PATIENCE_S the callers are told that it is not known. The gateway releases nothing on that word.
        """
        self._mark_failing()
        since, deadline = self.clock(), time.monotonic() + PATIENCE_S
        while True:
            try:
                connection = self._reopen()
                with connection.begin():
                    sql = "SELECT 1 FROM log_entry WHERE id = ?"
                    there = Tx(connection).execute(sql, (written.entry,)).fetchone() is not None
                break
            except Exception as error:
                logger.warning("log.commit_unresolved", error=type(error).__name__)
                self._refuse_queued()
                if self._closing.wait(RETRY_S) or time.monotonic() > deadline:
                    self._fail(jobs, LogUnavailable(UNKNOWN))
                    return
        if there:
            self._failing_since = since
            self._committed(written)
        elif written.entry is None:  # a batch without an entry leaves no trace to look for
            self._fail(jobs, LogUnavailable(UNKNOWN))
        elif cannot_come_back(failure) or not self.db.is_sqlite:
            self._fail(jobs, LogUnavailable(NOT_WRITTEN))
        elif self._settle(connection):
            self._refuse(jobs, LogUnavailable(NOT_WRITTEN))
        else:
            self._fail(jobs, LogUnavailable(UNKNOWN))

    def _settle(self, connection: Connection) -> bool:
        """Write the gap's entry over a failed commit; whether that succeeded.

        SQLite may have written all of the commit into its WAL and failed in the sync. It does not read that any more,
        but the next process would find it whole and take it for done. Nothing is left of it once the next is synced.
        """
        try:
            transaction = connection.begin()
            gap = self._apply(Tx(connection), [])
            transaction.commit()
        except Exception as error:
            logger.warning("log.commit_unsettled", error=type(error).__name__)
            return False
        self._failing_since = None
        self._committed(gap)
        return True

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        """This batch is not on disk, or nobody knows: say so to each caller, and start from disk the next time."""
        self._mark_failing()
        self._drop_connection()
        self._refuse(jobs, error)

    def _refuse(self, jobs: list[Job], error: Exception) -> None:
        logger.error("log.write_failed", error=type(error).__name__, jobs=len(jobs))
        for job in jobs:
            job.result, job.error = None, unavailable(error)

    def _refuse_queued(self) -> None:
        """Nobody waits for a database that is away."""
        jobs: list[Job] = []
        closing = False
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                closing = True
            else:
                job.error = LogUnavailable(NOT_WRITTEN)
                jobs.append(job)
        if closing:
            self._queue.put(None)
        answer(jobs)

    def _committed(self, written: _Written) -> None:
        self.batches += 1
        if written.entry is not None and written.head is not None:
            self.appended += written.head.size - written.before
            self._durable = written.head
        self.standing = written.standing

    def _mark_failing(self) -> None:
        if self._failing_since is None:
            self._failing_since = self.clock()

    def _gap_record(self) -> Record:
        now = self.clock()
        since = instant(now if self._failing_since is None else self._failing_since)
        return Record(AuditEvent.gap(since=since, until=instant(now), observer=self.origin, at=now), ())

    def _open(self) -> Connection:
        connection = self.db.writing_connection()
        try:
            with connection.begin():
                self._catch_up(Tx(connection))
                self.standing = standing(Tx(connection))
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _reopen(self) -> Connection:
        self._drop_connection()
        return self._open()

    def _drop_connection(self) -> None:
        self._tree = None
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception as error:  # it is given up whatever it says; its failure must not end the writer
                logger.warning("log.connection_dropped", error=type(error).__name__)


_UPDATE_HEAD = "UPDATE log_head SET size = ?, frontier = ?, checkpoint = ? WHERE id = 1 AND size = ?"
