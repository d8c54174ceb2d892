"""The engine on a server: whatever the server does, it is a decision or a refusal. Real servers: test_differential."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest

from gateway.policy.decide import decide
from gateway.policy.engine import MAX_ANSWER_BYTES
from gateway.policy.errors import PolicyUnavailable
from gateway.policy.opa import OpaEngine
from tests.policy.documents import document

DIGEST = "sha256:" + "11" * 32
PERMIT = {"result": "permit", "bundle": DIGEST, "reasons": [], "obligations": [], "limits": {"mode": "M5"}}

Ask = Callable[[OpaEngine], Awaitable[object]]


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def result(value: object) -> bytes:
    return http(json.dumps({"result": value}).encode())


def with_server(answers: list[bytes | None], ask: Ask, **options: object) -> list[bytes]:
    """Asks of a server that gives these answers in turn (None: hangs up); the requests it saw."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The client may go away in between, as some of these tests want it to.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"ontent-Length" in line)
                seen.append(head + await reader.readexactly(length))
                answer = answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        engine = OpaEngine(f"http://127.0.0.1:{port}", DIGEST, **{"timeout_s": 2.0, **options})
        try:
            await ask(engine)
        finally:
            await engine.close()
            server.close()

    asyncio.run(story())
    return seen


async def permitted(engine: OpaEngine) -> None:
    assert (await decide(engine, DIGEST, document())).result == "permit"


async def refused(engine: OpaEngine) -> None:
    with pytest.raises(PolicyUnavailable):
        await decide(engine, DIGEST, document())


def test_one_question_is_one_post_with_the_token():
    (request,) = with_server([result(PERMIT)], permitted, token="made-up")
    assert request.startswith(b"POST /v1/data/access/decision/decision HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer made-up\r\n" in request
    assert json.loads(request.split(b"\r\n\r\n", 1)[1]) == {"input": document()}


def test_questions_share_one_connection():
    async def twice(engine: OpaEngine) -> None:
        await permitted(engine)
        await permitted(engine)

    assert len(with_server([result(PERMIT), result(PERMIT)], twice)) == 2


def test_a_connection_that_was_hung_up_is_tried_once_more():
    assert len(with_server([None, result(PERMIT)], permitted)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        http(b"{}"),
        http(b""),
        http(b"not json"),
        http(b"[]"),
        result(None),
        result("permit"),
        result(PERMIT | {"result": "allow"}),
        result(PERMIT | {"bundle": "sha256:" + "22" * 32}),
        http(json.dumps({"result": PERMIT}).encode(), "401 Unauthorized"),
        http(json.dumps({"result": PERMIT}).encode(), "404 Not Found"),
        http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
        http(b'{"result":"' + b"x" * (MAX_ANSWER_BYTES + 1) + b'"}'),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        b"garbage\r\n\r\n",
    ],
    ids=["undefined", "empty", "no json", "array", "null", "text", "allow", "other bundle", "401", "404", "redirect",
         "too long", "cut off", "garbage"],
)  # fmt: skip
def test_any_other_answer_refuses(answer):
    with_server([answer, None], refused, timeout_s=0.5)


def test_an_error_that_lasts_refuses():
    with_server([http(b"{}", "500 Internal Server Error")] * 2, refused)


def test_nobody_there_refuses():
    async def ask() -> None:
        engine = OpaEngine("http://127.0.0.1:9", DIGEST, timeout_s=0.5)
        await refused(engine)
        await engine.close()

    asyncio.run(ask())


def test_closed_means_refused():
    async def close_and_ask(engine: OpaEngine) -> None:
        await engine.close()
        await engine.close()
        await refused(engine)

    with_server([result(PERMIT)], close_and_ask)


@pytest.mark.parametrize("url", ["", "opa:8181", "ftp://opa:8181", "http://", "http://opa/v1/data", "http://opa?x=1"])
def test_an_address_that_is_more_or_less_than_a_server_is_refused(url):
    with pytest.raises(PolicyUnavailable):
        OpaEngine(url, DIGEST)
