"""Alerts for people: who is told of what, and whether it arrived."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response

from gateway.alerts import subscriptions
from gateway.alerts.address import check_form
from gateway.alerts.subscriptions import KINDS, MAY_SUBSCRIBE, Subscription, Wanted
from gateway.audit import reader
from gateway.crypto.webhook import public_text
from gateway.problems import Malformed, NotFound, Problem
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SubscriptionId = Annotated[str, Path(max_length=64)]


@router.get("/alerts")
def alerts(visit: Signed) -> Response:
    """Our subscriptions with their newest messages, and a form for another."""
    return _shown(visit)


@router.post("/alerts")
def subscribe(
    visit: Posted,
    address: Annotated[str, Form(max_length=500)] = "",
    kinds: Annotated[list[str] | None, Form(max_length=10)] = None,
    refusals: Annotated[int, Form(ge=1, le=100_000)] = 20,
    share: Annotated[int, Form(ge=1, le=100)] = 80,
) -> Response:
    """Be told from now on; what cannot be is said beside the form, with what was typed."""
    acting, gateway = visit.acting, visit.gateway
    acting.caller.need(*MAY_SUBSCRIBE)
    chosen = tuple(kind for kind in kinds or () if kind in KINDS)
    try:
        check_form(address, gateway.alerts.allowed)
        if not chosen:
            raise Malformed("Choose what to be told of.")
        wanted, deed = Wanted(address, chosen, refusals, share), acting.deed()
        with gateway.db.reading_tx() as tx:
            _, head = reader.head(tx, gateway.home.log.verifier)
        acting.record(lambda tx: subscriptions.subscribe(tx, wanted, size=head.size, deed=deed))
    except Problem as problem:
        return _shown(visit, address=address, chosen=chosen, problem=problem)
    return visit.go("/alerts")


@router.post("/alerts/{subscription}/test")
def test(subscription: SubscriptionId, visit: Posted) -> Response:
    """Send a message that is only a test."""
    visit.acting.caller.need(*MAY_SUBSCRIBE)
    visit.gateway.alerts.test(_own(visit, subscription), visit.acting.deed())
    return visit.go("/alerts")


@router.post("/alerts/{subscription}/end")
def end(subscription: SubscriptionId, visit: Posted) -> Response:
    """Be told no more."""
    acting = visit.acting
    acting.caller.need(*MAY_SUBSCRIBE)
    deed = acting.deed()
    acting.record(lambda tx: subscriptions.end(tx, subscription, acting.caller.participant.id, deed))
    return visit.go("/alerts")


def _shown(
    visit: Visit, *, address: str = "", chosen: tuple[str, ...] = (), problem: Problem | None = None
) -> Response:
    caller = visit.acting.caller
    caller.need(*MAY_SUBSCRIBE)
    with visit.gateway.db.reading() as session:
        found = subscriptions.active(session, caller.participant.id)
        sent = {one.id: subscriptions.newest(session, one.id, limit=5) for one in found}
    return visit.page(
        "alerts.html",
        status=200 if problem is None else problem.status,
        subscriptions=found,
        sent=sent,
        kinds=KINDS,
        address=address,
        chosen=chosen,
        problem=problem,
        keys=[public_text(key) for key in visit.gateway.alerts.keys],
    )


def _own(visit: Visit, subscription: str) -> Subscription:
    with visit.gateway.db.reading() as session:
        own = visit.acting.caller.participant.id
        found = subscriptions.subscription_seen_by(session, own, subscription)
    if found is None:
        raise NotFound
    return found
