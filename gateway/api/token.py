"""Tokens (RFC 6749 section 4.4, RFC 7523): a signed assertion in, an access token out. And links to sign in by."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.deps import Actor, Gateway
from gateway.api.wire import StrictRoute
from gateway.audit import event as events
from gateway.audit.deed import Deed
from gateway.audit.event import Object, Reason
from gateway.audit.log import Outcome, Record
from gateway.identity import enrolment, sessions
from gateway.identity.caller import Caller
from gateway.identity.errors import AssertionRefused
from gateway.identity.tokens import ASSERTION_TYPE, TOKEN_LIFE_S, claimed_agent, read_assertion
from gateway.problems import Malformed

router = APIRouter(route_class=StrictRoute, tags=["identity"])


class TokenView(BaseModel):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  a kind of token, no secret
    expires_in: int = TOKEN_LIFE_S


@router.post("/token", summary="Exchange a client assertion for an access token")
def token(
    request: Request,
    gateway: Gateway,
    grant_type: Annotated[str, Form(max_length=100, examples=["client_credentials"])],
    client_assertion_type: Annotated[str, Form(max_length=100, examples=[ASSERTION_TYPE])],
    client_assertion: Annotated[
        str, Form(max_length=8192, examples=["eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhLTAifQ.c2lnbmF0dXJl"])
    ],
) -> TokenView:
    """The assertion: `iss` and `sub` the agent's handle, `aud` the gateway's DID, at most 60 s, `jti` used once."""
    if grant_type != "client_credentials" or client_assertion_type != ASSERTION_TYPE:
        raise Malformed(f"Send grant_type=client_credentials and client_assertion_type={ASSERTION_TYPE}.")
    caller = _proved(gateway, client_assertion, request)
    issued, _jti = gateway.home.tokens.issue(
        agent=caller.agent, participant=caller.participant.id, now=int(gateway.clock())
    )
    return TokenView(access_token=issued)


def _proved(gateway: Gateway, client_assertion: str, request: Request) -> Caller:
    """Whoever holds the key that signed this very assertion, which is used up.

    Raises:
        AssertionRefused: never says which check failed more closely than its text does.
    """
    now = gateway.clock()
    agent = claimed_agent(client_assertion)
    with gateway.db.reading() as session:
        key = enrolment.key_of(session, agent)
        caller = enrolment.caller(session, agent)
    if key is None:
        raise AssertionRefused("The assertion does not verify.")
    request_id = request.scope.get("corridor.request_id")
    try:
        assertion = read_assertion(client_assertion, key=key, audience=gateway.home.did, now=now)
        if caller is None:
            raise AssertionRefused("The agent or its participant is suspended.")
    except AssertionRefused as refusal:
        _record_failure(gateway, agent, refusal, request_id)
        raise
    deed = Deed(enrolment.actor(caller, gateway.home.did), gateway.node, now, request_id)
    gateway.log.record(lambda tx: enrolment.use_assertion(tx, assertion, deed))
    return caller


class SignInLinkBody(BaseModel):
    """A client assertion, as for a token: who only has a token that is over in minutes gets no session of hours."""

    model_config = ConfigDict(extra="forbid")

    client_assertion: str = Field(max_length=8192, examples=["eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhLTAifQ.c2lnbmF0dXJl"])


class SignInLinkView(BaseModel):
    address: str = Field(description="open it in a browser; it lets one person in, once")
    expires_in: int = sessions.LINK_LIFE_S


@router.post("/sign-in-links", status_code=201, summary="A one-time way into the pages, as the agent that asks")
def make_link(body: SignInLinkBody, request: Request, actor: Actor, gateway: Gateway) -> SignInLinkView:
    """Whoever opens the address first acts as this agent, for a working day. It is used up by signing in."""
    if _proved(gateway, body.client_assertion, request).agent != actor.caller.agent:
        raise AssertionRefused("The assertion is another agent's than the token.")
    deed = actor.deed()
    secret = actor.record(lambda tx: sessions.make_link(tx, deed)).value
    return SignInLinkView(address=f"{gateway.home.public_url}/sign-in/{secret}")


def _record_failure(gateway: Gateway, agent: str, refusal: AssertionRefused, request_id: str | None) -> None:
    """One entry for a failed login, but not one for each of a flood: strangers must not be able to fill the log."""
    if not gateway.failures.admit(agent):
        return
    with gateway.db.reading_tx() as tx:
        owner = tx.execute("SELECT participant FROM agent WHERE id = ?", (agent,)).fetchone()[0]
    deed = Deed(events.Actor("unknown", owner), gateway.node, gateway.clock(), request_id)
    event = deed.event(
        "auth.failure", "failure", objects=(Object("agent", agent),), reasons=(Reason(refusal.slug, refusal.title),)
    )
    gateway.log.record(lambda _tx: Outcome((Record(event, (owner,)),)))
