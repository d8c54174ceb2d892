"""How a participant's contract key changes: brought by its owner, approved, refused, or marked compromised.

One key is in use at a time. A new one that the one in use endorses takes its place at once, and the old one is
retired: what it signed stands, it signs nothing new. Without endorsement the new key waits for the operator. A key
marked compromised leaves at once, and its owner brings another. Each verb runs in the log's transaction.
"""

from __future__ import annotations

from typing import Final

from sqlmodel import Session, col, func, or_, select

from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.event import Object, Reason
from gateway.audit.log import Outcome, Record
from gateway.crypto.errors import KeyRequestRefused
from gateway.crypto.keyrequest import endorsed_by, replaced_by, verify_request
from gateway.db import Tx
from gateway.participants.errors import AlreadyAdmitted, TooManyKeysWait
from gateway.participants.store import in_use, waiting
from gateway.participants.tables import ParticipantKeyRow
from gateway.problems import Malformed, NotFound, Problem, WrongState

MAX_WAITING: Final = 5
MAX_A_DAY: Final = 10
MAX_KEYS: Final = 200
"""Of one participant, ever: each is kept for those who verify what it signed."""
DAY_S: Final = 24 * 3600
DRAFT_S: Final = 30 * DAY_S
"""How long a draft lives that the old key has signed already, and that its other party may still bring into force."""


def bring(tx: Tx, data: bytes, gateway: str, deed: Deed) -> Outcome:
    """A participant brings a key: in use at once if the present one endorses it, else it waits. The value is its kid.

    `data`: what `sign_request` makes. One that does not hold is recorded and refused.

    Raises:
        KeyRequestRefused, KeyRefused: it does not hold, or is of another participant than the caller's.
        AlreadyAdmitted: the key or its id is, or was, somebody's. TooManyKeysWait: MAX_WAITING wait already.
    """
    owner, now = deed.actor.org_id, int(deed.at)
    with tx.session() as session:
        present = in_use(session, owner)
        try:
            brought = verify_request(data, gateway=gateway, present=present, now=now)
            if brought.content.participant != owner:
                raise KeyRequestRefused("a participant brings keys of its own only")
        except Problem as refusal:
            # The fixed words of the check only: what was sent may hold anything.
            reason = Reason(refusal.slug, refusal.title)
            event = deed.event("key.requested", "failure", reasons=(reason,), objects=(Object("participant", owner),))
            return Outcome((Record(event, (owner,)),), problem=refusal)
        content = brought.content
        same = or_(
            col(ParticipantKeyRow.kid) == content.kid, col(ParticipantKeyRow.thumbprint) == brought.public.thumbprint
        )
        if session.exec(select(ParticipantKeyRow).where(same)).first() is not None:
            raise AlreadyAdmitted("This key, or one of this id, is known already. Make a new one under a new id.")
        _check_room(session, owner, now)
        if not brought.endorsed and len(waiting(session, owner)) >= MAX_WAITING:
            raise TooManyKeysWait(f"{MAX_WAITING} keys wait for the operator. Ask it to approve or refuse them first.")
        row = ParticipantKeyRow(
            kid=content.kid,
            participant=owner,
            jwk=dict(brought.public.jwk),
            thumbprint=brought.public.thumbprint,
            state="pending",
            valid_from=now,
            request=brought.data,
        )
        session.add(row)
        records = [_record("key.requested", row, deed, alg=brought.public.alg, endorsed=brought.endorsed)]
        if brought.endorsed:
            records += _put_in_use(session, row, deed)
    return Outcome(tuple(records), content.kid)


def approve(tx: Tx, kid: str, deed: Deed) -> Outcome:
    """The operator, who knows by another way who brought it, puts a key that waits in use.

    Raises:
        NotFound: nobody has such a key. WrongState: it does not wait, or is to replace a key that another has replaced
            since: whoever brought it did not know of that one.
    """
    with tx.session() as session:
        row = _waiting(session, kid)
        present = in_use(session, row.participant)
        if present is not None and present.kid != replaced_by(row.request or b""):
            raise WrongState(
                f"It is to replace another key than {present.kid}, which is in use. Have a new one brought."
            )
        records = _put_in_use(session, row, deed)
    return Outcome(tuple(records), kid)


def refuse(tx: Tx, kid: str, deed: Deed) -> Outcome:
    """The operator turns a key that waits away. The key and its id are used up."""
    with tx.session() as session:
        row = _waiting(session, kid)
        row.state = "refused"
        session.add(row)
        record = _record("key.refused", row, deed)
    return Outcome((record,), kid)


def compromise(tx: Tx, kid: str, since: int | None, deed: Deed) -> Outcome:
    """Take a key out at once, and those it let in since, and those they did. The value is their kids.

    `since`: seconds UTC from when on it may have been in other hands; what was accepted before stands. None: nothing
    does. The time can be moved back later, never forward. Of a key that it endorsed since, nothing stands: whoever had
    the one may have brought the other. What the operator let in stays.

    Raises:
        NotFound: nobody has such a key. WrongState: it was never in use, or is marked with such a time already.
        Malformed: a time to come.
    """
    if since is not None and since > deed.at:
        raise Malformed("`since` lies in the future; give a time that has come, or leave it out.")
    with tx.session() as session:
        row = _known(session, kid)
        if row.state in ("pending", "refused"):
            raise WrongState(f"The key is {row.state}: nothing that counts was ever signed with it.")
        if row.state == "compromised" and (row.compromised_since or 0) <= (since or 0):
            raise WrongState("The key is marked compromised already, since the same time or an earlier one.")
        records, taken = [], list[str]()
        owned = select(ParticipantKeyRow).where(ParticipantKeyRow.participant == row.participant)
        others = [other for other in session.exec(owned).all() if other.state in ("active", "retired")]
        due: list[tuple[ParticipantKeyRow, int | None, str]] = [(row, since, "compromised")]
        while due:
            lost, moment, why = due.pop()
            lost.state, lost.compromised_since = "compromised", moment
            session.add(lost)
            taken.append(lost.kid)
            records.append(_record("key.revoked", lost, deed, why=why, since=moment))
            for other in others:
                let_in = other.request is not None and endorsed_by(other.request) == lost.kid
                if let_in and other.kid not in taken and other.valid_from >= (moment or 0):
                    due.append((other, None, "endorsed-by-compromised"))
    state.bump_epoch(tx)
    return Outcome(tuple(records), taken)


def _put_in_use(session: Session, row: ParticipantKeyRow, deed: Deed) -> list[Record]:
    """The key takes the place of the one in use, if there is one: no two are at any moment.

    Others that wait are refused: whoever brought them did not know of this one.
    """
    now = int(deed.at)
    query = select(ParticipantKeyRow).where(ParticipantKeyRow.participant == row.participant)
    old = session.exec(query.where(ParticipantKeyRow.state == "active")).one_or_none()
    if old is not None:
        old.state, old.valid_until = "retired", now + DRAFT_S
        session.add(old)
    row.state, row.valid_from = "active", now
    session.add(row)
    kind = "key.enrolled" if old is None else "key.replaced"
    records = [_record(kind, row, deed, old=None if old is None else old.kid)]
    waits = query.where(ParticipantKeyRow.state == "pending", ParticipantKeyRow.kid != row.kid)
    for other in session.exec(waits.order_by(ParticipantKeyRow.kid)).all():
        other.state = "refused"
        session.add(other)
        records.append(_record("key.refused", other, deed, why="another-in-use"))
    return records


def _check_room(session: Session, owner: str, now: int) -> None:
    count = select(func.count()).where(ParticipantKeyRow.participant == owner)
    if session.exec(count).one() >= MAX_KEYS:
        raise TooManyKeysWait(f"A participant has {MAX_KEYS} keys in all. Ask the operator what to do.")
    if session.exec(count.where(ParticipantKeyRow.valid_from > now - DAY_S)).one() >= MAX_A_DAY:
        raise TooManyKeysWait(f"{MAX_A_DAY} keys were brought within a day. Wait until tomorrow.")


def _known(session: Session, kid: str) -> ParticipantKeyRow:
    row = session.get(ParticipantKeyRow, kid)
    if row is None:
        raise NotFound
    return row


def _waiting(session: Session, kid: str) -> ParticipantKeyRow:
    row = _known(session, kid)
    if row.state != "pending":
        raise WrongState(f"The key is {row.state}; only one that waits is approved or refused.")
    return row


def _record(type: str, row: ParticipantKeyRow, deed: Deed, **facts: str | int | bool | None) -> Record:
    told = {name: value for name, value in facts.items() if value is not None}
    event = deed.event(
        type,
        objects=(Object("key", row.kid), Object("participant", row.participant)),
        facts={"thumbprint": f"sha-256:{row.thumbprint}", **told},
    )
    return Record(event, (row.participant, deed.actor.org_id))
