"""What endpoints are given: the running gateway, and who is asking."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from gateway.acting import Acting
from gateway.identity.caller import Caller
from gateway.identity.errors import NotAuthenticated
from gateway.runtime import Runtime


async def runtime(request: Request) -> Runtime:
    """The gateway this application serves."""
    gateway: Runtime = request.app.state.runtime
    return gateway


async def authenticated(request: Request) -> Caller:
    """The caller of this request.

    Raises:
        NotAuthenticated: no bearer token, or one that does not hold.
    """
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise NotAuthenticated("Send the header Authorization: Bearer <token>; tokens come from POST /v1/token.")
    gateway: Runtime = request.app.state.runtime
    known = gateway.directory.remembered(token, gateway.log.standing.epoch)
    return known if known is not None else await asyncio.to_thread(gateway.directory.verify, token)


Gateway = Annotated[Runtime, Depends(runtime)]
AuthenticatedCaller = Annotated[Caller, Depends(authenticated)]


async def acting(request: Request, caller: AuthenticatedCaller, gateway: Gateway) -> Acting:
    """The caller at work."""
    return Acting(caller, gateway, request.scope.get("corridor.request_id"))


Actor = Annotated[Acting, Depends(acting)]
