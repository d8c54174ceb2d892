"""The first page: what waits for whoever is signed in."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from gateway.approvals import review
from gateway.contracts import lifecycle, store
from gateway.contracts.states import State
from gateway.identity.caller import AgentRole
from gateway.participants.store import waiting
from gateway.ui.visit import PageRoute, Signed

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
def home(visit: Signed) -> Response:
    """Drafts that wait for a signature of ours, reviews for a vote of mine, keys for the operator."""
    caller, now = visit.acting.caller, visit.gateway.clock()
    own = caller.participant.id
    with visit.gateway.db.reading() as session:
        agreed = store.contracts_seen_by(session, own, state=State.AGREED)
        drafts = [c for c in agreed if c.state_at(now) is State.AGREED and own not in lifecycle.signers(c)]
        reviews = []
        if not caller.roles.isdisjoint(review.MAY_VOTE):
            open_ones = review.reviews_seen_by(session, own, state="open", now=now)
            reviews = [
                one
                for one in open_ones
                if one.provider == own
                and one.requester != caller.agent
                and not any(vote.reviewer == caller.agent for vote in one.votes)
            ]
        keys = waiting(session) if AgentRole.OPERATOR in caller.roles else []
    return visit.page("home.html", drafts=drafts, reviews=reviews, keys=keys)
