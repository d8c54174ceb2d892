"""The stream: a query's rows as bytes, made in a thread of their own, handed over piece by piece."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

from connectors.base import Opened, Source, SourceError, SourceUnavailable
from gateway.access.aggregate import counted
from gateway.access.engine import RELATION, Engine
from gateway.access.engines import Engines
from gateway.access.errors import EngineLimit, source_problem
from gateway.access.formats import MEDIA_TYPES, Sink, encoder
from gateway.access.plan import DataRequest, Format, Plan, Secret, narrow
from gateway.catalog.model import View
from gateway.obligations.model import Obligation
from gateway.problems import Problem

PIECE = 256 * 1024
"""Small enough to stay in a core's cache while it is encoded, hashed and sent."""
NO_CAP = 2**53 - 1
"""Rows without a bound of their own: more than any source has."""
_WAITING = 2  # batches encoded and not yet taken
_BATCH_ROWS = 50_000
_BATCH_CELLS = 1_000_000  # a batch of a wide dataset has fewer rows, so that memory does not grow with columns

_ENGINE_ERRORS = (duckdb.Error, pa.ArrowException, OSError)


@dataclass(slots=True)
class Stats:
    """What was handed over so far; at most this much has left. `sha256` is in hex, over the bytes handed over."""

    rows: int = 0
    cells_suppressed: int = 0
    bytes: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """`rows` and `sha256` (hex) are of everything up to its end."""

    data: bytes
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Answer:
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None


def open_delivery(
    source: Source,
    view: View,
    request: DataRequest,
    obligations: tuple[Obligation, ...],
    *,
    row_cap: int = NO_CAP,
    person_cap: int | None = None,
    pseudonym_root: bytes,
    contract_id: str,
    engines: Engines,
) -> Delivery:
    """A delivery that is planned and not begun: nothing is opened before `open`.

    Raises:
        what `plan.narrow` raises.
    """
    secret = Secret(pseudonym_root, contract_id)

    def plan(rows: int) -> Plan:
        return narrow(view, request, obligations, row_cap=rows, person_cap=person_cap, secret=secret)

    return Delivery(source, plan(row_cap), plan, request.format, engines)


class Delivery:
    """One answer on its way. `open`, `start`, then `pieces` once; `aclose` whenever it is given up before its end."""

    def __init__(
        self, source: Source, plan: Plan, replan: Callable[[int], Plan], form: Format, engines: Engines
    ) -> None:
        self.plan = plan
        self._replan = replan
        self.media_type = MEDIA_TYPES[form]
        self.content_digest: str | None = None
        """Of the source's bytes, `sha256:...`; known once opened."""
        self.stats = Stats()
        self._producer = _Producer(source, form, engines)
        # One thread from beginning to end: the session never changes hands, and is let go after all else it did.
        self._threads = engines.threads
        self._thread = self._threads.take()
        self._closed = False

    @property
    def row_cap(self) -> int | None:
        """The most rows this can release as it is planned; None when nothing bounds them, or they are counts."""
        bounded = self.plan.action == "read" and self.plan.row_limit < NO_CAP
        return self.plan.row_limit if bounded else None

    async def open(self) -> None:
        """Open the source, without reading from it: what cannot be opened should cost nobody a use.

        Raises:
            SourceAway, SourceDiffers: everything is released again.
        """
        await self._or_close(lambda: self._producer.open(self.plan))
        self.content_digest = self._producer.content_digest

    async def start(self, rows: int | None = None) -> None:
        """Bring the query to its first batch, of at most `rows` in all. Not a byte has left when this fails.

        Raises:
            SourceAway, SourceDiffers, EngineLimit, TooManyGroups: everything is released again.
        """
        if self.content_digest is None:
            await self.open()
        if rows is not None and self.plan.action == "read" and rows < self.plan.row_limit:
            self.plan = self._replan(rows)
        await self._or_close(lambda: self._producer.begin(self.plan))
        self.stats.cells_suppressed = self._producer.cells_suppressed

    async def pieces(self, check: Callable[[], Awaitable[None]]) -> AsyncGenerator[bytes, None]:
        """The answer in pieces of 256 KiB, the last one smaller.

        `check` is awaited before each piece; what it raises ends the stream. So does a source that fails: the
        generator raises, and a transport must then break its connection rather than end it.
        """
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[list[_Piece] | _End] = asyncio.Queue()

        def hand(item: list[_Piece] | _End) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, item)

        try:
            self._own_thread().submit(self._producer.run, hand)
            while True:
                item = await queue.get()
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    await check()
                    self.stats.complete = True
                    return
                for piece in item:
                    await check()
                    self.stats.rows, self.stats.sha256 = piece.rows, piece.sha256
                    self.stats.bytes += len(piece.data)
                    yield piece.data
                self._producer.taken()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Stop the query, let go of the source and the engine. May be called at any time, and again."""
        if self._closed:
            return
        self._closed = True
        whole = self.stats.complete
        if not whole:
            self._producer.stop()
        try:
            release = partial(self._producer.release, whole=whole)
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, release))
        except BaseException:  # cancelled, most likely: it may be at work still
            self._thread.shutdown(wait=False)
            raise
        self._threads.give_back(self._thread)

    async def _or_close(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._own_thread(), work)
        except BaseException:
            await self.aclose()
            raise

    def _own_thread(self) -> Executor:
        if self._closed:
            raise RuntimeError("the delivery was closed: its thread may be another's by now")
        return self._thread


class _Producer:
    """The thread's side. `stop` and `taken` come from outside; all else runs in the one thread."""

    def __init__(self, source: Source, form: Format, engines: Engines) -> None:
        self._source, self._form, self._engines = source, form, engines
        self._room = threading.Semaphore(_WAITING)
        self._stopped = threading.Event()
        self._held = ExitStack()
        self._opened: Opened | None = None
        self._session: duckdb.DuckDBPyConnection | None = None
        self._answer: _Answer | None = None
        self._whole = False
        self.cells_suppressed = 0
        self.content_digest = ""

    def open(self, plan: Plan) -> None:
        try:
            self._opened = self._held.enter_context(self._source.open(plan.read))
            self.content_digest = self._opened.content_digest
        except SourceError as error:
            raise self._explained(error) from None

    def begin(self, plan: Plan) -> None:
        opened = self._opened
        if opened is None:
            raise RuntimeError("a delivery is opened before it begins")
        try:
            engine = self._engines.take(opened, self._held)
            self._held.callback(self._let_go, engine)
            opened = self._opened = engine.opened
            session = self._session = self._held.enter_context(engine.session())
            if self._stopped.is_set():
                raise SourceUnavailable("the delivery was given up before it began")
            self._answer = (self._counts if plan.action == "aggregate" else self._rows)(session, plan)
            opened.verify()
        except (SourceError, *_ENGINE_ERRORS) as error:
            raise self._explained(error) from None  # the engine's text may quote a value

    def _counts(self, session: duckdb.DuckDBPyConnection, plan: Plan) -> _Answer:
        table, self.cells_suppressed = counted(plan, partial(_fetched, session, plan))
        return _Answer(table.schema, iter(table.to_batches()))

    def _rows(self, session: duckdb.DuckDBPyConnection, plan: Plan) -> _Answer:
        rows = min(_BATCH_ROWS, max(2048, _BATCH_CELLS // len(plan.released)))
        query = plan.query.replace("{source}", RELATION)
        reader = session.sql(query, params=dict(plan.parameters)).to_arrow_reader(rows)
        first = next(reader, None)  # what is wrong with the query or its first rows shows before a byte has left
        return _Answer(reader.schema, reader if first is None else chain((first,), reader))

    def run(self, hand: Callable[[list[_Piece] | _End], None]) -> None:
        try:
            for pieces in self._encoded():
                self._room.acquire()
                if self._stopped.is_set():
                    return
                hand(pieces)
            hand(_End(None))
        except Exception as error:  # the other side decides; a thread's own traceback would reach nobody
            if not self._stopped.is_set():
                hand(_End(self._explained(error)))

    def _encoded(self) -> Iterator[list[_Piece]]:
        """What each batch of rows comes to, in whole pieces: to change hands costs more than to make one."""
        answer, opened = self._answer, self._opened
        if answer is None or opened is None:
            raise RuntimeError("a delivery is started before its pieces are taken")
        sink, rows, digest = Sink(), 0, hashlib.sha256()
        out = encoder(self._form, answer.schema, sink)

        def pieces(least: int) -> Iterator[_Piece]:
            while sink.size >= least:
                data = sink.take(PIECE)
                digest.update(data)
                yield _Piece(data, rows, digest.hexdigest())

        for batch in answer.batches:
            opened.verify()
            out.write(batch)
            rows += batch.num_rows
            yield list(pieces(PIECE))
        opened.verify()
        out.finish()
        yield list(pieces(1))

    def _explained(self, error: Exception) -> Exception:
        if isinstance(error, duckdb.OutOfMemoryException):
            return EngineLimit("ask for fewer columns or rows, or tell the operator")
        if isinstance(error, Problem) or not isinstance(error, (SourceError, *_ENGINE_ERRORS)):
            return error
        if self._opened is not None:
            return source_problem(self._opened.explain(error))
        return source_problem(error) if isinstance(error, SourceError) else EngineLimit("tell the operator")

    def taken(self) -> None:
        self._room.release()

    def stop(self) -> None:
        self._stopped.set()
        self._room.release()
        session = self._session
        if session is not None:
            session.interrupt()

    def release(self, *, whole: bool) -> None:
        """Let everything go. Only after a delivery that is whole may another one have its engine."""
        self._whole = whole
        self._answer = self._session = self._opened = None
        self._held.close()

    def _let_go(self, engine: Engine) -> None:
        if self._whole:
            self._engines.give_back(engine)
        else:
            engine.close()


def _fetched(session: duckdb.DuckDBPyConnection, plan: Plan, query: str) -> list[tuple[Any, ...]]:
    """All rows. The engine wants exactly the parameters a statement names, and one plan has several statements."""
    named = set(re.findall(r"\$(\w+)", query))
    parameters = {name: value for name, value in plan.parameters.items() if name in named}
    return session.execute(query.replace("{source}", RELATION), parameters).fetchall()
