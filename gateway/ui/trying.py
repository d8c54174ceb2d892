"""Rules tried for people: recorded decisions made again, or made under rules that may decide one day.

The page comes as the work goes on, so that how far it is can be seen without script.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Final

import orjson
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.access.replay import Report, replay, what_if
from gateway.audit.reader import Filter
from gateway.identity.caller import AgentRole
from gateway.identity.errors import RoleNeeded
from gateway.policy.archive import MAX_ARCHIVE_BYTES, opened
from gateway.policy.trial import Trial
from gateway.problems import Malformed, Problem, first_complaint
from gateway.ui import forms
from gateway.ui.visit import Posted, Signed, UploadRoute, Visit

router = APIRouter(route_class=UploadRoute, include_in_schema=False)

MARK: Final = "<!-- report -->"
"""Where in the page its own part comes; the templates' comments do not reach it."""

_TIME: Final = r"^(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?)?$"


class Span(BaseModel):
    """Which recorded decisions: all that is given must fit."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[str, Field(pattern=_TIME)] = ""
    until: Annotated[str, Field(pattern=_TIME)] = ""
    dataset: Annotated[str, Field(max_length=255)] = ""
    contract: Annotated[str, Field(max_length=255)] = ""

    def filter(self) -> Filter:
        return Filter(**{name: value or None for name, value in self.model_dump().items()})


@router.get("/rules/try")
def begin(visit: Signed) -> Response:
    """The form: which decisions, and under which rules."""
    return _form(visit, FormData())


@router.post("/rules/try")
async def run(visit: Posted) -> Response:
    """Make them again; with a bundle, under its rules. Nothing changes by it, and the look is an entry."""
    given = await visit.request.form()
    archive = await forms.file(given, "file", most=MAX_ARCHIVE_BYTES)
    try:
        return await asyncio.to_thread(_tried, visit, given, archive)
    except Problem as problem:
        return await asyncio.to_thread(_form, visit, given, problem)


def _form(visit: Visit, given: FormData, problem: Problem | None = None) -> Response:
    caller = visit.acting.caller
    caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    status = 200 if problem is None else problem.status
    return visit.page("trial.html", status=status, given=given, may_try=caller.oversees, problem=problem, mark=None)


def _tried(visit: Visit, given: FormData, archive: bytes) -> Response:
    acting, gateway = visit.acting, visit.gateway
    acting.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    if archive and not acting.caller.oversees:
        raise RoleNeeded("Only the operator's officer tries rules on everybody's requests.")
    try:
        filter = Span.model_validate({name: forms.text(given, name) for name in Span.model_fields}).filter()
    except ValidationError as error:
        raise Malformed(first_complaint(error, whole="the span")) from error
    with gateway.trial_place() as held:
        if archive:
            bundle = opened(archive, None).bundle
            trial = held.enter_context(Trial(bundle.files, bundle.packs))
            acting.look("policy.tried", filter, None)
            reports = what_if(gateway.db, trial, filter, seen_by=None)
        else:
            acting.look("policy.replayed", filter, None)
            reports = replay(gateway.db, filter, seen_by=acting.caller.sees)
        return GrowingPage(visit, given, reports, held.pop_all(), candidate=bool(archive))


class GrowingPage(StreamingResponse):
    """A page whose report is put in when it is there. What it holds is let go whatever becomes of the connection."""

    def __init__(
        self, visit: Visit, given: FormData, reports: Iterator[Report], held: ExitStack, *, candidate: bool
    ) -> None:
        self._held = held
        page = visit.text("trial.html", given=given, may_try=candidate, problem=None, mark=MARK)
        super().__init__(_pieces(visit, page, reports, candidate), media_type="text/html", headers=visit.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.shield(asyncio.to_thread(self._held.close))


def _pieces(visit: Visit, page: str, reports: Iterator[Report], candidate: bool) -> Iterator[str]:
    """How far it is, once a second at most; the page's head is sent, so a failure is said in its place."""
    before, _, after = page.partition(MARK)
    yield before
    told, report = 0.0, None
    try:
        for report in reports:
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                yield visit.text("_trial_step.html", report=report)
        if report is not None:
            raw = orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode()
            yield visit.text("_trial_report.html", report=report, candidate=candidate, raw=raw, problem=None)
    except Problem as problem:
        yield visit.text("_trial_report.html", report=None, candidate=candidate, raw="", problem=problem)
    yield after
