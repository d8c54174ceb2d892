"""The rules, for everybody who is asked to keep them: what they are, what they would say, why they said it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

from gateway.access.explain import Explanation, explain, explain_entry
from gateway.access.replay import Report, replay, what_if
from gateway.access.request import AccessRequest
from gateway.acting import Acting
from gateway.api.audit import EntryId, Moment
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import ARCHIVE_BODY, StrictRoute, archive_body
from gateway.audit import reader
from gateway.audit.reader import Filter, Stored
from gateway.identity.caller import AgentRole
from gateway.identity.errors import RoleNeeded
from gateway.policy.archive import opened
from gateway.policy.rules import Rule
from gateway.policy.trial import Trial
from gateway.problems import NotFound, Problem

router = APIRouter(route_class=StrictRoute, tags=["policy"])


class ChangeView(BaseModel):
    kind: Literal["mode", "action", "purpose", "columns", "approval"]
    text: str


class HindranceView(BaseModel):
    code: str = Field(description="the problem's name, as a request would be answered with it")
    title: str
    detail: str


class ExplanationView(BaseModel):
    """The policy's answer with every reason, and what would pass: each list holds changes that pass together."""

    result: Literal["permit", "refer", "deny"]
    bundle: str
    reasons: list[dict[str, Any]]
    obligations: list[dict[str, Any]]
    limits: dict[str, str]
    would_pass: list[list[ChangeView]]
    hindrance: HindranceView | None = Field(
        default=None, description="why a request that the rules permit would not be carried out all the same"
    )
    entry: str = Field(description="the entry that records the question, or the one that was explained")

    @classmethod
    def of(cls, explanation: Explanation, entry: str) -> ExplanationView:
        decision = explanation.decision.model_dump(mode="json")
        changes = [[ChangeView(kind=c.kind, text=c.text) for c in together] for together in explanation.would_pass]
        found = explanation.hindrance
        hindrance = None if found is None else HindranceView(code=found.slug, title=found.title, detail=found.detail)
        return cls(**decision, would_pass=changes, hindrance=hindrance, entry=entry)


@router.get("/policy/rules", summary="Every rule: what it demands, what it can say, its source in law and its remedy")
def rules(_caller: AuthenticatedCaller, gateway: Gateway) -> list[Rule]:
    """Rules of packs that are off are listed too: `active` says which decide."""
    return list(gateway.policies.current.bundle.catalogue)


@router.post("/policy/explain", summary="What would be answered to this request, and what would pass (researcher)")
async def explain_request(
    request: Request, body: AccessRequest, caller: AuthenticatedCaller, gateway: Gateway
) -> ExplanationView:
    """Nothing is granted, refused or counted. The question is an entry of its own, seen by who asked."""
    request_id = request.scope.get("corridor.request_id")
    explanation, recorded = await explain(gateway.broker, caller, body, request_id=request_id)
    return ExplanationView.of(explanation, recorded.ids[0])


@router.get("/policy/decisions/{entry}", summary="Why a recorded decision was made, and what would pass now (officer)")
async def explain_decision(entry: EntryId, actor: Actor, gateway: Gateway) -> ExplanationView:
    """Decided again on the kept input under the kept rules, which the entry pins. The look is an entry."""
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    found = await asyncio.to_thread(_looked_up, entry, actor, gateway)
    explanation = await explain_entry(gateway.db, gateway.policies.current, entry, found.record())
    return ExplanationView.of(explanation, entry)


def _looked_up(entry: str, actor: Actor, gateway: Gateway) -> Stored:
    with gateway.db.reading_tx() as tx:
        found = reader.entry_by_id(tx, entry, seen_by=actor.caller.sees)
    actor.look("audit.read", Filter(), int(found is not None))
    if found is None:
        raise NotFound
    return found


class Span(BaseModel):
    """Which recorded decisions: all that are given must fit. Times are RFC 3339 instants in UTC, half-open."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}},
    )

    since: Moment = None
    until: Moment = None
    participant: str | None = Field(default=None, max_length=255)
    dataset: str | None = Field(default=None, max_length=255)
    contract: str | None = Field(default=None, max_length=255)

    def filter(self) -> Filter:
        return Filter(None, None, self.participant, self.dataset, self.contract, self.since, self.until)


_LINES = "application/x-ndjson"
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line of JSON now and then with how far it is, and at last one with the `report`.",
        "content": {_LINES: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/policy/replay",
    summary="Make recorded decisions again, under the rules that made them (officer)",
    response_class=Response,
    responses=_STREAMED,
)
def replay_decisions(span: Span, actor: Actor, gateway: Gateway) -> StreamingResponse:
    """Each is identical, or the report says which is not and how. Rules run in a process of their own."""
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    actor.look("policy.replayed", span.filter(), None)
    with gateway.trial_place() as held:
        reports = replay(gateway.db, span.filter(), seen_by=actor.caller.sees)
        return ReportResponse(reports, held.pop_all())


@router.post(
    "/policy/what-if",
    summary="Decide recorded requests under a candidate bundle: what would change (operator's officer)",
    response_class=Response,
    responses=_STREAMED,
    openapi_extra=ARCHIVE_BODY,
)
async def try_candidate(
    request: Request, span: Annotated[Span, Query()], actor: Actor, gateway: Gateway
) -> StreamingResponse:
    """Nothing changes: the candidate is tried in a process of its own, with limits. It need not be signed."""
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    if not actor.caller.oversees:
        raise RoleNeeded("Only the operator's officer tries rules on everybody's requests.")
    archive = await archive_body(request)
    return await asyncio.to_thread(_tried, archive, span.filter(), actor, gateway)


def _tried(archive: bytes, filter: Filter, actor: Acting, gateway: Gateway) -> StreamingResponse:
    with gateway.trial_place() as held:
        bundle = opened(archive, None).bundle
        trial = held.enter_context(Trial(bundle.files, bundle.packs))
        actor.look("policy.tried", filter, None)
        return ReportResponse(what_if(gateway.db, trial, filter, seen_by=None), held.pop_all())


class ReportResponse(StreamingResponse):
    """Reports as they grow; what they hold is let go whatever becomes of the connection, also when nobody reads."""

    def __init__(self, reports: Iterator[Report], held: ExitStack) -> None:
        super().__init__(_lines(reports), media_type=_LINES)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.shield(asyncio.to_thread(self._held.close))


def _lines(reports: Iterator[Report]) -> Iterator[bytes]:
    """Progress once a second at most; a failure on the way is the last line, for the head is sent."""
    told, report = 0.0, None
    try:
        for report in reports:
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                yield orjson.dumps({"decided": report.decided, "of": report.total}) + b"\n"
    except Problem as problem:
        yield orjson.dumps({"problem": {"title": problem.title, "detail": problem.detail}}) + b"\n"
        return
    if report is not None:
        yield orjson.dumps({"report": report.as_json()}) + b"\n"
