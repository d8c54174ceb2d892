"""Corridor's own application, with one route more: the way of one access up to its durable grant, and no delivery.

`POST /v1/access` cannot be compared with a route that answers a decision: it also opens the source, runs a query in
DuckDB, streams, and records a second entry for the end. `POST /bench/decision` is the same way, by the same parts, as
far as the grant that is in the log; `POST /bench/asked` too, without recalling a permit. Their grants stay open:
nothing settles them.
"""

from __future__ import annotations

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response

from gateway.access.grants import Granted, grant
from gateway.access.ground import stated_purpose
from gateway.api.access import read_request
from gateway.api.deps import authenticated
from gateway.app import create_app
from gateway.identity.caller import AgentRole
from gateway.runtime import Runtime
from gateway.settings import Settings


async def asked(request: Request) -> Response:
    """The same, with every question put to the policy engine, as if no two were alike."""
    memory = request.app.state.runtime.policies.current.memory
    if memory is not None:
        memory.clear()
    return await decision(request)


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
    recorded = await gateway.log.submit(
        lambda tx: grant(tx, asked, instance=gateway.instance, row_cap=wanted.limit, clock=gateway.clock)
    )
    if not isinstance(recorded.value, Granted):
        return Response(status_code=503)
    answer |= {"entry": recorded.ids[0], "index": recorded.indices[0]}
    return Response(orjson.dumps(answer), media_type="application/json")


def application() -> FastAPI:
    """The gateway of the environment's settings (CORRIDOR_...), with the two routes as direct as POST /v1/access."""
    app = create_app(Settings())
    app.state.direct[("POST", "/bench/decision")] = decision
    app.state.direct[("POST", "/bench/asked")] = asked
    return app
