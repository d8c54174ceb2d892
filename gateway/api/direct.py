"""The way of one access past the router: the same endpoint and the same answers, without a third of the cost.

Matching a path, solving dependencies and stacking exits cost as much as authenticating, deciding and recording together
(benchmarks, R1). The route itself stays where it is: it is documented there, and takes whatever does not come here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.wire import client_gone, problem_response
from gateway.problems import Problem

Endpoint = Callable[[Request], Awaitable[Response]]


class Direct:
    """Pure ASGI middleware: calls the endpoint of exactly this method and path. Its bugs are for the layers above."""

    def __init__(self, app: ASGIApp, endpoints: dict[tuple[str, str], Endpoint]) -> None:
        self.app = app
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = endpoint  # for the figures: this path is one of ours
        request = Request(scope, receive, send)
        try:
            response = await endpoint(request)
        except Problem as problem:
            response = problem_response(request, problem)
        except ClientDisconnect:
            response = client_gone()
        await response(scope, receive, send)
