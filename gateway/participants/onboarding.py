"""How an organisation comes in and goes out: admitted with its contract key and facts, suspended, reinstated."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, or_, select

from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Outcome, Record
from gateway.crypto.did import check_did, check_kid
from gateway.crypto.errors import DidRefused
from gateway.crypto.keys import PublicKey
from gateway.db import Tx
from gateway.participants.errors import AlreadyAdmitted
from gateway.participants.model import Facts, Kind, Participant
from gateway.participants.tables import ParticipantKeyRow, ParticipantRow
from gateway.problems import Malformed, NotFound, WrongState


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is admitted, with which facts, and the key that signs contracts in its name."""

    id: str
    name: str
    facts: Facts
    kid: str
    key: PublicKey

    def __post_init__(self) -> None:
        check_did(self.id)
        did, _fragment = check_kid(self.kid)
        if did != self.id:
            raise DidRefused("The contract key's id must begin with the participant's own DID and a #.")


def admit(tx: Tx, admission: Admission, deed: Deed) -> Outcome:
    """Admit an organisation. One key belongs to one participant.

    Raises:
        AlreadyAdmitted: the DID, the key id or the key itself is known.
        Malformed: a second operator.
    """
    now = int(deed.at)
    # The log's first entries admit the operator in its own name; a second one would see every tenant's entries.
    if admission.facts.kind is Kind.OPERATOR and deed.actor.org_id != admission.id:
        raise Malformed("A data space has one operator; admit this organisation as what else it is.")
    with tx.session() as session:
        if session.get(ParticipantRow, admission.id) is not None:
            raise AlreadyAdmitted("A participant with this DID is admitted already.")
        same = or_(
            col(ParticipantKeyRow.kid) == admission.kid, col(ParticipantKeyRow.thumbprint) == admission.key.thumbprint
        )
        if session.exec(select(ParticipantKeyRow).where(same)).first() is not None:
            raise AlreadyAdmitted("This contract key is enrolled already. Each participant needs a key of its own.")
        facts = admission.facts.model_dump(mode="json")
        row = ParticipantRow(id=admission.id, name=admission.name, facts=facts, state="active", admitted_at=now)
        session.add(row)
        session.flush()
        session.add(
            ParticipantKeyRow(
                kid=admission.kid,
                participant=admission.id,
                jwk=dict(admission.key.jwk),
                thumbprint=admission.key.thumbprint,
                state="active",
                valid_from=now,
            )
        )
    admitted = deed.event(
        "participant.admitted",
        objects=(Object("participant", admission.id),),
        facts={"kind": admission.facts.kind.value, "country": admission.facts.country},
    )
    enrolled = deed.event(
        "key.enrolled",
        objects=(Object("key", admission.kid),),
        facts={"alg": admission.key.alg, "thumbprint": f"sha-256:{admission.key.thumbprint}"},
    )
    parties = (deed.actor.org_id, admission.id)
    participant = Participant(
        id=admission.id, name=admission.name, facts=admission.facts, state="active", admitted_at=now
    )
    return Outcome((Record(admitted, parties), Record(enrolled, parties)), participant)


def establish(tx: Tx, participant_id: str, facts: Facts, deed: Deed) -> Outcome:
    """Put down what the operator knows of a participant by now. It bites at once: nothing is granted on the old facts.

    The entry names the facts that changed, and not what they are: those stand beside the log, like the first ones.

    Raises:
        NotFound: nobody has this DID. Malformed: it would become the operator, or the operator something else.
    """
    with tx.session() as session:
        row = session.get(ParticipantRow, participant_id)
        if row is None:
            raise NotFound
        before = Facts.model_validate(row.facts)
        if (before.kind is Kind.OPERATOR) != (facts.kind is Kind.OPERATOR):
            raise Malformed("There is one operator, and it stays what it is.")
        changed = sorted(name for name in Facts.model_fields if getattr(before, name) != getattr(facts, name))
        if not changed:
            return Outcome((), facts)
        row.facts = facts.model_dump(mode="json")
        session.add(row)
    state.bump_epoch(tx)
    event = deed.event(
        "participant.verified", objects=(Object("participant", participant_id),), facts={"changed": ",".join(changed)}
    )
    return Outcome((Record(event, tuple(dict.fromkeys((deed.actor.org_id, participant_id)))),), facts)


def suspend(tx: Tx, participant_id: str, deed: Deed) -> Outcome:
    """Take a participant out at once: nothing is granted to it or about its data any more."""
    return _move(tx, participant_id, deed, "active", "suspended", "participant.suspended")


def reinstate(tx: Tx, participant_id: str, deed: Deed) -> Outcome:
    return _move(tx, participant_id, deed, "suspended", "active", "participant.reinstated")


def _move(tx: Tx, participant_id: str, deed: Deed, source: str, target: str, event: str) -> Outcome:
    if participant_id == deed.actor.org_id:
        raise WrongState("The operator cannot suspend itself: nobody could reinstate it.")
    moved = tx.execute("UPDATE participant SET state = ? WHERE id = ? AND state = ?", (target, participant_id, source))
    if moved.rowcount != 1:
        known = tx.execute("SELECT state FROM participant WHERE id = ?", (participant_id,)).fetchone()
        if known is None:
            raise NotFound
        raise WrongState(f"The participant is {known[0]}, not {source}.")
    state.bump_epoch(tx)
    parties = (deed.actor.org_id, participant_id)
    return Outcome((Record(deed.event(event, objects=(Object("participant", participant_id),)), parties),))
