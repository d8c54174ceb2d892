"""Bodies in and problems out, the same way on every route (RFC 8259 read strictly, RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gateway.api.deps import authenticated
from gateway.crypto.canonical import strict_json
from gateway.policy.archive import MAX_ARCHIVE_BYTES
from gateway.problems import InternalError, Malformed, NotFound, Problem, TooLarge

MAX_BODY = 256 * 1024
MAX_DEPTH = 32
PROBLEM_JSON = "application/problem+json"
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
PROBLEM_PAGES = "/problems"
"""Where the gateway explains each problem type."""

logger = structlog.get_logger(__name__)


class NotAcceptedMediaType(Problem):
    """The body says it is something else than JSON."""

    slug, status, title = "unsupported-media-type", 415, "Send the body as application/json"


class StrictRequest(Request):
    """A request whose body is bounded, and whose JSON means one thing only: no duplicate members, no odd numbers."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            pieces, size = [], 0
            async for piece in self.stream():
                size += len(piece)
                if size > MAX_BODY:
                    raise TooLarge(f"The body is over {MAX_BODY} bytes.")
                pieces.append(piece)
            self._body = b"".join(pieces)
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            self._json = strict_json(body, max_bytes=MAX_BODY, max_depth=MAX_DEPTH, fractions=True, plain_text=True)
        return self._json


async def archive_body(request: Request) -> bytes:
    """The body as it came, a packed bundle perhaps.

    Raises:
        TooLarge: it is larger than any.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_ARCHIVE_BYTES:
            raise TooLarge(f"The body is over {MAX_ARCHIVE_BYTES} bytes.")
    return bytes(body)


ARCHIVE_BODY = {
    "requestBody": {
        "required": True,
        "description": "An OPA bundle as `corridor policy build FILE.tar.gz` writes it: tar, gzip.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "contentMediaType": "application/gzip"},
                "example": "the bytes of bundle.tar.gz",
            }
        },
    }
}


class StrictRoute(APIRoute):
    """A route that reads its body as a StrictRequest, before FastAPI could read it any other way."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        form = self.path.endswith("/token")

        async def strict(request: Request) -> Response:
            request = StrictRequest(request.scope, request.receive)
            # No id and no code has one, and databases differ in what they make of it.
            if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
                raise Malformed("The address holds a NUL character.")
            if self.body_field is not None and not form:
                await authenticated(request)  # who is asking comes first: a stranger is not told what is wrong with it
                await require_json(request)
            elif form:
                await request.body()
            return await handler(request)

        return strict


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and nothing else: documented like the others, called without detours.

    For the way of one access only. Solving dependencies would cost as much as deciding (benchmarks, R1).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


async def require_json(request: Request) -> Any:
    """The body's one value.

    Raises:
        Problem: no JSON, not of that type, too large, or ambiguous.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise NotAcceptedMediaType(f"The content type is {media_type or 'missing'}; this takes application/json.")
    return await request.json()


def problem_document(request: Request, problem: Problem) -> dict[str, Any]:
    """RFC 9457. Without `instance`: an answer about a hidden thing must equal one about a thing that never was."""
    document: dict[str, Any] = {
        "type": f"{request.app.state.runtime.home.public_url}{PROBLEM_PAGES}/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail:
        document["detail"] = problem.detail
    return {**document, **problem.members}


def problem_response(request: Request, problem: Problem) -> Response:
    headers = {}
    if problem.status == 401:
        headers["www-authenticate"] = 'Bearer realm="corridor"'
    elif problem.status == 503:
        headers["retry-after"] = "2"
    body = orjson.dumps(problem_document(request, problem))
    return Response(body, problem.status, media_type=PROBLEM_JSON, headers=headers)


def client_gone() -> Response:
    """Nobody reads it; the figures count it."""
    return Response(status_code=499)


def install_problem_handlers(app: FastAPI) -> None:
    """Every failure leaves as a problem document; none as a stack trace."""

    @app.exception_handler(Problem)
    async def explained(request: Request, problem: Problem) -> Response:
        return problem_response(request, problem)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        return problem_response(request, validation_problem(error.errors()))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return problem_response(request, NotFound())
        problem = Problem(str(error.detail))
        document = {
            **problem_document(request, problem),
            "type": "about:blank",
            "title": error.detail,
            "status": error.status_code,
        }
        return Response(orjson.dumps(document), error.status_code, media_type=PROBLEM_JSON, headers=error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return client_gone()

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Response:
        request_id = request.scope.get("corridor.request_id", "")
        logger.error("request.failed", request_id=request_id, exc_info=error)
        return problem_response(request, InternalError.of(request_id))


def validation_problem(found: Any) -> Malformed:
    """What a model found wrong, as one problem: the first complaint in words, all of them as pointers."""
    errors = [_where(error) for error in found[:50]]
    first = errors[0]
    return Malformed(f"{first['pointer'] or 'The body'}: {first['detail']}", errors=errors)


def _where(error: Any) -> dict[str, str]:
    """A validation error as a JSON pointer and a sentence; never the value that was sent."""
    parts = [str(part) for part in error["loc"]]
    place = parts[0] if parts and parts[0] in _PLACES else "body"
    inner = parts[1:] if parts and parts[0] in _PLACES else parts
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in inner)
    return {"in": place, "pointer": pointer, "detail": error["msg"].removeprefix("Value error, ")}
