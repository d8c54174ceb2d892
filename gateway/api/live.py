"""New entries as they come: server-sent events (HTML Living Standard, 9.2), read by browsers and by curl."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.access.errors import Busy, ReaderStalled
from gateway.api.audit import EntryView, Wanted
from gateway.api.deps import Actor, Gateway
from gateway.api.wire import StrictRoute
from gateway.audit import reader
from gateway.audit.reader import Filter, Stored
from gateway.identity.caller import AgentRole
from gateway.identity.errors import NotAuthenticated
from gateway.problems import Problem
from gateway.runtime import Runtime
from gateway.streams import patient

PLACES = 32
"""Streams of one process."""
OWN_PLACES = 4
"""Of them, one participant's."""
LOOK_S = 1.0
HEARTBEAT_S = 15.0
PAGE = 100
EVENTS = "text/event-stream"

logger = structlog.get_logger(__name__)
router = APIRouter(route_class=StrictRoute, tags=["audit"])


class _Places:
    """Who follows: at most PLACES in all, OWN_PLACES of one participant."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, participant: str) -> None:
        with self._lock:
            if self._taken.total() >= PLACES or self._taken[participant] >= OWN_PLACES:
                raise Busy("As many follow the log as there are places for, in all or for your organisation.")
            self._taken[participant] += 1

    def give_back(self, participant: str) -> None:
        with self._lock:
            self._taken[participant] -= 1


_places = _Places()


@router.get(
    "/audit/stream",
    summary="New entries as they come, as server-sent events (officer)",
    response_class=Response,
    responses={200: {"content": {EVENTS: {"schema": {"type": "string"}}}}},
)
def stream_entries(
    request: Request,
    actor: Actor,
    gateway: Gateway,
    wanted: Wanted,
    after: Annotated[
        int | None, Query(ge=-1, le=2**53 - 1, description="begin behind this index; default: now")
    ] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,16}$")] = None,
) -> StreamingResponse:
    """Each event's `id` is the entry's index, its `data` the entry as `GET /v1/audit/entries` gives it.

    A reader that comes back with `Last-Event-ID` misses nothing. The stream ends when its token does, or its agent is
    suspended. To begin it is an entry; what it shows is not one each.
    """
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    follower = actor.caller.participant.id
    _places.take(follower)
    try:
        actor.look("audit.read", wanted.filter, None)
        with gateway.db.reading_tx() as tx:
            _, head = reader.head(tx, gateway.home.log.verifier)
        begin = head.size - 1 if after is None else after
        if last_event_id is not None:
            begin = int(last_event_id)
        token = request.headers["authorization"].partition(" ")[2]
        return LiveResponse(_events(gateway, token, actor.caller.sees, wanted.filter, begin), follower)
    except BaseException:
        _places.give_back(follower)
        raise


class LiveResponse(StreamingResponse):
    """The events; its place is given back whatever becomes of the connection."""

    def __init__(self, events: AsyncIterator[bytes], follower: str) -> None:
        self._follower = follower
        super().__init__(events, media_type=EVENTS, headers={"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, patient(send))
        except ReaderStalled as problem:
            logger.warning("stream.broken_off", problem=problem.slug)
        finally:
            _places.give_back(self._follower)


async def _events(gateway: Runtime, token: str, seen: str | None, filter: Filter, begin: int) -> AsyncIterator[bytes]:
    at, said, epoch = begin, 0.0, gateway.log.standing.epoch
    # An id without data is no event and is remembered: who is cut off before the first entry misses none either.
    if begin >= 0:
        yield b"id: %d\n\n" % begin
    while True:
        if time.monotonic() - said >= HEARTBEAT_S:
            said = time.monotonic()
            epoch = -1  # whoever reads is asked for again now and then, for its token ends
            yield b": \n\n"
        if gateway.log.standing.epoch != epoch or not gateway.log.alone:
            epoch = gateway.log.standing.epoch
            try:
                await asyncio.to_thread(gateway.directory.verify, token)
            except NotAuthenticated as problem:
                yield _event("end", {"detail": problem.detail})
                return
        try:
            found, size = await asyncio.to_thread(_page, gateway, seen, filter, at)
        except Problem as problem:
            yield _event("end", {"detail": problem.detail})
            return
        for stored in found:
            yield b"id: %d\n" % stored.index + _event("entry", EntryView.of(stored).model_dump())
            at = stored.index
        if len(found) < PAGE:
            at = max(at, size - 1)  # what did not fit is not looked at again
            await asyncio.sleep(LOOK_S)


def _page(gateway: Runtime, seen: str | None, filter: Filter, after: int) -> tuple[list[Stored], int]:
    with gateway.db.reading_tx() as tx:
        _, head = reader.head(tx, gateway.home.log.verifier)
        found = reader.entries(tx, seen_by=seen, filter=filter, before=head.size, after=after, limit=PAGE)
    return found, head.size


def _event(name: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
