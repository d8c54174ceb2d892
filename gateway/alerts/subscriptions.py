"""Subscriptions: who is told of what, and where. Made and ended in the log's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlmodel import Session, col, select

from gateway.alerts.tables import AlertMessageRow, AlertSubscriptionRow
from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Outcome, Record
from gateway.db import Tx
from gateway.identity.caller import AgentRole
from gateway.ids import uuid7
from gateway.problems import NotFound, WrongState

AlertKind = Literal["refusals.spike", "dataset.first_use", "exports.near", "log.trouble"]
KINDS: Final[tuple[str, ...]] = get_args(AlertKind)
MAY_SUBSCRIBE: Final = (AgentRole.OFFICER, AgentRole.OPERATOR)
MAX_SUBSCRIPTIONS: Final = 10
"""Of one participant at a time."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """`refusals`: how many in a clock hour are a spike; `share`: percent of a threshold of exports that is near it."""

    id: str
    participant: str
    agent: str
    address: str
    kinds: tuple[str, ...]
    refusals: int
    share: int
    state: str
    made_at: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The newest message of a subscription: `state` is due, sent or given_up, `said` what the receiver answered."""

    id: str
    kind: str
    state: str
    attempts: int
    due_at: int
    made_at: int
    said: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to be told of."""

    address: str
    kinds: tuple[str, ...]
    refusals: int
    share: int


def subscribe(tx: Tx, wanted: Wanted, *, size: int, deed: Deed) -> Outcome:
    """Tell this agent of what comes from now on; `size` is the log's. The value is the Subscription.

    Raises:
        WrongState: its participant has as many as it may.
    """
    sql = "SELECT count(*) FROM alert_subscription WHERE participant = ? AND state = 'active'"
    if tx.execute(sql, (deed.actor.org_id,)).fetchone()[0] >= MAX_SUBSCRIPTIONS:
        raise WrongState(f"Your organisation has {MAX_SUBSCRIPTIONS} subscriptions. End one first.")
    row = AlertSubscriptionRow(
        id=f"sub_{uuid7()}",
        participant=deed.actor.org_id,
        agent=deed.actor.user_id,
        address=wanted.address,
        kinds=sorted(set(wanted.kinds)),
        refusals=wanted.refusals,
        share=wanted.share,
        state="active",
        made_at=int(deed.at),
    )
    with tx.session() as session:
        session.add(row)
        session.flush()
        made = _subscription(row)
    tx.execute("INSERT INTO alert_place (subscription, seen) VALUES (?, ?)", (made.id, size))
    facts = {"kinds": ",".join(made.kinds), "refusals": made.refusals, "share": made.share}
    event = deed.event("alert.subscribed", objects=(Object("subscription", made.id),), facts=facts)
    return Outcome((Record(event, (deed.actor.org_id,)),), made)


def end(tx: Tx, subscription: str, participant: str, deed: Deed, *, why: str = "asked") -> Outcome:
    """Tell nobody of this any more; what is still under way is dropped, and the address forgotten.

    Raises:
        NotFound: the participant has no such active subscription.
    """
    sql = (
        "UPDATE alert_subscription SET state = 'ended', address = ''"
        " WHERE id = ? AND participant = ? AND state = 'active'"
    )
    if tx.execute(sql, (subscription, participant)).rowcount != 1:
        raise NotFound
    tx.execute("DELETE FROM alert_message WHERE subscription = ?", (subscription,))
    tx.execute("DELETE FROM alert_place WHERE subscription = ?", (subscription,))
    event = deed.event("alert.ended", objects=(Object("subscription", subscription),), facts={"why": why})
    return Outcome((Record(event, (participant,)),))


def active(session: Session, participant: str | None = None) -> list[Subscription]:
    """Active subscriptions, of one participant or of all, oldest first."""
    query = select(AlertSubscriptionRow).where(AlertSubscriptionRow.state == "active")
    if participant is not None:
        query = query.where(AlertSubscriptionRow.participant == participant)
    return [_subscription(row) for row in session.exec(query.order_by(col(AlertSubscriptionRow.id)))]


def subscription_seen_by(session: Session, participant: str, subscription: str) -> Subscription | None:
    row = session.get(AlertSubscriptionRow, subscription)
    return None if row is None or row.participant != participant or row.state != "active" else _subscription(row)


def newest(session: Session, subscription: str, *, limit: int = 20) -> list[Sent]:
    """What a subscription was told of lately, newest first."""
    query = select(AlertMessageRow).where(
        AlertMessageRow.subscription == subscription, AlertMessageRow.state != "known"
    )
    rows = session.exec(query.order_by(col(AlertMessageRow.id).desc()).limit(limit))
    return [Sent(row.id, row.kind, row.state, row.attempts, row.due_at, row.made_at, row.said) for row in rows]


def _subscription(row: AlertSubscriptionRow) -> Subscription:
    return Subscription(
        id=row.id,
        participant=row.participant,
        agent=row.agent,
        address=row.address,
        kinds=tuple(row.kinds),
        refusals=row.refusals,
        share=row.share,
        state=row.state,
        made_at=row.made_at,
    )
