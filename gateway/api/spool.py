"""Long answers out of the database: written to scratch space first, so that nobody reads inside a transaction."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.access.errors import Busy, ReaderStalled
from gateway.problems import Unavailable
from gateway.streams import PIECE, patient

EXPORTS = 4

logger = structlog.get_logger(__name__)

_places = threading.BoundedSemaphore(EXPORTS)


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
