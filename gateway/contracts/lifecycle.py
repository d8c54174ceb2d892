"""What moves a contract: offer, accept (the gateway drafts), sign, decline, and the passing of time.

Each verb runs in the log's transaction and returns the events that tell it. Who may move what is the table in `states`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.audit.deed import Deed
from gateway.audit.event import Contract as ContractRef
from gateway.audit.event import Object, Reason
from gateway.audit.log import Outcome, Record
from gateway.catalog.store import Dataset
from gateway.contracts import store
from gateway.contracts.envelope import (
    MAX_ENVELOPE,
    MAX_PAYLOAD,
    MAX_URI,
    StatusEntry,
    Target,
    assemble,
    draft,
    parse_payload,
)
from gateway.contracts.errors import (
    ContractRefused,
    ContractTooLarge,
    OfferRefused,
    PartiesRefused,
    SignedAlready,
    TimesRefused,
    TooManyDrafts,
)
from gateway.contracts.sign import countersign
from gateway.contracts.states import TRANSITIONS, Actor, State, advance
from gateway.contracts.status import PLACES
from gateway.contracts.tables import ContractRow, ContractUsageRow, OfferRow
from gateway.contracts.verify import MAX_HEADER, verify_contract, verify_party_entry
from gateway.crypto.canonical import b64url_decode, strict_json
from gateway.crypto.did import MAX_DID
from gateway.crypto.keys import EnrolledKey, KeyRing
from gateway.db import Tx
from gateway.ids import urn
from gateway.participants.store import StoredKeys
from gateway.problems import NotFound, Unavailable, WrongState
from gateway.terms.model import Terms

DRAFT_LIFE_S = 30 * 24 * 3600
MAX_DRAFTS = 300
"""Of one consumer within DRAFT_LIFE_S, as far as nothing came of them."""
TRIES = 1000
"""For a free place: enough while one in a hundred is free."""


@dataclass(frozen=True, slots=True)
class House:
    """The gateway as a party to the form: its DID, where its status list is, and the key it countersigns with.

    `ring`: the public half of that key, and then of every key it ever countersigned with.
    """

    did: str
    status_uri: str
    kid: str
    jwk: Mapping[str, Any]
    ring: tuple[EnrolledKey, ...]

    @property
    def public(self) -> EnrolledKey:
        return self.ring[0]


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key a contract may be signed with: the parties' from the registry, and the gateway's own."""

    parties: KeyRing
    house: tuple[EnrolledKey, ...]

    def lookup(self, kid: str) -> EnrolledKey | None:
        own = next((key for key in self.house if key.kid == kid), None)
        return self.parties.lookup(kid) if own is None else own


def offer(tx: Tx, dataset: Dataset, terms: Terms, consumer: str | None, deed: Deed) -> Outcome:
    """Offer terms for a dataset of one's own; the value is the offer's id.

    Raises:
        OfferRefused: columns the dataset does not publish, a consumer nobody knows, or a term that is over.
    """
    published = {column.name for column in dataset.registration.columns}
    if strangers := sorted(set(terms.columns) - published):
        raise OfferRefused(f"The dataset does not publish the column {strangers[0]!r}; offer published columns only.")
    if terms.persons is not None and dataset.registration.person_column is None:
        raise OfferRefused("The terms count persons, but the dataset declares no `person_column`; leave `persons` out.")
    known = tx.execute("SELECT 1 FROM participant WHERE id = ?", (consumer,)).fetchone()
    if consumer is not None and known is None:
        raise OfferRefused("Nobody with the consumer's DID is admitted; check it, or leave `consumer` out.")
    if terms.valid_to <= deed.at:
        raise OfferRefused("The terms end in the past; set `valid_to` to a later time.")
    _check_can_be_drafted(dataset, terms, consumer, int(deed.at))
    offer_id = urn()
    advance(None, State.OFFERED, Actor.PROVIDER)
    with tx.session() as session:
        session.add(
            OfferRow(
                id=offer_id,
                dataset=dataset.id,
                provider=dataset.provider,
                consumer=consumer,
                terms=terms.model_dump(mode="json"),
                state="open",
                offered_at=int(deed.at),
            )
        )
    parties = (dataset.provider,) if consumer is None else (dataset.provider, consumer)
    event = deed.event("contract.offered", objects=(_dataset(dataset.id), Object("offer", offer_id)))
    return Outcome((Record(event, parties),), offer_id)


def _check_can_be_drafted(dataset: Dataset, terms: Terms, consumer: str | None, now: int) -> None:
    """Refuse what no contract could be made of while its provider can still change it, not when somebody accepts."""
    # Ids as long as they can be stand for those that are not known yet.
    path = f":{'x' * 63}" * 4
    try:
        draft(
            id=urn(),
            gateway=f"did:web:gateway.example{path}"[:MAX_DID],
            provider=dataset.provider,
            consumer=consumer or f"did:web:consumer.example{path}"[:MAX_DID],
            target=Target(id=dataset.id, digest=dataset.governance_version),
            terms=terms,
            status=StatusEntry(idx=PLACES - 1, uri="https://" + "x" * MAX_URI),
            iat=now,
        )
    except ContractTooLarge:
        raise OfferRefused(
            f"A contract of these terms would be over {MAX_PAYLOAD // 1024} KiB; grant fewer columns, or with fewer"
            " duties, and offer the rest by itself."
        ) from None
    except PartiesRefused:
        raise OfferRefused("A provider cannot be its own consumer; name another, or leave `consumer` out.") from None
    except TimesRefused:
        raise OfferRefused("A contract runs for five years at most; set `valid_to` to an earlier time.") from None


def accept(tx: Tx, offer_id: str, dataset: Dataset, consumer: str, house: House, deed: Deed) -> Outcome:
    """Accept an offer as it stands; the gateway drafts the agreement. The value is the contract's id.

    From here on the bytes are fixed: what follows is signing exactly them, or nothing.
    """
    with tx.session() as session:
        found = store.offer_by_id(session, offer_id)
    if found is None or found.consumer not in (None, consumer):
        raise NotFound
    if found.state != "open":
        raise OfferRefused("The offer was withdrawn.")
    _check_stands(tx, found.provider, found.dataset)
    if consumer == found.provider:
        raise OfferRefused("A provider cannot accept its own offer.")
    if found.terms.valid_to <= deed.at:
        raise OfferRefused("The offered term is over; ask the provider for a new offer.")
    _check_concludes_some(tx, consumer, int(deed.at))
    state = advance(advance(State.OFFERED, State.ACCEPTED, Actor.CONSUMER), State.AGREED, Actor.GATEWAY)
    now, contract_id = int(deed.at), urn()
    index = _free_index(tx)
    payload = draft(
        id=contract_id,
        gateway=house.did,
        provider=found.provider,
        consumer=consumer,
        target=Target(id=dataset.id, digest=dataset.governance_version),
        terms=found.terms,
        status=StatusEntry(idx=index, uri=house.status_uri),
        iat=now,
    )
    row = ContractRow(
        id=contract_id,
        provider=found.provider,
        consumer=consumer,
        dataset=dataset.id,
        offer=offer_id,
        state=state.value,
        digest=parse_payload(payload).digest,
        payload=payload,
        entries=[],
        status_index=index,
        drafted_at=now,
        draft_expires_at=min(now + DRAFT_LIFE_S, found.terms.valid_to),
        valid_from=found.terms.valid_from,
        valid_to=found.terms.valid_to,
    )
    reference = ContractRef(contract_id, row.digest, signatures_ok=False)
    with tx.session() as session:
        session.add(row)
    events = [
        deed.event(kind, contract=reference, objects=(_dataset(dataset.id), Object("offer", offer_id)))
        for kind in ("contract.accepted", "contract.agreed")
    ]
    return Outcome(tuple(Record(event, (found.provider, consumer)) for event in events), contract_id)


def sign(tx: Tx, contract_id: str, signer: str, entry: Any, house: House, deed: Deed) -> Outcome:
    """Take one party's signature over the draft. The last one brings the contract into force.

    A signature that does not hold is recorded and refused; the draft goes on waiting. The value is the new state.
    """
    contract = own(tx, contract_id, signer)
    state = contract.state_at(deed.at)
    if State.VERIFIED not in TRANSITIONS[state]:
        raise WrongState(f"The contract is {state}; only a draft that waits for signatures (AGREED) can be signed.")
    _check_stands(tx, contract.provider, contract.dataset)
    parties = (contract.provider, contract.consumer)
    with tx.session() as session:
        keys = Keys(StoredKeys(session), house.ring)
        try:
            signature = verify_party_entry(contract.payload, entry, keys=keys, gateway=house.did, now=int(deed.at))
            if signature.party in signers(contract):
                raise SignedAlready("This party has signed already; one signature counts per party.")
        except ContractRefused as refusal:
            reference = ContractRef(contract.id, contract.digest, signatures_ok=False)
            # The fixed words of the check only: what was sent may hold anything.
            reason = Reason(refusal.slug, refusal.title)
            event = deed.event("contract.signed", "failure", contract=reference, reasons=(reason,))
            return Outcome((Record(event, parties),), problem=refusal)
        entries = [*contract.entries, {"protected": entry["protected"], "signature": entry["signature"]}]
        row = session.get_one(ContractRow, contract.id)
        row.entries = entries
        reference = ContractRef(contract.id, contract.digest)
        facts = {"kid": signature.kid, "alg": signature.alg, "thumbprint": f"sha-256:{signature.thumbprint}"}
        signed = deed.event("contract.signed", contract=reference, facts={**facts, "party": signature.party})
        records = [Record(signed, parties)]
        signed_by = {*signers(contract), signature.party}
        if signed_by == {contract.provider, contract.consumer}:
            now = int(deed.at)
            accepted = countersign(contract.payload, entries, house.jwk, house.kid, iat=now)
            envelope = assemble(contract.payload, [*entries, accepted])
            verified = verify_contract(envelope, keys=keys, gateway=house.did, now=now, check_term=False)
            row.envelope = envelope
            row.state = advance(State.VERIFIED, State.FINALIZED, Actor.GATEWAY).value
            session.add(ContractUsageRow(contract=contract.id, uses=0, rows=0))
            in_force = {f"kid_{i}": s.kid for i, s in enumerate(verified.signatures)}
            prints = {f"thumbprint_{i}": f"sha-256:{s.thumbprint}" for i, s in enumerate(verified.signatures)}
            event = deed.event(
                "contract.activated",
                contract=reference,
                objects=(_dataset(contract.dataset),),
                facts={**in_force, **prints, "governance_version": verified.target_digest},
            )
            records.append(Record(event, parties))
        session.add(row)
        state = State(row.state)
    return Outcome(tuple(records), state)


def decline(tx: Tx, contract_id: str, party: str, deed: Deed) -> Outcome:
    """End a negotiation without a contract."""
    contract = own(tx, contract_id, party)
    target = advance(contract.state_at(deed.at), State.TERMINATED, role(contract, party))
    return moved(tx, contract, target, "contract.terminated", deed)


def withdraw_offer(tx: Tx, offer_id: str, provider: str, deed: Deed) -> Outcome:
    """Nobody can accept the offer any more; contracts made from it stand."""
    sql = "UPDATE offer SET state = 'withdrawn' WHERE id = ? AND provider = ? AND state = 'open'"
    if tx.execute(sql, (offer_id, provider)).rowcount != 1:
        raise NotFound
    return Outcome((Record(deed.event("contract.terminated", objects=(Object("offer", offer_id),)), (provider,)),))


def expire(tx: Tx, deed: Deed) -> Outcome:
    """Write down what time has ended: contracts past their term, drafts nobody signed. At most a hundred at a time."""
    now = int(deed.at)
    sql = (
        "SELECT id FROM contract WHERE (state IN ('FINALIZED', 'SUSPENDED') AND valid_to <= ?)"
        " OR (state = 'AGREED' AND draft_expires_at <= ?) ORDER BY id LIMIT 100"
    )
    records: list[Record] = []
    for (contract_id,) in tx.execute(sql, (now, now)).fetchall():
        contract = own(tx, contract_id, None)
        target = advance(contract.state, contract.state_at(now), Actor.GATEWAY)
        kind = "contract.expired" if target is State.EXPIRED else "contract.terminated"
        records += moved(tx, contract, target, kind, deed).records
    return Outcome(tuple(records), len(records))


def moved(tx: Tx, contract: store.Contract, target: State, event: str, deed: Deed) -> Outcome:
    tx.execute("UPDATE contract SET state = ? WHERE id = ?", (target.value, contract.id))
    reference = ContractRef(contract.id, contract.digest, signatures_ok=contract.envelope is not None)
    told = deed.event(event, contract=reference, objects=(_dataset(contract.dataset),))
    return Outcome((Record(told, (contract.provider, contract.consumer)),), replace(contract, state=target).state)


def own(tx: Tx, contract_id: str, party: str | None) -> store.Contract:
    with tx.session() as session:
        if party is None:
            contract = store.contract_by_id(session, contract_id)
        else:
            contract = store.contract_seen_by(session, party, contract_id)
    if contract is None:
        raise NotFound
    return contract


def role(contract: store.Contract, party: str) -> Actor:
    return Actor.PROVIDER if party == contract.provider else Actor.CONSUMER


def kids(contract: store.Contract) -> set[str]:
    """The ids of the keys that the parties signed with so far."""
    headers = [strict_json(b64url_decode(entry["protected"]), max_bytes=MAX_HEADER) for entry in contract.entries]
    return {header["kid"] for header in headers}


def accepted_at(contract: store.Contract) -> int | None:
    """When the gateway countersigned it, seconds UTC; None while it is a draft."""
    if contract.envelope is None:
        return None
    last = strict_json(contract.envelope, max_bytes=MAX_ENVELOPE)["signatures"][-1]
    accepted: int = strict_json(b64url_decode(last["protected"]), max_bytes=MAX_HEADER)["iat"]
    return accepted


def signers(contract: store.Contract) -> set[str]:
    return {kid.partition("#")[0] for kid in kids(contract)}


def _check_stands(tx: Tx, provider: str, dataset: str) -> None:
    """Nothing new is agreed on what is withdrawn, or with whom is suspended; judged inside the transaction."""
    row = tx.execute("SELECT state FROM participant WHERE id = ?", (provider,)).fetchone()
    if row is None or row[0] != "active":
        raise OfferRefused("The provider is suspended.")
    row = tx.execute("SELECT state FROM dataset WHERE id = ?", (dataset,)).fetchone()
    if row is None or row[0] != "published":
        raise OfferRefused("The dataset is withdrawn.")


def _check_concludes_some(tx: Tx, consumer: str, now: int) -> None:
    """Drafts are for signing: each takes a place in the status list for good, of which there are PLACES for all.

    Raises:
        TooManyDrafts: the consumer made MAX_DRAFTS within the life of one, and nothing came of them.
    """
    sql = "SELECT count(*) FROM contract WHERE consumer = ? AND drafted_at > ? AND state IN (?, ?)"
    pending = (State.AGREED.value, State.TERMINATED.value)
    if tx.execute(sql, (consumer, now - DRAFT_LIFE_S, *pending)).fetchone()[0] >= MAX_DRAFTS:
        raise TooManyDrafts(f"{MAX_DRAFTS} drafts of yours within 30 days came to nothing. Sign those that wait.")


def _free_index(tx: Tx) -> int:
    """A random place in the status list that no contract has: neighbours must say nothing about one another."""
    for _ in range(TRIES):
        index = secrets.randbelow(PLACES)
        if tx.execute("SELECT 1 FROM contract WHERE status_index = ?", (index,)).fetchone() is None:
            return index
    raise Unavailable("The gateway's status list is full, so no further contract can be made.")


def _dataset(dataset_id: str) -> Object:
    return Object("dataset", dataset_id)
