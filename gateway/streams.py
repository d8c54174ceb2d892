"""Data on its way to a reader: its end is recorded, and a reader who takes nothing is left, for others wait."""

from __future__ import annotations

import asyncio

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from gateway.access.broker import Broker, Running
from gateway.access.errors import ReaderStalled
from gateway.problems import Problem

logger = structlog.get_logger(__name__)

STALLED_S = 30.0
PIECE = 256 * 1024
"""At most this much is handed over at a time: a reader that takes it within STALLED_S is slow, not stalled."""


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
