"""On what ground an access stands: contract, parties, dataset and agent as of now, and the policy's input of them."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlmodel import Session

from gateway.access.errors import ContractNotInForce, GroundGone
from gateway.access.exports import Exports, Shown, exports, year_of
from gateway.access.request import AccessRequest
from gateway.approvals.store import Approvals, Held, as_policy_input
from gateway.audit.event import Contract as ContractShown
from gateway.audit.event import Legal, Object
from gateway.audit.state import Standing, standing
from gateway.catalog import store as catalog
from gateway.catalog.store import Dataset
from gateway.contracts import store as contracts
from gateway.contracts.errors import ContractRefused
from gateway.contracts.lifecycle import Keys
from gateway.contracts.states import STATUS, State
from gateway.contracts.verify import VerifiedContract, verify_contract
from gateway.crypto.keys import EnrolledKey
from gateway.db import Database, Tx
from gateway.identity.caller import Caller
from gateway.identity.enrolment import caller as enrolled_caller
from gateway.participants.model import Participant
from gateway.participants.store import StoredKeys, participant
from gateway.policy.document import Document, Part, composed, part
from gateway.problems import NotFound
from gateway.terms.purposes import purpose_facts

REMEMBERED = 1024
ASKING = 64
"""Callers whose facts one ground keeps ready; a ground lives for seconds."""
FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What was true under `standing`. Signatures were judged when the bytes were first met; the rest is as of now."""

    contract: VerifiedContract
    state: State
    provider: Participant
    consumer: Participant
    dataset: Dataset
    approvals: tuple[Held, ...]
    exports: Exports
    standing: Standing
    read_at: float
    contract_shown: ContractShown = field(init=False, repr=False, compare=False)
    dataset_shown: Object = field(init=False, repr=False, compare=False)
    """Contract and dataset as entries of the log show them."""
    _parts: dict[str, Part] = field(init=False, repr=False, compare=False)
    _asking: dict[str, tuple[Caller, dict[str, Part]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The same for every request on this ground, and costly to make.
        parts = {
            "provider": part("provider", self.provider.as_policy_input()),
            "dataset": part("dataset", self.dataset.registration.as_policy_input(self.dataset.id)),
            "contract": part("contract", self.contract.as_policy_input(STATUS[self.state])),
            "approvals": part("approvals", as_policy_input(self.approvals)),
            "exports": part("exports", self.exports.as_policy_input()),
        }
        governance = self.dataset.registration.governance
        shown = Object(
            "dataset",
            self.dataset.id,
            version=self.dataset.governance_version,
            classification=f"{governance.classification.scheme}:{governance.classification.level}",
            hgr=governance.hgr is not None and governance.hgr.information,
            persons_band=_band(governance.persons),
        )
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_asking", {})
        object.__setattr__(self, "contract_shown", ContractShown(self.contract.id, self.contract.digest))
        object.__setattr__(self, "dataset_shown", shown)

    @property
    def ends(self) -> int:
        """When something that a delivery may stand on ends by itself, seconds UTC."""
        return min([self.contract.exp, *(approval.valid_to for approval in self.approvals)])

    def legal(self, purpose: str, now: float) -> Legal | None:
        """The approvals that cover a purpose now, for the entry: the newest of each group that it shows."""
        newest = {
            approval.group: approval.id
            for approval in self.approvals
            if purpose in approval.shown["purposes"] and approval.shown["valid_from"] <= now < approval.valid_to
        }
        names = {"ethics": "ethics_ref", "hgr": "hgr_ref", "export": "export_ref", "permit": "permit_ref"}
        refs = {names[group]: approval for group, approval in newest.items() if group in names}
        return Legal(**refs) if refs else None

    def document(self, caller: Caller, request: AccessRequest, *, purpose: dict[str, Any], now: int) -> Document:
        """The policy's input. Facts about parties and places come from enrolment; the request gives what it asks."""
        facts = caller.participant.facts
        asked = {
            "action": request.action,
            "mode": request.mode,
            "purpose": purpose,
            "processing_location": caller.location,
            "recipient_overseas": facts.country != "CN" or facts.overseas_entity,
            "columns": list(request.columns),
            "group_by": list(request.group_by),
            "filter_columns": sorted(filter_columns(request.filter)),
            "filter_digest": None if request.filter is None else filter_digest(request.filter),
            "months": request.months,
            "accepts": request.accepts.model_dump(),
            "collaboration_ref": request.collaboration_ref,
            "project": request.project,
            "research_types": list(request.research_types),
        }
        return composed(
            {
                **self._parts,
                **self._parts_of(caller),
                "context": part("context", {"now": now}),
                "request": part("request", asked),
            }
        )

    def _parts_of(self, caller: Caller) -> dict[str, Part]:
        """Who asks: the same for every request with one token, as long as enrolment was not read again."""
        known = self._asking.get(caller.token_id)
        if known is None or known[0] is not caller:
            if len(self._asking) >= ASKING:
                self._asking.clear()
            parts = {
                "participant": part("participant", caller.participant.as_policy_input()),
                "user": part("user", caller.as_policy_input()),
            }
            known = self._asking[caller.token_id] = (caller, parts)
        return known[1]


class Grounds:
    """Grounds by contract, remembered while nothing was revoked. Envelopes are verified once, by their digest.

    `keys`: every key that this gateway ever countersigned with.
    """

    def __init__(self, db: Database, *, gateway: str, keys: tuple[EnrolledKey, ...]) -> None:
        self._db = db
        self._gateway = gateway
        self._keys = keys
        self._known: OrderedDict[str, Ground] = OrderedDict()
        self._contracts: OrderedDict[tuple[bytes, int], VerifiedContract] = OrderedDict()
        self._approvals = Approvals(gateway)

    def remembered(self, contract_id: str, caller: Caller, now_standing: Standing, *, now: int) -> Ground | None:
        """The ground, if it was read under what stands now, and lately. Costs a look-up."""
        ground = self._known.get(contract_id)
        if ground is None or ground.standing != now_standing or time.monotonic() - ground.read_at > FRESH_S:
            return None
        if ground.exports.year != year_of(now):
            return None
        # A stranger takes the way to the database, as with an id that never was: no faster, no slower.
        return ground if caller.participant.id in (ground.contract.provider, ground.contract.consumer) else None

    def read(self, contract_id: str, caller: Caller, *, now: int) -> Ground:
        """The ground from the database. Blocks.

        Raises:
            NotFound: no such contract, or the caller's participant is no party to it.
            ContractNotInForce: it is a draft, or its negotiation ended.
        """
        with self._db.reading_tx() as tx:
            stands = standing(tx)
            with tx.session() as session:
                ground = self._ground(tx, session, contract_id, caller, stands, now)
        _remember(self._known, contract_id, ground)
        return ground

    def still_stands(self, ground: Ground, caller: Caller, *, now: int) -> bool:
        """Whether a running delivery may go on as it was decided: nothing it stands on was taken away. Blocks.

        False: approvals or facts of the parties are not what they were, so the policy has to be asked again.

        Raises:
            GroundGone: contract, party, agent or dataset is not what it was. DatabaseAway: it cannot be told.
        """
        if now >= ground.contract.exp:
            raise GroundGone("The contract's term ended while data was being delivered.")
        with self._db.reading_tx() as tx:
            epoch = standing(tx).epoch
            if epoch == ground.standing.epoch and now < ground.ends:
                return True
            with tx.session() as session:
                approvals = self._held(session, ground.contract, epoch, now)
                contract = contracts.contract_by_id(session, ground.contract.id)
                dataset = catalog.dataset_by_id(session, ground.dataset.id)
                provider = participant(session, ground.provider.id)
                agent = enrolled_caller(session, caller.agent)
        if contract is None or contract.state_at(now) is not State.FINALIZED:
            raise GroundGone("The contract was ended while data was being delivered.")
        if dataset is None or dataset.state != "published":
            raise GroundGone("The dataset was withdrawn while data was being delivered.")
        if provider is None or not provider.active or agent is None:
            raise GroundGone("A party or the agent was suspended while data was being delivered.")
        as_they_were = provider.facts == ground.provider.facts and agent.participant.facts == ground.consumer.facts
        return as_they_were and approvals == ground.approvals

    def caller(self, agent: str) -> Caller:
        """Who the agent is now, by the database. Blocks.

        Raises:
            GroundGone: the agent or its participant is suspended.
        """
        with self._db.reading() as session:
            found = enrolled_caller(session, agent)
        if found is None:
            raise GroundGone("The agent was suspended while data was being delivered.")
        return found

    def _ground(self, tx: Tx, session: Session, contract_id: str, caller: Caller, stands: Standing, now: int) -> Ground:
        found = contracts.contract_seen_by(session, caller.participant.id, contract_id)
        if found is None:
            raise NotFound
        state = found.state_at(now)
        if found.envelope is None or state not in STATUS:
            raise ContractNotInForce(f"The contract is {state.value}; it is in force once both parties have signed it.")
        try:
            contract = self._verified(session, found, stands.epoch, now)
        except ContractRefused as refusal:
            raise ContractNotInForce(f"The contract's signatures do not hold any more: {refusal.detail}.") from refusal
        provider, consumer = participant(session, contract.provider), participant(session, contract.consumer)
        dataset = catalog.dataset_by_id(session, contract.target_id)
        if provider is None or consumer is None or dataset is None:
            raise NotFound
        if not provider.active or dataset.state != "published":
            raise ContractNotInForce("The contract's dataset is withdrawn, or its provider is suspended.")
        approvals = self._held(session, contract, stands.epoch, now)
        exported = exports(tx, shown_abroad(contract, dataset), now=now)
        return Ground(contract, state, provider, consumer, dataset, approvals, exported, stands, time.monotonic())

    def _held(self, session: Session, contract: VerifiedContract, epoch: int, now: int) -> tuple[Held, ...]:
        return self._approvals.held(
            session,
            contract=contract.id,
            dataset=contract.target_id,
            provider=contract.provider,
            recipient=contract.consumer,
            epoch=epoch,
            now=now,
        )

    def _verified(self, session: Session, found: contracts.Contract, epoch: int, now: int) -> VerifiedContract:
        if found.envelope is None:
            raise NotFound
        # A key that turns out compromised moves the epoch, so what was judged before is judged again.
        known = (hashlib.sha256(found.envelope).digest(), epoch)
        contract = self._contracts.get(known)
        if contract is None:
            keys = Keys(StoredKeys(session), self._keys)
            contract = verify_contract(found.envelope, keys=keys, gateway=self._gateway, now=now, check_term=False)
            _remember(self._contracts, known, contract)
        # The row is an index: it must name the very bytes that were signed.
        if contract.id != found.id or contract.digest != found.digest:
            raise NotFound
        return contract


def shown_abroad(contract: VerifiedContract, dataset: Dataset) -> Shown:
    """How many persons a contract shows of its dataset, should that be an export."""
    persons = dataset.registration.governance.persons
    cap = contract.terms.persons
    return Shown(contract.provider, contract.id, dataset.id, persons if cap is None else min(cap, persons), persons)


def _band(persons: int) -> str:
    """An order of magnitude: 1000-9999, never the count."""
    if persons < 10:
        return "0-9"
    low = 10 ** (len(str(persons)) - 1)
    return f"{low}-{low * 10 - 1}"


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > REMEMBERED:
        known.popitem(last=False)


def filter_columns(predicate: Any) -> set[str]:
    """The columns a predicate speaks of, however it is nested; its form is judged where it is parsed."""
    if isinstance(predicate, list):
        return set().union(*map(filter_columns, predicate))
    if not isinstance(predicate, dict):
        return set()
    named = {predicate["column"]} if isinstance(predicate.get("column"), str) else set()
    return named.union(*(filter_columns(predicate[word]) for word in ("and", "or", "not") if word in predicate))


def filter_digest(predicate: dict[str, Any]) -> str:
    """Which filter it is, without its values: they may be of a person."""
    return "sha256:" + hashlib.sha256(orjson.dumps(predicate, option=orjson.OPT_SORT_KEYS)).hexdigest()


def stated_purpose(request: AccessRequest) -> dict[str, Any]:
    """The facts of the purpose the request states.

    Raises:
        PurposeUnclear: unknown, or an answer it asks for is missing.
    """
    stated = request.purpose
    return purpose_facts(
        stated.id,
        commercial=stated.commercial,
        research=stated.research,
        disease_terms=stated.disease_terms,
        methods=stated.methods,
        ancestry=stated.ancestry,
        genetic=stated.genetic,
        flags=stated.flags,
    )
