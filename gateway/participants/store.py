"""Participants and contract keys, read and written."""

from __future__ import annotations

from sqlmodel import Session, col, select

from gateway.crypto.keys import EnrolledKey, State, screen
from gateway.participants.model import Facts, Participant
from gateway.participants.tables import ParticipantKeyRow, ParticipantRow


def participant(session: Session, participant_id: str) -> Participant | None:
    row = session.get(ParticipantRow, participant_id)
    return None if row is None else _participant(row)


def participants(session: Session, *, after: str = "", limit: int = 100) -> list[Participant]:
    """Admitted organisations in the order of their DIDs, from just behind `after`."""
    query = select(ParticipantRow).where(ParticipantRow.id > after).order_by(ParticipantRow.id).limit(limit)
    return [_participant(row) for row in session.exec(query)]


def keys_of(session: Session, participant_id: str) -> list[EnrolledKey]:
    """Every contract key the participant ever had, oldest first."""
    query = select(ParticipantKeyRow).where(ParticipantKeyRow.participant == participant_id)
    return [_key(row) for row in session.exec(query.order_by(col(ParticipantKeyRow.valid_from)))]


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
        return None if row is None else _key(row)


def _participant(row: ParticipantRow) -> Participant:
    return Participant(
        id=row.id, name=row.name, facts=Facts.model_validate(row.facts), state=row.state, admitted_at=row.admitted_at
    )


def _key(row: ParticipantKeyRow) -> EnrolledKey:
    # Screened again at every reading: a key that was altered at rest is no key.
    public = screen(row.jwk, purpose="contract")
    state: State = "active" if row.state == "active" else "retired" if row.state == "retired" else "compromised"
    return EnrolledKey(row.kid, row.participant, public, "contract", state, row.valid_from, row.valid_until)
