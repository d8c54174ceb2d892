"""What endpoints are given: the running gateway, and who is asking."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Annotated

from fastapi import Depends, Request

from gateway.access.errors import Busy
from gateway.audit.deed import Deed
from gateway.audit.log import Change, Recorded
from gateway.identity.caller import Caller
from gateway.identity.enrolment import actor
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


class Acting:
    """The caller with what its events need: `record` carries out a change in the log's transaction."""

    def __init__(self, request: Request, caller: Annotated[Caller, Depends(authenticated)]) -> None:
        self.caller = caller
        self._gateway: Runtime = request.app.state.runtime
        self._request_id = request.scope.get("corridor.request_id")

    def deed(self) -> Deed:
        gateway = self._gateway
        return Deed(actor(self.caller, gateway.home.did), gateway.node, gateway.clock(), self._request_id)

    def record(self, change: Change) -> Recorded:
        return self._gateway.log.record(change)


Actor = Annotated[Acting, Depends(Acting)]


def trial_place(gateway: Runtime) -> ExitStack:
    """One of the few places for processes that decide by rules of any bundle, to be given back.

    Raises:
        Busy: all are taken.
    """
    if not gateway.trials.acquire(blocking=False):
        raise Busy("Others are making decisions again just now. Try again shortly.")
    held = ExitStack()
    held.callback(gateway.trials.release)
    return held
