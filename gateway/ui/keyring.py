"""An organisation's contract keys for people: which wait for the operator, and what a lost one stops."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response

from gateway import lostkey
from gateway.contracts import in_force, lifecycle
from gateway.identity.caller import AgentRole, Caller
from gateway.participants import contract_keys, store
from gateway.problems import Malformed, NotFound, Problem
from gateway.ui.render import organisation_page
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MANAGES: Final = (AgentRole.ADMIN, AgentRole.OPERATOR)

Did = Annotated[str, Path(max_length=255)]
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$")]


@router.get("/organisations/{participant}/keys/{name}/compromised")
def ask(participant: Did, name: Name, visit: Signed) -> Response:
    """What taking a key out would stop, before anybody does it."""
    return _asked(visit, participant, name)


@router.post("/organisations/{participant}/keys/{name}/compromised")
def compromise(
    participant: Did, name: Name, visit: Posted, since: Annotated[str, Form(max_length=20)] = ""
) -> Response:
    """Once this is answered nothing is granted on what the key signed since, in any process."""
    acting, house = visit.acting, visit.gateway.contract_house
    kid = _kid(acting.caller, participant, name)
    deed = acting.deed()
    try:
        moment = _moment(since)
        acting.record(lambda tx: lostkey.compromise(tx, kid, moment, house, deed))
    except NotFound:
        raise
    except Problem as problem:
        return _asked(visit, participant, name, problem)
    return visit.go(organisation_page(participant))


# Behind `compromised`, whose address this one would take.
@router.post("/organisations/{participant}/keys/{name}/{verb}")
def answer(
    participant: Did, name: Name, verb: Annotated[str, Path(pattern="^(approve|refuse)$")], visit: Posted
) -> Response:
    """Let a key that waits in, or turn it away (operator)."""
    acting = visit.acting
    acting.caller.need(AgentRole.OPERATOR)
    change = {"approve": contract_keys.approve, "refuse": contract_keys.refuse}[verb]
    deed = acting.deed()
    acting.record(lambda tx: change(tx, f"{participant}#{name}", deed))
    return visit.go(organisation_page(participant))


def _asked(visit: Visit, participant: str, name: str, problem: Problem | None = None) -> Response:
    kid = _kid(visit.acting.caller, participant, name)
    with visit.gateway.db.reading() as session:
        key = store.StoredKeys(session).lookup(kid)
        signed = in_force.standing_on(session, kid, visit.gateway.clock())
    if key is None:
        raise NotFound
    return visit.page(
        "key_compromised.html",
        status=200 if problem is None else problem.status,
        key=key,
        contracts=[(contract, lifecycle.accepted_at(contract)) for contract in signed],
        problem=problem,
    )


def _kid(caller: Caller, participant: str, name: str) -> str:
    caller.need(*MANAGES)
    if AgentRole.OPERATOR not in caller.roles and participant != caller.participant.id:
        raise NotFound
    return f"{participant}#{name}"


def _moment(since: str) -> int | None:
    """Seconds UTC of a minute, exactly as a browser's field sends it; None when it was left empty."""
    if not since:
        return None
    try:
        moment = int(datetime.strptime(since, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise Malformed("Give the time as the page does: a day and a time, UTC.") from None
    if moment < 0:
        raise Malformed("Give a time as the page does, after 1970.")
    return moment
