"""Participants and contract keys, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from gateway.crypto.keys import EnrolledKey, State, screen
from gateway.participants.model import Facts, Participant
from gateway.participants.tables import ParticipantKeyRow, ParticipantRow

_KNOWN: Final[Mapping[str, State]] = {"active": "active", "retired": "retired", "compromised": "compromised"}
"""Keys that are, or were, in use. One that waits or was refused is as none to everybody who verifies."""


@dataclass(frozen=True, slots=True)
class WaitingKey:
    """A key that nobody may rely on yet. `brought_at`: seconds UTC."""

    kid: str
    participant: str
    thumbprint: str
    brought_at: int


def participant(session: Session, participant_id: str) -> Participant | None:
    row = session.get(ParticipantRow, participant_id)
    return None if row is None else _participant(row)


def participants(session: Session, *, after: str = "", limit: int = 100) -> list[Participant]:
    """Admitted organisations in the order of their DIDs, from just behind `after`."""
    query = select(ParticipantRow).where(ParticipantRow.id > after).order_by(ParticipantRow.id).limit(limit)
    return [_participant(row) for row in session.exec(query)]


def keys_of(session: Session, participant_id: str) -> list[EnrolledKey]:
    """Every contract key the participant ever had in use, oldest first."""
    query = select(ParticipantKeyRow).where(ParticipantKeyRow.participant == participant_id)
    query = query.where(col(ParticipantKeyRow.state).in_(_KNOWN))
    rows = session.exec(query.order_by(col(ParticipantKeyRow.valid_from), ParticipantKeyRow.kid))
    return [_key(row) for row in rows]


def in_use(session: Session, participant_id: str) -> EnrolledKey | None:
    """The key that signs in the participant's name now; None after it was marked compromised."""
    query = select(ParticipantKeyRow).where(ParticipantKeyRow.participant == participant_id)
    row = session.exec(query.where(ParticipantKeyRow.state == "active")).one_or_none()
    return None if row is None else _key(row)


def waiting(session: Session, participant_id: str | None = None, *, limit: int = 200) -> list[WaitingKey]:
    """Keys that wait for the operator, of one participant or of all, oldest first."""
    query = select(ParticipantKeyRow).where(ParticipantKeyRow.state == "pending")
    if participant_id is not None:
        query = query.where(ParticipantKeyRow.participant == participant_id)
    rows = session.exec(query.order_by(col(ParticipantKeyRow.valid_from), ParticipantKeyRow.kid).limit(limit))
    return [WaitingKey(row.kid, row.participant, row.thumbprint, row.valid_from) for row in rows]


def signs_contracts(session: Session, thumbprint: str) -> bool:
    """Whether this key is, or ever was, anybody's contract key."""
    query = select(ParticipantKeyRow).where(ParticipantKeyRow.thumbprint == thumbprint)
    return session.exec(query).first() is not None


class StoredKeys:
    """The key registry as a KeyRing: contract keys by their exact key id, from this database only."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lookup(self, kid: str) -> EnrolledKey | None:
        row = self._session.get(ParticipantKeyRow, kid)
        return None if row is None or row.state not in _KNOWN else _key(row)


def _participant(row: ParticipantRow) -> Participant:
    return Participant(
        id=row.id, name=row.name, facts=Facts.model_validate(row.facts), state=row.state, admitted_at=row.admitted_at
    )


def _key(row: ParticipantKeyRow) -> EnrolledKey:
    # Screened again at every reading: a key that was altered at rest is no key.
    public = screen(row.jwk, purpose="contract")
    state = _KNOWN[row.state]
    return EnrolledKey(
        row.kid, row.participant, public, "contract", state, row.valid_from, row.valid_until, row.compromised_since
    )
