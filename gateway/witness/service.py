"""The witness as a plain ASGI application: `POST /add-checkpoint`, and what it cosigned last of each log."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from gateway.audit.submission import MAX_BODY_BYTES
from gateway.witness.judge import Answer, Judge
from gateway.witness.memory import Memory

BODY_IN_S: Final = 10.0
_LAST = re.compile("/([0-9a-f]{64})/checkpoint")


class Service:
    """ASGI. Judges in threads: a submission waits for a disk."""

    def __init__(self, memory: Memory, judge: Judge) -> None:
        self._memory = memory
        self._judge = judge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _send(send, await self._answer(scope, receive))

    async def _answer(self, scope: Any, receive: Any) -> Answer:
        method, path = scope["method"], scope["path"]
        if path == "/add-checkpoint":
            if method != "POST":
                return Answer(405, "POST a submission here.\n")
            try:
                body = await asyncio.wait_for(_body(receive), BODY_IN_S)
            except TimeoutError:
                return Answer(408, "The submission did not come in time.\n")
            if body is None:
                return Answer(413, f"A submission is at most {MAX_BODY_BYTES} bytes.\n")
            return await asyncio.to_thread(self._judge.add_checkpoint, body)
        if method != "GET":
            return Answer(405, "GET is all that is answered here.\n")
        if path == "/":
            return Answer(200, f"{self._memory.signer.verifier}\n")
        found = _LAST.fullmatch(path)
        return Answer(404, "There is nothing here.\n") if found is None else self._judge.last(found[1])


async def _body(receive: Any) -> bytes | None:
    """The request's body; None as soon as it is too long, or when its sender has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _send(send: Any, answer: Answer) -> None:
    body = answer.body.encode()
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
