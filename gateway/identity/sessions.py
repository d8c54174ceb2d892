"""Signing in to the pages: by a one-time link that an agent asks for with its key, or by an outside identity.

Both are known by secrets of 256 bits, kept as SHA-256 alone. A session carries identity, as a token does: roles are
read from enrolment at each use, so that a suspension bites at the next click.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Outcome, Record
from gateway.db import Tx
from gateway.identity import enrolment
from gateway.identity.caller import Caller
from gateway.identity.errors import LinkRefused, OutsideRefused
from gateway.identity.tables import SessionRow, SignInLinkRow
from gateway.problems import WrongState

LINK_LIFE_S: Final = 600
SESSION_LIFE_S: Final = 8 * 3600
"""A working day. Whoever wants less signs out."""
MAX_LINKS: Final = 20
MAX_SESSIONS: Final = 20
"""Of one agent at a time."""
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has begun: the secret its cookie carries, and when it ends in seconds, UTC."""

    secret: str
    expires_at: int


def make_link(tx: Tx, deed: Deed) -> Outcome:
    """A one-time way in for the agent that asks, LINK_LIFE_S long; the value is its secret.

    Raises:
        WrongState: MAX_LINKS links of this agent wait to be used already.
    """
    agent, now = deed.actor.user_id, int(deed.at)
    tx.execute("DELETE FROM sign_in_link WHERE expires_at <= ?", (now,))
    waiting = tx.execute("SELECT count(*) FROM sign_in_link WHERE agent = ?", (agent,)).fetchone()[0]
    if waiting >= MAX_LINKS:
        raise WrongState(f"{MAX_LINKS} sign-in links of this agent wait to be used. Use one, or wait ten minutes.")
    secret = secrets.token_urlsafe(32)
    values = (_digest(secret), agent, now + LINK_LIFE_S)
    tx.execute("INSERT INTO sign_in_link (digest, agent, expires_at) VALUES (?, ?, ?)", values)
    event = deed.event("auth.link_made", objects=(Object("agent", agent),))
    return Outcome((Record(event, (deed.actor.org_id,)),), secret)


def link_owner(session: Session, secret: str, now: float) -> Caller:
    """Whom the link would sign in; it stays usable.

    Raises:
        LinkRefused: used, too old, never made, or its agent is not active. Never says which.
    """
    row = session.get(SignInLinkRow, _digest(secret)) if _SECRET.fullmatch(secret) else None
    owner = None if row is None or row.expires_at <= now else enrolment.caller(session, row.agent, auth_method="link")
    if owner is None:
        raise LinkRefused
    return owner


def begin(tx: Tx, link: str, deed: Deed) -> Outcome:
    """Use a link up and begin a session; the value is what Begun says.

    Raises:
        LinkRefused: somebody used it in the meantime, in whatever process.
    """
    used = tx.execute("DELETE FROM sign_in_link WHERE digest = ? AND agent = ?", (_digest(link), deed.actor.user_id))
    if used.rowcount != 1:
        raise LinkRefused
    return _begun(tx, deed)


def begin_by_identity(tx: Tx, identity: str, deed: Deed) -> Outcome:
    """Begin a session of an agent that connected this outside identity; the value is what Begun says.

    Raises:
        OutsideRefused: it was disconnected in the meantime.
    """
    values = (identity, deed.actor.user_id)
    if tx.execute("SELECT 1 FROM outside_identity WHERE identity = ? AND agent = ?", values).fetchone() is None:
        raise OutsideRefused("This account is not connected to the agent any more.")
    return _begun(tx, deed)


def _begun(tx: Tx, deed: Deed) -> Outcome:
    agent, now = deed.actor.user_id, int(deed.at)
    tx.execute("DELETE FROM web_session WHERE expires_at <= ?", (now,))
    # The oldest make room: whoever forgets to sign out is not shut out.
    tx.execute(
        "DELETE FROM web_session WHERE agent = ? AND digest NOT IN"
        " (SELECT digest FROM web_session WHERE agent = ? ORDER BY expires_at DESC LIMIT ?)",
        (agent, agent, MAX_SESSIONS - 1),
    )
    begun = Begun(secrets.token_urlsafe(32), now + SESSION_LIFE_S)
    values = (_digest(begun.secret), agent, deed.actor.auth_method, begun.expires_at)
    tx.execute("INSERT INTO web_session (digest, agent, method, expires_at) VALUES (?, ?, ?, ?)", values)
    event = deed.event("auth.login", objects=(Object("agent", agent),))
    return Outcome((Record(event, (deed.actor.org_id,)),), begun)


def caller(session: Session, secret: str, now: float) -> Caller | None:
    """Who acts in the session, as enrolment has it now; None when there is none, or its agent is not active."""
    row = session.get(SessionRow, _digest(secret)) if _SECRET.fullmatch(secret) else None
    if row is None or row.expires_at <= now:
        return None
    # The log names a session by the half of its digest that cannot be used for anything.
    named = row.digest[:32]
    return enrolment.caller(session, row.agent, token_id=named, expires_at=row.expires_at, auth_method=row.method)


def end(tx: Tx, secret: str, deed: Deed) -> Outcome:
    """Sign out: the session is gone, in every process."""
    ended = tx.execute("DELETE FROM web_session WHERE digest = ?", (_digest(secret),))
    if ended.rowcount != 1:
        return Outcome(())
    event = deed.event("auth.logout", objects=(Object("agent", deed.actor.user_id),))
    return Outcome((Record(event, (deed.actor.org_id,)),))


def form_token(secret: str) -> str:
    """What every form of this session carries, so that no other site can send one in its name."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def is_form_token(secret: str, token: str) -> bool:
    return hmac.compare_digest(form_token(secret).encode(), token.encode())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
