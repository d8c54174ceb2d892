"""A granted delivery while it runs: its pieces, what they still stand on, and its end, recorded whatever comes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter

from gateway.access.delivery import Delivery
from gateway.access.errors import DeliveryDiffers, Unsettled
from gateway.access.grants import Asked, End, Granted, settle
from gateway.access.resuming import Resume
from gateway.audit.event import Reason
from gateway.audit.log import Recorded
from gateway.identity.caller import Caller
from gateway.problems import Problem

if TYPE_CHECKING:
    from gateway.access.broker import Broker

DELIVERED = Counter("corridor_delivered_bytes_total", "Bytes handed to the transport.")

logger = structlog.get_logger(__name__)


class Running:
    """A granted delivery. `start`, iterate `pieces`, then `finish`: whatever happened is recorded, once."""

    def __init__(
        self,
        broker: Broker,
        caller: Caller,
        asked: Asked,
        delivery: Delivery,
        recorded: Recorded,
        resume: Resume | None,
    ) -> None:
        self.entry: str = recorded.ids[0]
        self.index: int = recorded.indices[0]
        self.media_type = delivery.media_type
        self._granted: Granted = recorded.value
        self._broker = broker
        self._caller = caller
        self._asked = asked
        self._delivery = delivery
        self._resume = resume
        self._stream = delivery.pieces(self._check)
        self._rest = b""
        self._begins = 0
        self._finished = False
        self._given_up: Problem | None = None
        self._broken: Reason | None = Reason("not-finished", "The delivery broke off before its end.")

    async def start(self) -> None:
        """Bring the query to its first batch, or to what has not come yet. When it fails nothing has left.

        The use is given back then, if one was taken.

        Raises:
            Problem: the source failed after all. DeliveryDiffers: this is not the rest of what came.
        """
        try:
            await self._delivery.start(self._granted.rows)
            if self._resume is not None:
                await self._leave_out(self._resume)
        except BaseException as error:
            if isinstance(error, Problem):
                self._broken = Reason(error.slug, error.title)
            await asyncio.shield(self._broker.ending(self))
            raise

    async def _leave_out(self, came: Resume) -> None:
        """Read up to where the reader is, and make sure that it has these very bytes."""
        digest = hashlib.sha256()
        while self._begins < came.bytes:
            piece = await anext(self._stream, None)
            if piece is None:
                raise DeliveryDiffers("It is shorter than what came. Ask anew, which takes a use.")
            head = piece[: came.bytes - self._begins]
            digest.update(head)
            self._begins += len(head)
            self._rest = piece[len(head) :]
        if digest.hexdigest() != came.sha256:
            raise DeliveryDiffers("It begins with other bytes than came. Ask anew, which takes a use.")

    async def pieces(self) -> AsyncIterator[bytes]:
        """The data, as it is handed to the transport; its end is recorded before the stream ends.

        Raises:
            Problem: the delivery was stopped. The connection must break, so that it cannot look complete.
        """
        try:
            async with contextlib.aclosing(self._stream) as stream:
                if self._rest:
                    piece, self._rest = self._rest, b""
                    DELIVERED.inc(len(piece))
                    yield piece
                async for piece in stream:
                    DELIVERED.inc(len(piece))
                    yield piece
            self._broken = None
        except Problem as problem:
            self._broken = Reason(problem.slug, problem.title)
            raise
        finally:
            # A caller that hung up cancels whatever awaits here; the ending goes on by itself.
            await asyncio.shield(self._broker.ending(self))

    def broke_off(self, problem: Problem) -> None:
        """Say why the stream is given up, before `finish`; afterwards it changes nothing. No further piece leaves."""
        self._given_up = problem
        self._broken = Reason(problem.slug, problem.title)

    async def finish(self) -> None:
        """Record the end and let everything go. Safe to call again."""
        if self._finished:
            return
        self._finished = True
        try:
            await self._delivery.aclose()
            stats = self._delivery.stats
            handed = stats.bytes - self._begins - len(self._rest)
            end = End(
                complete=self._broken is None and stats.complete,
                rows=stats.rows,
                bytes=handed,
                sha256=stats.sha256,
                cells_suppressed=stats.cells_suppressed,
                reason=self._broken,
                refund=self._broken is not None and handed == 0,
                content=self._broker.content(self._asked, self._delivery),
                begins=self._begins,
            )
            deed = self._broker.deed(self._caller, self._asked.deed.request_id)
            try:
                await self._broker.log.submit(lambda tx: settle(tx, self.entry, end, deed))
            except Problem as problem:
                # The reservation stands and the end stays open; it is closed as unknown when the gateway starts again.
                logger.error("delivery.end_not_recorded", entry=self.entry, problem=problem.slug)
                raise Unsettled("The delivery's end could not be recorded.") from problem
        finally:
            self._broker.release(self._caller, self.entry)

    async def _check(self) -> None:
        broker, ground = self._broker, self._asked.ground
        if self._given_up is not None:
            raise self._given_up
        now = int(broker.clock())
        # Where this process alone writes, what stood at its last commit stands; else the database knows.
        alone = broker.log.alone and broker.log.healthy
        if alone and broker.log.standing.epoch == ground.standing.epoch and now < ground.ends:
            return
        if not await asyncio.to_thread(broker.grounds.still_stands, ground, self._caller, now=now):
            self._asked = await broker.still_permitted(self._caller, self._asked)
