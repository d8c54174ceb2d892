"""For those who run it: does it work, who watches the log, which rules decide, and which may one day."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from gateway import readiness
from gateway.audit import reader
from gateway.identity.caller import AgentRole
from gateway.policy import shadows
from gateway.policy.archive import MAX_ARCHIVE_BYTES
from gateway.policy.store import activations
from gateway.problems import Malformed, Problem
from gateway.ui import forms
from gateway.ui.visit import Posted, Signed, UploadRoute, Visit

router = APIRouter(route_class=UploadRoute, include_in_schema=False)

SHOWN: Final = 20


@router.get("/health")
async def health(visit: Signed) -> Response:
    """Each part is tried now, not remembered."""
    return await _shown(visit)


@router.post("/health/bundles")
async def bundle(visit: Posted) -> Response:
    """Make a signed bundle the active one, or evaluate it beside the active one; if it passes."""
    visit.acting.caller.need(AgentRole.OPERATOR)
    given = await visit.request.form()
    try:
        archive = await forms.file(given, "file", most=MAX_ARCHIVE_BYTES)
        if not archive:
            raise Malformed("Choose the bundle's file, as `corridor policy build` writes it.")
        await asyncio.to_thread(_tried, visit, archive, beside=given.get("do") == "shadow")
    except Problem as problem:
        return await _shown(visit, problem)
    return visit.go("/health")


@router.post("/health/shadow/end")
def end_shadow(visit: Posted) -> Response:
    """Take the candidate away; what it saw stays readable."""
    visit.acting.caller.need(AgentRole.OPERATOR)
    visit.gateway.shadow.end(visit.acting.deed())
    return visit.go("/health")


def _tried(visit: Visit, archive: bytes, *, beside: bool) -> None:
    gateway, deed = visit.gateway, visit.acting.deed()
    with gateway.trial_place():
        candidate = gateway.opened(archive)
        if beside:
            gateway.lifecycle.examine(candidate.bundle)
            gateway.shadow.begin(candidate, deed)
        else:
            gateway.lifecycle.activate(candidate, deed)


async def _shown(visit: Visit, problem: Problem | None = None) -> Response:
    caller, gateway = visit.acting.caller, visit.gateway
    caller.need(AgentRole.OPERATOR)
    parts = await readiness.parts(gateway)

    def rest() -> Response:
        with gateway.db.reading_tx() as tx:
            _, head = reader.head(tx, gateway.home.log.verifier)
            active, shadow = activations(tx, most=SHOWN), shadows.seen(tx, most=SHOWN)
        view: dict[str, Any] = {
            "parts_of_it": parts,
            "good": readiness.GOOD,
            "size": head.size,
            "origin": gateway.home.origin,
            "vkey": str(gateway.home.log.verifier),
            "witnesses": gateway.collector.policy,
            "standing": gateway.log.standing.bundle,
            "activations": active,
            "shadow": shadow,
            "problem": problem,
        }
        return visit.page("health.html", status=200 if problem is None else problem.status, **view)

    return await asyncio.to_thread(rest)
