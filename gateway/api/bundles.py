"""Bundles: which were active, making another one so while the gateway runs, and trying one beside it."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from gateway.acting import Acting
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import ARCHIVE_BODY, StrictRoute, archive_body
from gateway.audit.reader import Filter
from gateway.identity.caller import AgentRole
from gateway.identity.errors import RoleNeeded
from gateway.policy import shadows
from gateway.policy.store import activations

LISTED = 200
SHOWN = 100

router = APIRouter(route_class=StrictRoute, tags=["policy"])


class ActivationView(BaseModel):
    """One time that a bundle became the active one."""

    digest: str = Field(description="as each decision names it")
    active: bool = Field(description="whether it decides now")
    activated_at: int = Field(description="seconds, UTC")
    origin: Literal["folder", "operator"] = Field(description="the gateway's folder at a start, or an operator")
    revision: str = Field(description="what its manifest says")
    signed_by: str | None = Field(description="the name of the key; null for the folder, which nobody signs")


class ActivatedView(BaseModel):
    digest: str
    before: str
    entry: str | None = Field(description="the entry that records it; null if it was the active one already")


@router.get("/policy/bundles", summary="The bundles that were activated, newest first")
def list_bundles(_caller: AuthenticatedCaller, gateway: Gateway) -> list[ActivationView]:
    with gateway.db.reading_tx() as tx:
        found = activations(tx, most=LISTED)
    views = [ActivationView(**{name: getattr(each, name) for name in each.__slots__}, active=False) for each in found]
    # The newest time that the active one became so; an older one of the same bundle is over.
    for view in views:
        if view.digest == gateway.log.standing.bundle:
            view.active = True
            break
    return views


@router.post(
    "/policy/bundles",
    summary="Make a signed bundle the active one, if it passes (operator)",
    openapi_extra=ARCHIVE_BODY,
)
async def activate_bundle(request: Request, actor: Actor, gateway: Gateway) -> ActivatedView:
    """It is verified, read strictly, checked, runs its own tests and answers to the newest requests, in processes of
    its own; what fails changes nothing. From the entry on no grant commits under another bundle, in any process."""
    actor.caller.need(AgentRole.OPERATOR)
    archive = await archive_body(request)
    return await asyncio.to_thread(_activated, archive, actor, gateway)


def _activated(archive: bytes, actor: Acting, gateway: Gateway) -> ActivatedView:
    with gateway.trial_place():
        found = gateway.lifecycle.activate(gateway.opened(archive), actor.deed())
    return ActivatedView(digest=found.digest, before=found.before, entry=found.entry)


class ResultCount(BaseModel):
    before: str = Field(description="what was answered")
    after: str = Field(description="what the candidate would have answered")
    count: int


class RuleCount(BaseModel):
    code: str
    change: Literal["gone", "new"]
    count: int


class OtherwiseView(BaseModel):
    """A decision that the candidate would have made otherwise."""

    entry: str
    before: str
    after: str
    gone: list[str] = Field(description="codes of the answer that the candidate would not have given")
    new: list[str] = Field(description="codes that only the candidate would have given")


class ShadowView(BaseModel):
    """A candidate beside the active bundle, and what it saw since it started."""

    state: Literal["off", "running", "ended"]
    digest: str | None = None
    revision: str | None = None
    started_at: int | None = Field(default=None, description="seconds, UTC")
    ended_at: int | None = None
    why: str | None = Field(default=None, description="why it ended, where no operator ended it")
    same: int = 0
    different: int = 0
    unanswered: int = Field(default=0, description="the candidate gave no answer, or its process broke")
    dropped: int = Field(default=0, description="came while too much waited, or was too large; never asked")
    results: list[ResultCount] = []
    rules: list[RuleCount] = []
    differences: list[OtherwiseView] = []


@router.get("/policy/shadow", summary="What the candidate beside the active bundle saw (operator's officer)")
def show_shadow(actor: Actor, gateway: Gateway) -> ShadowView:
    """With the newest decisions that would have been others, by entry. The look is an entry."""
    actor.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    if not actor.caller.oversees:
        raise RoleNeeded("Only the operator's officer sees what a candidate says to everybody's requests.")
    shown = _shadow(gateway)
    actor.look("audit.read", Filter(), len(shown.differences))
    return shown


@router.post(
    "/policy/shadow",
    summary="Evaluate a signed candidate beside the active bundle, on live requests (operator)",
    openapi_extra=ARCHIVE_BODY,
)
async def begin_shadow(request: Request, actor: Actor, gateway: Gateway) -> ShadowView:
    """It passes the same checks as one that is activated. Nobody's answer changes or waits; what an earlier candidate
    saw is forgotten."""
    actor.caller.need(AgentRole.OPERATOR)
    archive = await archive_body(request)
    return await asyncio.to_thread(_begun, archive, actor, gateway)


@router.delete("/policy/shadow", summary="Take the candidate away (operator)")
def end_shadow(actor: Actor, gateway: Gateway) -> ShadowView:
    """What it saw stays readable until another one begins."""
    actor.caller.need(AgentRole.OPERATOR)
    gateway.shadow.end(actor.deed())
    return _shadow(gateway)


def _begun(archive: bytes, actor: Acting, gateway: Gateway) -> ShadowView:
    with gateway.trial_place():
        candidate = gateway.opened(archive)
        gateway.lifecycle.examine(candidate.bundle)
        gateway.shadow.begin(candidate, actor.deed())
    return _shadow(gateway)


def _shadow(gateway: Gateway) -> ShadowView:
    with gateway.db.reading_tx() as tx:
        found = shadows.seen(tx, most=SHOWN)
    if found is None:
        return ShadowView(state="off")
    counts = sorted(found.counts.items())
    return ShadowView(
        state="running" if found.ended_at is None else "ended",
        digest=found.digest,
        revision=found.revision,
        started_at=found.started_at,
        ended_at=found.ended_at,
        why=found.why,
        **{name: count for (what, name, _), count in counts if what == "asked"},
        results=[ResultCount(before=b, after=a, count=n) for (what, b, a), n in counts if what == "result"],
        rules=[
            RuleCount.model_validate({"code": code, "change": change, "count": n})
            for (what, code, change), n in counts
            if what == "rule"
        ],
        differences=[
            OtherwiseView(entry=d.entry, before=d.before, after=d.after, gone=list(d.gone), new=list(d.new))
            for d in found.differences
        ],
    )
