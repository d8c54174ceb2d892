"""The policy on an OPA server, asked through opa-python-client."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import orjson
from opa_client.opa_async import AsyncOpaClient

from gateway.policy.engine import ENTRYPOINT, MAX_ANSWER_BYTES
from gateway.policy.errors import PolicyUnavailable

_AWAY = "The policy server gave no decision; nothing was released."


class _Client(AsyncOpaClient):  # type: ignore[misc]  # published without types
    """The client's session and retries, with an answer that is read no further than a limit."""

    async def connect(self) -> None:
        # Once: a session per question would build a TLS context each time.
        if self._session is None:
            await self._init_session()

    async def ask(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        url = f"{self.root_url}/data/{ENTRYPOINT}"
        # No redirects: the token is for this server only.
        async with self._request("POST", url, data=body, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise PolicyUnavailable(_AWAY)
            answer = bytearray()
            async for piece in response.content.iter_any():
                answer += piece
                if len(answer) > MAX_ANSWER_BYTES:
                    raise PolicyUnavailable(_AWAY)
            return bytes(answer)


class OpaEngine:
    """Asks `data.access.decision.decision` of an OPA server over one kept-alive session.

    Args:
        url: scheme, host and port of the server; https verifies its certificate against the system's authorities.
        digest: the bundle the server is meant to hold.
        token: sent as bearer token, when the server wants one.
        timeout_s: for a whole question, in seconds. A connection that was closed meanwhile is tried once more.
    """

    name = "opa"

    def __init__(self, url: str, digest: str, *, token: str | None = None, timeout_s: float = 2.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise PolicyUnavailable("The policy server's address must be http(s)://host:port and nothing more.")
        secure = parts.scheme == "https"
        self._digest = digest
        self._lock = asyncio.Lock()
        self._closed = False
        self._client = _Client(
            host=f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
            port=parts.port or (443 if secure else 8181),
            ssl=secure,
            token=token,
            retries=1,
            timeout=timeout_s,
        )

    @property
    def digest(self) -> str:
        return self._digest

    async def evaluate(self, document: bytes) -> bytes:
        if self._closed:
            raise PolicyUnavailable("The connection to the policy server is closed.")
        try:
            async with self._lock:
                await self._client.connect()
            answer = orjson.loads(await self._client.ask(b'{"input":' + document + b"}"))
        except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError) as error:
            raise PolicyUnavailable(_AWAY) from error
        # An undefined rule answers 200 with an object that has no result.
        if not isinstance(answer, dict) or not isinstance(answer.get("result"), dict):
            raise PolicyUnavailable(_AWAY)
        return orjson.dumps(answer["result"])

    async def close(self) -> None:
        self._closed = True
        await self._client.close_connection()
