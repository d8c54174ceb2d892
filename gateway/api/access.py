"""The way of one access, over HTTP: refused with reasons, or a stream whose grant is already in the log."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from gateway.access.resuming import DeliveryRequest
from gateway.api.deps import authenticated
from gateway.api.wire import DirectRoute, StrictRequest, require_json, validation_problem
from gateway.runtime import Runtime
from gateway.streams import DeliveryResponse

router = APIRouter(tags=["access"], route_class=DirectRoute)

_STREAM = {"type": "string", "format": "binary"}
_MEDIA = ("application/vnd.apache.arrow.stream", "text/csv", "application/vnd.apache.parquet")
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@router.post(
    "/access",
    summary="Ask for data under a contract",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DeliveryRequest"}}},
        }
    },
    responses={
        200: {
            "description": "The data, as it is read and masked. `Corridor-Entry` is the grant's entry in the log.",
            "content": {media: {"schema": _STREAM} for media in _MEDIA},
            "headers": {
                "Corridor-Entry": {"description": "id of the grant's entry", "schema": {"type": "string"}},
                "Corridor-Index": {"description": "its index in the log", "schema": {"type": "string"}},
            },
        },
        403: {"description": "Refused, with every reason and what would pass", "content": _PROBLEM},
        404: {"description": "No contract that you may know of, or nothing to take up", "content": _PROBLEM},
        409: {"description": "What would follow is not the rest of what came, or it still runs", "content": _PROBLEM},
        422: {"description": "Malformed", "content": _PROBLEM},
        503: {"description": "Something needed is away; nothing was released", "content": _PROBLEM},
    },
)
async def access(request: Request) -> Response:
    """Decided under the contract and the policy, recorded before the first byte, recorded again after the last.

    A delivery that broke off is taken up within a day: the same request with `resume`, which says what came. It is
    decided and recorded anew, takes no use, and is answered with the bytes that follow.
    """
    gateway: Runtime = request.app.state.runtime
    caller = await authenticated(request)
    wanted = await read_request(request)
    request_id = request.scope.get("corridor.request_id")
    running = await gateway.broker.access(caller, wanted, resume=wanted.resume, request_id=request_id)
    await running.start()
    return DeliveryResponse(running, gateway.broker)


async def read_request(request: Request) -> DeliveryRequest:
    """The body as a request for access.

    Raises:
        Malformed, TooLarge: every complaint, by place.
    """
    body: Any = await require_json(StrictRequest(request.scope, request.receive))
    try:
        return DeliveryRequest.model_validate(body)
    except ValidationError as error:
        raise validation_problem(error.errors()) from None
