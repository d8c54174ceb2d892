"""One pure-ASGI layer for what every request needs: an id, figures, and headers that keep browsers careful.

Pure ASGI because a `BaseHTTPMiddleware` would triple the cost of a route.
"""

from __future__ import annotations

import re
import time
from functools import cache
from typing import Any

from prometheus_client import Counter, Histogram

from gateway.ids import uuid7

REQUESTS = Counter("corridor_requests_total", "Requests by route and status class.", ["method", "route", "status"])
SECONDS = Histogram(
    "corridor_request_seconds",
    "Seconds from the request's head to the end of its response.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(rb"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)
"""A UUID, or a trace id (W3C Trace Context): it stands in the log for good, where nobody's own words may."""
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class Watched:
    """ASGI middleware: request id in and out, metrics by route template, security headers."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid7().encode()
        scope["corridor.request_id"] = request_id.decode()
        status = "5xx"
        started = time.perf_counter()

        async def watched_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = f"{message['status'] // 100}xx"
                present = {name for name, _ in message["headers"]}
                extra = [header for header in _HEADERS if header[0] not in present]
                message["headers"] = [*message["headers"], *extra, (b"x-request-id", request_id)]
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        finally:
            route = _template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            _counter(method, route, status).inc()
            _timer(route).observe(time.perf_counter() - started)


# Looking a child up costs more than counting in it; there are as many as routes, methods and classes of status.
_counter = cache(REQUESTS.labels)
_timer = cache(SECONDS.labels)


def _template(scope: Any) -> str:
    """The path with its parameters' names: never the ids themselves, which would make a time series each."""
    if scope.get("route") is None:
        return "unmatched"
    names = {value: name for name, value in scope.get("path_params", {}).items()}
    for value in [value for value in names if "/" in str(value)]:  # a parameter that is a path
        return str(scope["path"]).removesuffix(str(value)) + f"{{{names[value]}}}"
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in scope["path"].split("/"))
