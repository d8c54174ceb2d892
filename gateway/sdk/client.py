"""A small client of the gateway's REST face: signs assertions, keeps a token fresh, turns problems into exceptions.

`gateway.sdk.Corridor` is what one works with; this is what it stands on, and what the command line speaks by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt

from gateway.crypto.private import private_key
from gateway.ids import uuid7
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.refusals import BrokenOff, Refused, Unreachable

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_JWT_ALG = {"Ed25519": "EdDSA", "ES256": "ES256", "PS256": "PS256"}
_RENEW_BEFORE_S = 60
UNAUTHORIZED = 401
BYTES = "application/octet-stream"


@dataclass
class Client:
    """One agent at one gateway. Safe between threads."""

    agent: AgentFile
    timeout_s: float = 60
    _http: httpx2.Client = field(init=False)
    _token: str = field(init=False, repr=False, default="")
    _expires: float = field(init=False, default=0)
    _renewing: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._http = httpx2.Client(base_url=self.agent.url, timeout=self.timeout_s)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def get(self, path: str, **query: Any) -> Any:
        params = {name: value for name, value in query.items() if value is not None}
        return self._answer(self._send("GET", path, params=params or None))  # empty ones would take the path's own away

    def post(self, path: str, body: Any) -> Any:
        return self._answer(self._send("POST", path, json=body))

    def upload(self, path: str, content: bytes) -> Any:
        """The answer to a body that is no JSON."""
        return self._answer(self._send("POST", path, content=content, media_type=BYTES))

    def put(self, path: str, body: Any) -> Any:
        return self._answer(self._send("PUT", path, json=body))

    def delete(self, path: str) -> Any:
        return self._answer(self._send("DELETE", path))

    def raw(self, path: str) -> bytes:
        """The exact bytes of a resource."""
        return self._checked(self._send("GET", path)).content

    @contextmanager
    def download(self, path: str, **query: Any) -> Iterator[httpx2.Response]:
        """A resource whose bytes are read as they come.

        Raises:
            Refused: nothing was released.
        """
        params = {name: value for name, value in query.items() if value is not None}
        with self._streamed("GET", path, params=params) as response:
            yield response

    @contextmanager
    def stream(self, path: str, body: Any, **query: str) -> Iterator[httpx2.Response]:
        """A response whose body is read as it comes. `body`: bytes as they are, anything else as JSON.

        Raises:
            Refused: nothing was released.
        """
        sent: dict[str, Any] = {"content": body, "media_type": BYTES} if isinstance(body, bytes) else {"json": body}
        with self._streamed("POST", path, params=query, **sent) as response:
            yield response

    @contextmanager
    def _streamed(self, method: str, path: str, **request: Any) -> Iterator[httpx2.Response]:
        begun = False
        try:
            with closing(self._asked(method, path, stream=True, **request)) as response:
                if response.is_error:
                    response.read()
                    self._checked(response)
                begun = True
                yield response
        except httpx2.TransportError as error:
            # The gateway leaves an answer unfinished that it cannot bring to its end, so that it never looks whole.
            kind = BrokenOff if begun else Unreachable
            raise kind(f"{self.agent.url}: {error}") from error

    def _send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        try:
            return self._asked(method, path, **request)
        except httpx2.TransportError as error:
            raise Unreachable(f"{self.agent.url}: {error}") from error

    def _asked(
        self, method: str, path: str, *, stream: bool = False, media_type: str | None = None, **request: Any
    ) -> httpx2.Response:
        """The answer. A token that is not taken any more, because the gateway's key was replaced, is asked for anew.

        Nothing has been done or released when a token is refused, so that asking a second time does nothing twice.
        """
        token = self.token()
        response = self._once(token, method, path, stream, media_type, request)
        if response.status_code != UNAUTHORIZED:
            return response
        response.read()
        if _code(response) != "not-authenticated":
            return response
        return self._once(self._other_than(token), method, path, stream, media_type, request)

    def _once(
        self, token: str, method: str, path: str, stream: bool, media_type: str | None, request: dict[str, Any]
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"}
        if media_type is not None:
            headers["content-type"] = media_type
        if stream:  # digests are of the bytes that leave the gateway: nobody between may send others for them
            headers["accept-encoding"] = "identity"
        return self._http.send(self._http.build_request(method, path, headers=headers, **request), stream=stream)

    def _other_than(self, refused: str) -> str:
        """Another token than the refused one; of several threads that meet the refusal one asks for it."""
        with self._renewing:
            if self._token == refused:
                self._authenticate()
            return self._token

    def _authenticate(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        try:
            answer = self._answer(self._http.post("/v1/token", data=form))
        except httpx2.TransportError as error:
            raise Unreachable(f"{self.agent.url}: {error}") from error
        self._token, self._expires = answer["access_token"], time.time() + answer["expires_in"]

    def token(self) -> str:
        """An access token that is good for another minute at least."""
        with self._renewing:
            if time.time() > self._expires - _RENEW_BEFORE_S:
                self._authenticate()
            return self._token

    def sign_in_link(self) -> Any:
        """A one-time way into the pages as this agent: `address`, good for `expires_in` seconds."""
        return self.post("/v1/sign-in-links", {"client_assertion": self.assertion()})

    def assertion(self) -> str:
        """A fresh client assertion (RFC 7523): one minute, one use."""
        now = int(time.time())
        claims = {
            "iss": self.agent.agent,
            "sub": self.agent.agent,
            "aud": self.agent.gateway,
            "iat": now,
            "exp": now + 60,
            "jti": uuid7(),
        }
        return jwt.encode(claims, private_key(self.agent.key), algorithm=_JWT_ALG[self.agent.key["alg"]])

    def _answer(self, response: httpx2.Response) -> Any:
        checked = self._checked(response)
        return checked.json() if checked.content else None

    def _checked(self, response: httpx2.Response) -> httpx2.Response:
        if not response.is_error:
            return response
        try:
            document = response.json()
        except ValueError:
            document = {}
        said = document.pop("detail", None) or document.get("title") or f"HTTP {response.status_code}"
        raise Refused(said, **{**document, "status": response.status_code})


def _code(response: httpx2.Response) -> str:
    """The stable name of the problem in an answer."""
    try:
        return str(response.json().get("type", "")).rpartition("/")[2]
    except (ValueError, AttributeError):
        return ""
