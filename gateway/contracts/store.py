"""Offers and contracts as their parties may see them; what is used up of a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from gateway.contracts.envelope import parse_payload
from gateway.contracts.states import State
from gateway.contracts.tables import ContractRow, ContractUsageRow, OfferRow
from gateway.participants.tables import ParticipantKeyRow
from gateway.terms.model import Terms


@dataclass(frozen=True, slots=True)
class Offer:
    """Terms a provider stands by for a dataset; `consumer` None is for whoever may find the dataset."""

    id: str
    dataset: str
    provider: str
    consumer: str | None
    terms: Terms
    state: str
    offered_at: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What was taken of a contract, reservations of running deliveries included."""

    uses: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract or the draft of one. `terms` are read from `payload`, the bytes that are signed."""

    id: str
    provider: str
    consumer: str
    dataset: str
    offer: str
    state: State
    digest: str
    payload: bytes
    entries: tuple[dict[str, str], ...]
    envelope: bytes | None
    terms: Terms
    usage: Usage
    drafted_at: int
    draft_expires_at: int
    suspended_by: tuple[str, ...] = ()

    def state_at(self, now: float) -> State:
        """The state, with the passing of time seen before it is written down."""
        if self.state in (State.FINALIZED, State.SUSPENDED) and now >= self.terms.valid_to:
            return State.EXPIRED
        if self.state is State.AGREED and now >= self.draft_expires_at:
            return State.TERMINATED
        return self.state

    def left(self) -> dict[str, int]:
        """What may still be taken, for every limit the contract has."""
        limits = {"uses": self.terms.uses, "rows": self.terms.rows}
        return {name: max(0, limit - getattr(self.usage, name)) for name, limit in limits.items() if limit is not None}


def offer_by_id(session: Session, offer_id: str) -> Offer | None:
    row = session.get(OfferRow, offer_id)
    return None if row is None else _offer(row)


def offers_seen_by(session: Session, participant: str, *, dataset: str | None = None) -> list[Offer]:
    """Offers the participant made, or that are open to it, newest first. Who may find the dataset is judged above."""
    open_to = or_(col(OfferRow.consumer).is_(None), col(OfferRow.consumer) == participant)
    query = select(OfferRow).where(
        or_(col(OfferRow.provider) == participant, open_to & (col(OfferRow.state) == "open"))
    )
    if dataset is not None:
        query = query.where(OfferRow.dataset == dataset)
    return [_offer(row) for row in session.exec(query.order_by(col(OfferRow.id).desc()).limit(500))]


def offered_purposes(session: Session, participant: str, now: float) -> dict[str, set[str]]:
    """Purposes that are offered to this participant now, by dataset."""
    purposes: dict[str, set[str]] = {}
    open_to = or_(col(OfferRow.consumer).is_(None), col(OfferRow.consumer) == participant)
    for row in session.exec(select(OfferRow).where(OfferRow.state == "open", open_to)):
        if row.terms["valid_to"] > now:
            purposes.setdefault(row.dataset, set()).update(row.terms["purposes"])
    return purposes


def contract_by_id(session: Session, contract_id: str) -> Contract | None:
    """The contract whoever asks; for the gateway's own decisions, never for an answer."""
    row = session.get(ContractRow, contract_id)
    return None if row is None else _contract(row, session.get(ContractUsageRow, contract_id))


def contract_seen_by(session: Session, participant: str, contract_id: str) -> Contract | None:
    """The contract, if the participant is a party to it; a stranger's contract and none at all look the same."""
    # Asked of the database, so that a stranger's contract costs what none at all costs: nothing of it is read.
    ours = or_(col(ContractRow.provider) == participant, col(ContractRow.consumer) == participant)
    row = session.exec(select(ContractRow).where(ContractRow.id == contract_id, ours)).one_or_none()
    return None if row is None else _contract(row, session.get(ContractUsageRow, contract_id))


def contracts_seen_by(
    session: Session, participant: str, *, state: State | None = None, before: str | None = None, limit: int = 50
) -> list[Contract]:
    """The participant's contracts and drafts, newest first."""
    query = select(ContractRow, ContractUsageRow).join(
        ContractUsageRow, col(ContractUsageRow.contract) == col(ContractRow.id), isouter=True
    )
    query = query.where(or_(col(ContractRow.provider) == participant, col(ContractRow.consumer) == participant))
    if state is not None:
        query = query.where(ContractRow.state == state.value)
    if before is not None:
        query = query.where(ContractRow.id < before)
    rows = session.exec(query.order_by(col(ContractRow.id).desc()).limit(limit))
    return [_contract(row, usage) for row, usage in rows]


def contracts_of(session: Session, participant: str, states: Sequence[State]) -> list[Contract]:
    """All the participant's contracts and drafts in these states, oldest first. For the gateway's own decisions."""
    query = select(ContractRow).where(
        or_(col(ContractRow.provider) == participant, col(ContractRow.consumer) == participant)
    )
    query = query.where(col(ContractRow.state).in_([state.value for state in states])).order_by(col(ContractRow.id))
    return [_contract(row, None) for row in session.exec(query)]


def contracts_on(session: Session, participant: str, dataset: str, *, limit: int = 200) -> list[Contract]:
    """The participant's contracts and drafts on a dataset, newest first."""
    query = select(ContractRow, ContractUsageRow).join(
        ContractUsageRow, col(ContractUsageRow.contract) == col(ContractRow.id), isouter=True
    )
    query = query.where(or_(col(ContractRow.provider) == participant, col(ContractRow.consumer) == participant))
    rows = session.exec(query.where(ContractRow.dataset == dataset).order_by(col(ContractRow.id).desc()).limit(limit))
    return [_contract(row, usage) for row, usage in rows]


def compromised_keys(session: Session, contracts: Sequence[Contract]) -> frozenset[str]:
    """Ids of the parties' keys that are marked compromised, whichever contracts they signed."""
    parties = {party for contract in contracts for party in (contract.provider, contract.consumer)}
    query = select(ParticipantKeyRow.kid).where(col(ParticipantKeyRow.participant).in_(parties))
    return frozenset(session.exec(query.where(ParticipantKeyRow.state == "compromised")))


def _offer(row: OfferRow) -> Offer:
    terms = Terms.model_validate(row.terms)
    return Offer(row.id, row.dataset, row.provider, row.consumer, terms, row.state, row.offered_at)


def _contract(row: ContractRow, usage: ContractUsageRow | None) -> Contract:
    entries: Any = row.entries
    return Contract(
        id=row.id,
        provider=row.provider,
        consumer=row.consumer,
        dataset=row.dataset,
        offer=row.offer,
        state=State(row.state),
        digest=row.digest,
        payload=bytes(row.payload),
        entries=tuple(entries),
        envelope=None if row.envelope is None else bytes(row.envelope),
        terms=parse_payload(bytes(row.payload)).terms,
        usage=Usage() if usage is None else Usage(usage.uses, usage.rows),
        drafted_at=row.drafted_at,
        draft_expires_at=row.draft_expires_at,
        suspended_by=tuple(row.suspensions or ()),
    )
