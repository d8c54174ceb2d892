"""What people decide: reviews that two of a committee vote on, and approvals as their issuers signed them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from gateway.access.explain import shown_to_committee
from gateway.approvals import recording, review, store
from gateway.approvals.document import MEDIA_TYPE
from gateway.approvals.review import MAY_VOTE, Review
from gateway.approvals.store import Recorded
from gateway.audit.reader import Filter
from gateway.catalog.store import dataset_by_id
from gateway.crypto.signed import MAX_SIGNED
from gateway.identity.caller import AgentRole
from gateway.problems import Malformed, NotFound, Problem
from gateway.ui import forms
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 25
STATES: Final = ("open", "approved", "refused", "lapsed")

Id = Annotated[str, Path(max_length=100)]
Before = Annotated[str, Query(max_length=100)]


@router.get("/reviews")
def reviews(
    visit: Signed, state: Annotated[str, Query(pattern=r"^(open|approved|refused|lapsed)?$")] = "", before: Before = ""
) -> Response:
    """What our committee decides, and what became of requests of ours that were referred; newest first."""
    caller, now = visit.acting.caller, visit.gateway.clock()
    with visit.gateway.db.reading() as session:
        found = review.reviews_seen_by(
            session, caller.participant.id, now=now, state=state or None, before=before or None, limit=PAGE + 1
        )
    shown, kept = found[:PAGE], f"/reviews?state={state}"
    return visit.page(
        "reviews.html",
        reviews=[(one, one.state_at(now), any(v.reviewer == caller.agent for v in one.votes)) for one in shown],
        states=STATES,
        state=state,
        older=f"{kept}&before={shown[-1].id}" if len(found) > PAGE else None,
        newest=kept if before else None,
    )


@router.get("/reviews/{review_id}")
async def one(review_id: Id, visit: Signed) -> Response:
    """The question; for the committee what the rules said, and on what, and the form to vote by."""
    return await _shown(visit, review_id)


@router.post("/reviews/{review_id}/vote")
async def vote(review_id: Id, visit: Posted) -> Response:
    """Take a vote that was signed in the page or elsewhere. Neither reviewer sees the other's first."""
    acting = visit.acting
    acting.caller.need(*MAY_VOTE)
    given = str((await visit.request.form()).get("entry", "")).encode()
    deed = acting.deed()
    try:
        await asyncio.to_thread(
            acting.record, lambda tx: review.vote(tx, review_id, given[: MAX_SIGNED + 1], acting.caller, deed)
        )
    except NotFound:
        raise
    except Problem as problem:
        return await _shown(visit, review_id, problem)
    return visit.go(f"/reviews/{review_id}")


@router.get("/approvals")
def approvals(visit: Signed, before: Before = "") -> Response:
    """Ethics approvals, permits, assessments and committees' decisions that concern us, newest first."""
    return _approvals(visit, before)


@router.post("/approvals")
async def record(visit: Posted) -> Response:
    """Record what an issuer signed, handed in as a file."""
    acting, house = visit.acting, visit.gateway.home.did
    content = await forms.file(await visit.request.form(), "file", most=MAX_SIGNED)
    deed = acting.deed()
    try:
        if not content:
            raise Malformed("Choose the file that the issuer signed.")
        change = partial(recording.record, envelope=content, caller=acting.caller, gateway=house, deed=deed)
        await asyncio.to_thread(acting.record, change)
    except Problem as problem:
        return await asyncio.to_thread(_approvals, visit, "", problem)
    return visit.go("/approvals")


@router.get("/approvals/{approval}/envelope")
def envelope(approval: Id, visit: Signed) -> Response:
    """The signed approval, to keep and to verify anywhere."""
    with visit.gateway.db.reading() as session:
        found = store.approval_seen_by(session, visit.acting.caller.participant.id, approval)
    if found is None:
        raise NotFound
    headers = {"content-disposition": 'attachment; filename="approval.json"'}
    return Response(found.envelope, media_type=MEDIA_TYPE, headers=headers)


@router.post("/approvals/{approval}/withdraw")
def withdraw(approval: Id, visit: Posted) -> Response:
    """Once this is answered, nothing that needs it is granted."""
    acting = visit.acting
    acting.caller.need(*recording.MAY_WITHDRAW, AgentRole.OPERATOR)
    deed = acting.deed()
    acting.record(lambda tx: recording.withdraw(tx, approval, acting.caller, deed))
    return visit.go("/approvals")


async def _shown(visit: Visit, review_id: str, problem: Problem | None = None) -> Response:
    acting, gateway, now = visit.acting, visit.gateway, visit.gateway.clock()
    caller = acting.caller

    def looked_up() -> tuple[Review, dict[str, str]]:
        with gateway.db.reading() as session:
            found = review.review_seen_by(session, caller.participant.id, review_id)
            dataset = None if found is None else dataset_by_id(session, found.question.dataset)
        if found is None:
            raise NotFound
        columns = () if dataset is None else dataset.registration.columns
        return found, {column.name: column.description for column in columns}

    found, described = await asyncio.to_thread(looked_up)
    committee = found.provider == caller.participant.id and not caller.roles.isdisjoint(MAY_VOTE)
    reasons: list[dict[str, Any]] | None = None
    document: dict[str, Any] | None = None
    if committee:
        await asyncio.to_thread(acting.look, "audit.read", Filter(contract=found.question.contract), 1)
        reasons, document = await shown_to_committee(gateway.db, gateway.policies.current, found.question)
    view: dict[str, Any] = {
        "status": 200 if problem is None else problem.status,
        "review": found,
        "question": found.question,
        "payload": found.question.as_bytes().decode(),
        "state": found.state_at(now),
        "votes": found.votes_shown_to(caller.agent, now),
        "described": described,
        "committee": committee,
        "voted": any(one.reviewer == caller.agent for one in found.votes),
        "asked": found.requester == caller.agent,
        "reasons": reasons,
        "input": None if document is None else orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(),
        "problem": problem,
    }
    return await asyncio.to_thread(partial(visit.page, "review.html", **view))


def _approvals(visit: Visit, before: str, problem: Problem | None = None) -> Response:
    caller, now = visit.acting.caller, visit.gateway.clock()
    with visit.gateway.db.reading() as session:
        found = store.approvals_seen_by(
            session, caller.participant.id, dataset=None, before=before or None, limit=PAGE + 1
        )
    shown = found[:PAGE]
    return visit.page(
        "approvals.html",
        status=200 if problem is None else problem.status,
        approvals=[(one, one.state_at(now), _may_withdraw(visit, one)) for one in shown],
        problem=problem,
        older=f"/approvals?before={shown[-1].id}" if len(found) > PAGE else None,
        newest="/approvals" if before else None,
    )


def _may_withdraw(visit: Visit, approval: Recorded) -> bool:
    caller = visit.acting.caller
    if approval.state != "recorded":
        return False
    own = approval.issuer == caller.participant.id and not caller.roles.isdisjoint(recording.MAY_WITHDRAW)
    return own or AgentRole.OPERATOR in caller.roles
