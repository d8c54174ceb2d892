"""Signing in by a provider outside: to it, back from it, and as whom; and which accounts an agent connected.

The way back is another site's navigation, on which a browser sends no SameSite=Strict cookie. So it changes nothing: it
leaves, sealed, who was vouched for, and leads on to a page of ours, where the person says what to do with it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from starlette.responses import RedirectResponse

from gateway.audit import event as events
from gateway.audit.deed import Deed
from gateway.audit.event import Reason
from gateway.audit.log import Outcome, Record
from gateway.identity import enrolment, outside, sessions
from gateway.identity.errors import OutsideRefused
from gateway.identity.oidc import MAX_CODE, Flow, Proved, Provider
from gateway.problems import NotFound, Problem
from gateway.ui.entrance import begun, request_id
from gateway.ui.visit import Anyone, PageRoute, Posted, SentHere, Signed, Visit, cookie_prefix, is_secure

router = APIRouter(route_class=PageRoute, include_in_schema=False)

FLOW_S: Final = 600
SEE_OTHER: Final = 303

ProviderId = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,32}$")]


@router.get("/sign-in/with/{provider}")
def leave(provider: ProviderId, visit: Anyone) -> Response:
    """To the provider."""
    return _leaving(visit, provider, session="")


@router.get("/sign-in/with/{provider}/back")
def back(
    provider: ProviderId,
    visit: Anyone,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=MAX_CODE)] = "",
    iss: Annotated[str | None, Query(max_length=500)] = None,
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Back from it."""
    gateway, known = visit.gateway, _known(visit, provider)
    flow = Flow.of_cookie(visit.request.cookies.get(_name(visit, "flow"), ""))
    try:
        if flow is None:
            raise OutsideRefused("This browser did not ask for it, or too long ago. Begin again.")
        if error or not code:
            raise OutsideRefused("The provider, or you there, stopped it. Nothing has changed.")
        returned = _address(visit, provider)
        proved = gateway.providers.finish(
            known, flow, state=state, code=code, iss=iss, back=returned, now=gateway.clock()
        )
    except Problem as refusal:
        _record_failure(visit, known, refusal)
        raise
    sealed = outside.seal(proved, gateway.home.tokens, session=flow.session, now=int(gateway.clock()))
    answer = visit.page("sign_in_back.html", onward="/account" if flow.session else "/sign-in/as")
    _keep(visit, answer, "proved", sealed, outside.PROVED_S, "strict")
    _forget(visit, answer, "flow")
    return answer


@router.get("/sign-in/as")
def choose(visit: Anyone) -> Response:
    """As whom: the agents that this account was connected to."""
    proved, provider = _proved(visit, session="")
    with visit.gateway.db.reading() as session:
        agents = outside.agents_of(session, proved, provider.speaks_for)
    return visit.page("sign_in_as.html", agents=agents, provider=provider)


@router.post("/sign-in/as")
def begin(visit: SentHere, agent: Annotated[str, Form(max_length=64)]) -> Response:
    """Begin the session."""
    gateway = visit.gateway
    proved, provider = _proved(visit, session="")
    with gateway.db.reading() as session:
        agents = {one.agent: one for one in outside.agents_of(session, proved, provider.speaks_for)}
    if agent not in agents:
        raise OutsideRefused("This account is not connected to that agent, or the agent is not active.")
    actor = enrolment.actor(agents[agent], gateway.home.did)
    deed = Deed(actor, gateway.node, gateway.clock(), request_id(visit.request))
    answer = begun(visit, gateway.log.record(lambda tx: sessions.begin_by_identity(tx, proved.identity, deed)).value)
    _forget(visit, answer, "proved")
    return answer


@router.get("/account")
def account(visit: Signed) -> Response:
    """Ways to sign in as this agent."""
    return _account(visit)


@router.get("/account/connect/{provider}")
def leave_to_connect(provider: ProviderId, visit: Signed) -> Response:
    """To the provider, to connect an account there with the agent that is signed in."""
    _need_key(visit)
    return _leaving(visit, provider, session=_session(visit))


@router.post("/account/connect")
def connect(visit: Posted) -> Response:
    """Connect the account that a provider vouched for in this browser."""
    acting = visit.acting
    _need_key(visit)
    proved, provider = _proved(visit, session=_session(visit))
    if not provider.speaks_for(acting.caller.participant.id):
        raise OutsideRefused("This provider does not speak for your organisation's people.")
    deed = acting.deed()
    acting.record(lambda tx: outside.connect(tx, proved, deed))
    answer = visit.go("/account")
    _forget(visit, answer, "proved")
    return answer


@router.post("/account/disconnect")
def disconnect(visit: Posted, identity: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")]) -> Response:
    """Nobody signs in by that account any more."""
    acting = visit.acting
    deed = acting.deed()
    acting.record(lambda tx: outside.disconnect(tx, identity, deed))
    return visit.go("/account")


def _account(visit: Visit) -> Response:
    caller, gateway = visit.acting.caller, visit.gateway
    with gateway.db.reading() as session:
        connected = outside.connected(session, caller.agent)
    waiting = None
    if visit.request.cookies.get(_name(visit, "proved")):
        try:
            waiting = _proved(visit, session=_session(visit))[1]
        except Problem:
            waiting = None  # of another flow, or too old: the page is good without it
    return visit.page(
        "account.html",
        connected=[(one, _called(visit, one.provider)) for one in connected],
        offered=[one for one in gateway.providers if one.speaks_for(caller.participant.id)],
        waiting=waiting,
        may_connect=caller.auth_method == "link",
    )


def _need_key(visit: Visit) -> None:
    """An account is connected by who signed in with the agent's key: else one that was stolen would bring others."""
    if visit.acting.caller.auth_method != "link":
        raise OutsideRefused("To connect an account, sign in by a one-time link, which your agent's key makes.")


def _session(visit: Visit) -> str:
    """Which session this is, without what its cookie carries."""
    return hashlib.sha256(b"connect " + (visit.secret or "").encode()).hexdigest()


def _leaving(visit: Visit, id: str, *, session: str) -> Response:
    provider = _known(visit, id)
    flow, address = visit.gateway.providers.begin(provider, back=_address(visit, id), session=session)
    answer = RedirectResponse(address, SEE_OTHER)
    _keep(visit, answer, "flow", flow.to_cookie(), FLOW_S, "lax")
    return answer


def _known(visit: Visit, id: str) -> Provider:
    found = visit.gateway.providers.get(id)
    if found is None:
        raise NotFound
    return found


def _called(visit: Visit, id: str) -> str:
    found = visit.gateway.providers.get(id)
    return id if found is None else found.name


def _proved(visit: Visit, *, session: str) -> tuple[Proved, Provider]:
    gateway = visit.gateway
    sealed = visit.request.cookies.get(_name(visit, "proved"))
    proved = outside.unseal(sealed, gateway.home.tokens, session=session, now=gateway.clock())
    return proved, _known(visit, proved.provider)


def _address(visit: Visit, provider: str) -> str:
    return f"{visit.gateway.home.public_url}/sign-in/with/{provider}/back"


def _name(visit: Visit, what: str) -> str:
    return f"{cookie_prefix(visit.gateway)}corridor-{what}"


def _keep(visit: Visit, answer: Response, what: str, value: str, age_s: int, same_site: Any) -> None:
    answer.set_cookie(
        _name(visit, what),
        value,
        max_age=age_s,
        httponly=True,
        secure=is_secure(visit.gateway),
        samesite=same_site,
        path="/",
    )


def _forget(visit: Visit, answer: Response, what: str) -> None:
    answer.delete_cookie(_name(visit, what), path="/", secure=is_secure(visit.gateway), httponly=True)


def _record_failure(visit: Visit, provider: Provider, refusal: Problem) -> None:
    """One entry for a failed sign-in, but not one for each of a flood."""
    gateway = visit.gateway
    if not gateway.failures.admit(f"provider {provider.id}"):
        return
    operator = gateway.home.operator
    deed = Deed(events.Actor("unknown", operator), gateway.node, gateway.clock(), request_id(visit.request))
    reason = Reason(refusal.slug, refusal.title)
    event = deed.event("auth.failure", "failure", reasons=(reason,), facts={"provider": provider.id})
    gateway.log.record(lambda _tx: Outcome((Record(event, (operator,)),)))
