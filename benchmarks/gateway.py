"""Corridor's own application, with one route more: the way of one access up to its durable grant, and no delivery.

`POST /v1/access` cannot be compared with a route that answers a decision: it also opens the source, runs a query in
DuckDB, streams, and records a second entry for the end. `POST /bench/decision` is the same way, by the same parts, as
far as the grant that is in the log. Its grants stay open: nothing settles them.
"""

from __future__ import annotations

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from gateway.access.grants import Granted, grant
from gateway.access.ground import stated_purpose
from gateway.api import access
from gateway.api.access import read_request
from gateway.api.deps import authenticated
from gateway.api.wire import DirectRoute
from gateway.app import create_app
from gateway.identity.caller import AgentRole
from gateway.runtime import Runtime
from gateway.settings import Settings

router = APIRouter(prefix="/bench", route_class=DirectRoute)


@router.post("/decision", response_class=Response)
async def decision(request: Request) -> Response:
    """The decision, and the entry and index of its grant; 403 with the decision when it is no permit."""
    gateway: Runtime = request.app.state.runtime
    caller = await authenticated(request)
    wanted = await read_request(request)
    caller.need(AgentRole.RESEARCHER)
    request_id = request.scope.get("corridor.request_id")
    asked = await gateway.broker.decided(caller, wanted, stated_purpose(wanted), request_id)
    answer = asked.decision.model_dump(mode="json")
    if asked.decision.result != "permit":
        return Response(orjson.dumps(answer), 403, media_type="application/json")
    recorded = await gateway.log.submit(lambda tx: grant(tx, asked, instance=gateway.instance, row_cap=wanted.limit))
    if not isinstance(recorded.value, Granted):
        return Response(status_code=503)
    answer |= {"entry": recorded.ids[0], "index": recorded.indices[0]}
    return Response(orjson.dumps(answer), media_type="application/json")


def application() -> FastAPI:
    """The gateway of the environment's settings (CORRIDOR_...)."""
    app = create_app(Settings())
    # Matching a path costs time for every route before it: this one stands just before POST /v1/access.
    place = next(n for n, route in enumerate(app.router.routes) if _leads_to(route, access.router))
    app.include_router(router)
    app.router.routes.insert(place, app.router.routes.pop())
    return app


def _leads_to(route: object, router: APIRouter) -> bool:
    return getattr(route, "original_router", None) is router
