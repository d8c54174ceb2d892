"""Outside identities: which agent somebody may act as whom a provider vouches for.

An agent connects one itself, signed in by its key. An identity is known by its SHA-256 alone, and may stand for agents
of several participants: whoever signs in chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt
from sqlmodel import Session, col, select

from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Outcome, Record
from gateway.db import Tx
from gateway.identity import enrolment
from gateway.identity.caller import Caller
from gateway.identity.errors import OutsideRefused
from gateway.identity.oidc import Proved
from gateway.identity.tables import OutsideIdentityRow
from gateway.identity.tokens import TokenSigner
from gateway.problems import Conflict, NotFound, WrongState

PROVED_S: Final = 300
"""From what a provider said until the person has chosen."""
MAX_CONNECTED: Final = 10
"""Identities of one agent."""
_TYPE: Final = "corridor-proved+jwt"


@dataclass(frozen=True, slots=True)
class Connected:
    """An identity that an agent connected. `since`: seconds UTC."""

    provider: str
    identity: str
    since: int


def seal(proved: Proved, tokens: TokenSigner, *, session: str, now: int) -> str:
    """What the browser keeps until the person has chosen: signed, short-lived, and of no use for anything else.

    `session`: the digest of the only session that may connect the account; empty to sign in.
    """
    claims = {
        "iss": tokens.gateway,
        "sub": proved.identity,
        "provider": proved.provider,
        "mfa": proved.several_factors,
        "session": session,
        "exp": now + PROVED_S,
    }
    return jwt.encode(claims, tokens.private, algorithm=tokens.public.jwt_alg, headers={"typ": _TYPE})


def unseal(value: str | None, tokens: TokenSigner, *, session: str, now: float) -> Proved:
    """Whom a provider vouched for in this browser just now, for this.

    Raises:
        OutsideRefused: nobody, too long ago, or for the other thing.
    """
    try:
        header = jwt.get_unverified_header(value or "")
        claims: dict[str, Any] = jwt.decode(
            value or "",
            key=tokens.public.key,
            algorithms=[tokens.public.jwt_alg],
            issuer=tokens.gateway,
            options={"require": ["sub", "exp"], "verify_exp": False},
        )
    except jwt.PyJWTError:
        raise OutsideRefused("Nobody was vouched for in this browser. Begin again.") from None
    if header.get("typ") != _TYPE or claims["session"] != session or claims["exp"] <= now:
        raise OutsideRefused("That was too long ago, or for something else. Begin again.")
    return Proved(claims["provider"], claims["sub"], claims["mfa"] is True)


def agents_of(session: Session, proved: Proved, may: Callable[[str], bool]) -> list[Caller]:
    """The agents that this identity may act as now; `may`: for which participants its provider speaks."""
    query = select(OutsideIdentityRow.agent).where(
        OutsideIdentityRow.identity == proved.identity, OutsideIdentityRow.provider == proved.provider
    )
    found = [enrolment.caller(session, agent, auth_method=proved.method) for agent in session.exec(query)]
    return sorted((one for one in found if one and may(one.participant.id)), key=lambda one: one.agent)


def connected(session: Session, agent: str) -> list[Connected]:
    query = select(OutsideIdentityRow).where(OutsideIdentityRow.agent == agent)
    rows = session.exec(query.order_by(col(OutsideIdentityRow.connected_at)))
    return [Connected(row.provider, row.identity, row.connected_at) for row in rows]


def connect(tx: Tx, proved: Proved, deed: Deed) -> Outcome:
    """From now on whoever has this identity may sign in as the agent that asks.

    Raises:
        Conflict: it is connected already. WrongState: MAX_CONNECTED are.
    """
    agent, now = deed.actor.user_id, int(deed.at)
    count = tx.execute("SELECT count(*) FROM outside_identity WHERE agent = ?", (agent,)).fetchone()[0]
    if count >= MAX_CONNECTED:
        raise WrongState(f"{MAX_CONNECTED} ways to sign in are connected. Disconnect one first.")
    made = tx.execute(
        "INSERT INTO outside_identity (identity, agent, provider, connected_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (proved.identity, agent, proved.provider, now),
    )
    if made.rowcount != 1:
        raise Conflict("This account is connected already.")
    return _told(deed, "identity.connected", agent, proved.provider)


def disconnect(tx: Tx, identity: str, deed: Deed) -> Outcome:
    """Nobody signs in as the asking agent by this identity any more; sessions that it began end."""
    agent = deed.actor.user_id
    row = tx.execute(
        "SELECT provider FROM outside_identity WHERE identity = ? AND agent = ?", (identity, agent)
    ).fetchone()
    if row is None:
        raise NotFound
    tx.execute("DELETE FROM outside_identity WHERE identity = ? AND agent = ?", (identity, agent))
    tx.execute("DELETE FROM web_session WHERE agent = ? AND method LIKE 'oidc%'", (agent,))
    return _told(deed, "identity.disconnected", agent, row[0])


def _told(deed: Deed, kind: str, agent: str, provider: str) -> Outcome:
    event = deed.event(kind, objects=(Object("agent", agent),), facts={"provider": provider})
    return Outcome((Record(event, (deed.actor.org_id,)),))
