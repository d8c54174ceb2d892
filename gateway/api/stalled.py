"""Readers who take nothing: a stream to one is broken off, for it holds what others wait for."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Send

from gateway.access.errors import ReaderStalled

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
