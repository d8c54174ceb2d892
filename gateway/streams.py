"""Data on its way to a reader: its end is recorded, and a reader who takes nothing is left, for others wait.

What comes out of the database is written to scratch space first, so that nobody reads inside a transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from gateway.access.broker import Broker
from gateway.access.errors import Busy, ReaderStalled
from gateway.access.running import Running
from gateway.problems import Problem, Unavailable

logger = structlog.get_logger(__name__)

STALLED_S = 30.0
PIECE = 256 * 1024
"""At most this much is handed over at a time: a reader that takes it within STALLED_S is slow, not stalled."""

EXPORTS = 4

_places = threading.BoundedSemaphore(EXPORTS)


def patient(send: Send) -> Send:
    """`send`, waiting STALLED_S at most for the reader to take a piece. The server's `send` waits for room.

    Raises:
        ReaderStalled: by what is given back. The answer must then be left unfinished, so that its connection breaks.
    """

    async def patiently(message: Message) -> None:
        whole = memoryview(message.get("body", b""))
        begin = 0
        while len(whole) - begin > PIECE:
            await _sent(send, {**message, "body": bytes(whole[begin : begin + PIECE]), "more_body": True})
            begin += PIECE
        await _sent(send, {**message, "body": bytes(whole[begin:])} if begin else message)

    return patiently


async def _sent(send: Send, message: Message) -> None:
    try:
        async with asyncio.timeout(STALLED_S):
            await send(message)
    except TimeoutError:
        raise ReaderStalled(f"Nothing was taken for {STALLED_S:g} seconds.") from None


class DeliveryResponse(StreamingResponse):
    """A stream that records its end whatever becomes of the connection, also when nobody ever reads it."""

    def __init__(self, running: Running, broker: Broker) -> None:
        self._running, self._broker = running, broker
        headers = {
            "corridor-entry": running.entry,
            "corridor-index": str(running.index),
            "link": f'</v1/receipts/{running.entry}>; rel="receipt"',
        }
        super().__init__(running.pieces(), media_type=running.media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, patient(send))
        except Problem as problem:
            self._running.broke_off(problem)
            # The head is sent: nothing can be explained any more. The server closes the connection of an answer that
            # was not brought to its end, so that it cannot look complete; why is in the log's entry of the end.
            logger.warning("delivery.broken_off", entry=self._running.entry, problem=problem.slug)
        finally:
            await asyncio.shield(self._broker.ending(self._running))


class Spool:
    """One of the process's EXPORTS places, with a file that has no name. Both are given back by `close`, once.

    Raises:
        Busy: all places are taken.
        Unavailable: scratch space cannot be written.
    """

    def __init__(self, scratch: Path) -> None:
        places = _places
        if not places.acquire(blocking=False):
            raise Busy("Too many exports are running. Try again shortly.")
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115  open for as long as the answer is
                dir=scratch, buffering=PIECE
            )
        except OSError as error:
            places.release()
            raise _no_room() from error
        self.size = 0
        # Also when an answer is given up before anybody could close it.
        self.close = weakref.finalize(self, _let_go, self._file, places)

    def write(self, lines: Iterable[bytes]) -> None:
        """All of it; nothing of it has left when this fails.

        Raises:
            Unavailable: scratch space cannot be written. And what `lines` raises.
        """
        try:
            self._file.writelines(lines)
            self.size = self._file.tell()
            self._file.seek(0)
        except OSError as error:
            raise _no_room() from error

    def pieces(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE):
            yield piece


class SpoolResponse(StreamingResponse):
    """What was spooled, with its length, so that a part of it cannot look whole."""

    def __init__(self, spool: Spool, media_type: str) -> None:
        self._spool = spool
        super().__init__(spool.pieces(), media_type=media_type, headers={"content-length": str(spool.size)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, patient(send))
        except ReaderStalled as problem:
            logger.warning("export.broken_off", problem=problem.slug)
        finally:
            self._spool.close()


def _let_go(file: IO[bytes], places: threading.BoundedSemaphore) -> None:
    try:
        with contextlib.suppress(OSError):  # a full disk, again: what could not be written is not wanted any more
            file.close()
    finally:
        places.release()


def _no_room() -> Unavailable:
    return Unavailable("The gateway's scratch space cannot be written. Try again later or tell the operator.")
