"""The composition root: settings in, application out."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import Counter

from gateway import __version__
from gateway.access.resuming import DeliveryRequest
from gateway.api import (
    access,
    alerts,
    approvals,
    audit,
    bundles,
    catalog,
    contracts,
    health,
    keys,
    live,
    participants,
    policy,
    problems,
    tiles,
    token,
)
from gateway.api.direct import Direct
from gateway.api.middleware import Watched
from gateway.api.wire import install_problem_handlers
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.ui import (
    alerting,
    asking,
    datasets,
    entrance,
    entries,
    home,
    keyring,
    offering,
    organisations,
    outside,
    overview,
    receipts,
    reviewing,
    rules,
    running,
    trying,
)
from gateway.ui import contracts as contract_pages

PAGES = (
    home,
    outside,  # before `entrance`, whose addresses would take `as` for a link
    entrance,
    offering,  # before `datasets`, whose addresses would take `new` for an id
    datasets,
    contract_pages,
    asking,
    receipts,
    reviewing,
    overview,
    entries,
    alerting,
    trying,  # before `rules`, whose addresses would take `try` for a name
    rules,
    organisations,
    keyring,
    running,
)

DESCRIPTION = """A trusted gateway between organisations that hold health data and organisations that want to use it.

Get a token from `POST /v1/token`, send it as `Authorization: Bearer …`. Refusals are problem documents (RFC 9457) with
reasons and what would pass; whatever you may not know of answers 404, as if it never was.
"""


LINES_LOST = Counter("corridor_process_log_lines_lost_total", "Lines of the process's own log that were not written.")


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application of one gateway process. Nothing is opened before it starts up."""
    log_as_json()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime(settings)
        await runtime.start()
        app.state.runtime = runtime
        # What is alive now stays: the collector need not look at it again, and may come by less often.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        try:
            yield
        finally:
            await runtime.close()
            gc.unfreeze()

    app = FastAPI(
        title="Corridor", version=__version__, description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.direct = {("POST", "/v1/access"): access.access}
    app.add_middleware(Direct, endpoints=app.state.direct)
    app.add_middleware(Watched)
    install_problem_handlers(app)
    # Routes are tried in order: what is asked most comes first.
    for part in (
        access,
        token,
        participants,
        keys,
        catalog,
        contracts,
        approvals,
        audit,
        live,
        policy,
        bundles,
        alerts,
    ):
        app.include_router(part.router, prefix="/v1")
    app.include_router(health.router)
    app.include_router(tiles.router)
    app.include_router(problems.router)
    for pages in PAGES:
        app.include_router(pages.router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
    return app


def log_as_json() -> None:
    """The process's own log: a JSON object a line on stderr. Never with local variables: they hold tokens and data."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_arguments: _Lines(),
    )


class _Lines:
    """Where the process's log goes: a line on what is stderr just then.

    Whoever logs is on the way of an access or writes the audit log. That stderr is closed, full or a broken pipe must
    not stop either, so a line that cannot be written is counted and let go.
    """

    def msg(self, line: str) -> None:
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # ValueError: it is closed
            LINES_LOST.inc()

    debug = info = warning = error = critical = msg


def _openapi(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 with the problem document and the bodies that are read by hand."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        model = DeliveryRequest.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(model.pop("$defs", {}))
        schemas["DeliveryRequest"] = model
        schemas["Problem"] = PROBLEM_SCHEMA
        bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From POST /v1/token."}
        schema["components"]["securitySchemes"] = {"token": bearer}
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                _describe_problems(operation)
                if path.startswith("/v1/") and path not in ("/v1/token", "/v1/status/1"):
                    operation["security"] = [{"token": []}]
        app.openapi_schema = schema
    return app.openapi_schema


def _describe_problems(operation: dict[str, Any]) -> None:
    """Every failure is a problem document, FastAPI's own validation errors too."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses = operation["responses"]
    for status in [status for status in responses if status.startswith(("4", "5"))]:
        responses[status] = {"description": responses[status].get("description") or "Refused", "content": content}
    responses["default"] = {"description": "Refused: what happened and what to do", "content": content}


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `reasons` of a refusal: rule, code, effect, text, facts, source in law, remedy.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "entry": {"type": "string", "description": "id of the log's entry that records the refusal"},
        "index": {"type": "integer", "description": "its index in the log"},
        "reasons": {"type": "array", "items": {"type": "object"}},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "examples": [
        {
            "type": "https://gateway.example/problems/access-denied",
            "title": "The policy does not permit this access",
            "status": 403,
            "detail": "The contract does not grant purpose P09.",
            "entry": "019a0000-0000-7000-8000-000000000001",
            "reasons": [
                {
                    "rule": "contract_purpose",
                    "code": "GEN-03",
                    "effect": "deny",
                    "text": "The contract does not grant purpose P09.",
                    "facts": {"request.purpose.id": "P09", "contract.purposes": ["P05"]},
                    "source": "NDSR 12",
                    "remedy": "Ask under a purpose of the contract, or agree on a contract for this one.",
                }
            ],
        }
    ],
}
