"""Participants, agents, datasets, offers, contracts: written in the log's transaction, read back, on each database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlmodel import Session

from gateway import lostkey
from gateway.access import publish
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Source
from gateway.audit.log import Log, Outcome
from gateway.catalog import store as catalog
from gateway.catalog.registration import Registration, Visibility
from gateway.catalog.store import Dataset, Search
from gateway.contracts import in_force, lifecycle
from gateway.contracts import store as contracts
from gateway.contracts.errors import ContractRefused, OfferRefused
from gateway.contracts.lifecycle import House
from gateway.contracts.sign import party_entry
from gateway.contracts.states import State
from gateway.crypto.keyrequest import sign_request
from gateway.crypto.keys import EnrolledKey, screen
from gateway.crypto.private import generate, public_jwk
from gateway.db import Tx
from gateway.identity import enrolment
from gateway.identity.caller import AgentRole
from gateway.identity.enrolment import Enrolment, bring_key
from gateway.identity.errors import AssertionRefused
from gateway.identity.tokens import Assertion
from gateway.ids import urn
from gateway.participants import onboarding
from gateway.participants import store as participants
from gateway.participants.errors import AlreadyAdmitted
from gateway.participants.model import Facts, Kind, Participant
from gateway.participants.onboarding import Admission
from gateway.problems import Malformed, NotFound, Problem, WrongState
from gateway.terms.model import Terms, parse_terms
from tests.audit.harness.logs import judge, make_log, running
from tests.space import registration, terms

GATEWAY, OPERATOR = "did:web:gateway.example", "did:web:gateway.example:operator"
HOSPITAL, PHARMA, INSTITUTE = "did:web:hospital.example", "did:web:pharma.example", "did:web:institute.example"
KINDS = {HOSPITAL: Kind.HOSPITAL, PHARMA: Kind.PHARMA, INSTITUTE: Kind.RESEARCH_INSTITUTE}


def _house() -> House:
    jwk = generate("Ed25519")
    kid = f"{GATEWAY}#countersign-1"
    public = screen(public_jwk(jwk), purpose="countersign")
    return House(
        GATEWAY,
        "https://gateway.example/v1/status/1",
        kid,
        jwk,
        (EnrolledKey(kid, GATEWAY, public, "countersign", "active", 0),),
    )


@dataclass
class Stores:
    """A log with the rooms' own verbs on top."""

    log: Log
    house: House = field(default_factory=_house)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    def deed(self, at: float | None = None) -> Deed:
        return Deed(Actor("gateway", OPERATOR), Source("gateway.example/audit/1"), time.time() if at is None else at)

    def do(self, verb: Callable[..., Outcome], *values: Any, at: float | None = None, **named: Any) -> Any:
        return self.log.record(lambda tx: verb(tx, *values, self.deed(at), **named)).value

    def read(self, work: Callable[[Session], Any]) -> Any:
        with self.log.db.reading() as session:
            return work(session)

    def admit(self, did: str, **facts: Any) -> Participant:
        key = self.keys[did] = dict(generate("Ed25519"))
        known = {"kind": KINDS.get(did, Kind.OTHER), "country": "CN", **facts}
        admission = Admission(
            did, did, Facts(**known), f"{did}#contract-1", screen(public_jwk(key), purpose="contract")
        )
        admitted: Participant = self.do(onboarding.admit, admission)
        return admitted

    def publish(self, did: str = HOSPITAL, **members: Any) -> Dataset:
        registered = Registration.model_validate(registration(**members))
        made = Dataset(
            urn(),
            did,
            "published",
            registered,
            registered.governance_version,
            "sha256:" + "0" * 64,
            300,
            int(time.time()),
        )
        published: Dataset = self.do(publish.publish, made)
        return published

    def offer(self, dataset: Dataset, consumer: str | None = PHARMA, **members: Any) -> str:
        offered: str = self.do(lifecycle.offer, dataset, _terms(**members), consumer)
        return offered

    def accept(self, offer: str, dataset: Dataset, consumer: str = PHARMA) -> str:
        accepted: str = self.do(lifecycle.accept, offer, dataset, consumer, self.house)
        return accepted

    def sign(self, contract: str, did: str, *, key: dict[str, str] | None = None) -> State:
        payload = self.contract(contract).payload
        entry = party_entry(payload, key or self.keys[did], f"{did}#contract-1", iat=int(time.time()))
        signed: State = self.do(lifecycle.sign, contract, did, entry, self.house)
        return signed

    def contract(self, contract: str) -> contracts.Contract:
        found = self.read(lambda session: contracts.contract_by_id(session, contract))
        assert found is not None
        return found


def _terms(**members: Any) -> Terms:
    return parse_terms(terms(**members))


@pytest.fixture
def stores(database: str) -> Iterator[Stores]:
    make_log(database)
    with running(database) as log:
        made = Stores(log)
        for did in (HOSPITAL, PHARMA, INSTITUTE):
            made.admit(did)
        yield made
        judge(log.db)


def test_a_participant_is_read_back_as_it_was_admitted(stores: Stores) -> None:
    admitted = stores.admit("did:web:new.example", foreign_equity_pct=40, ciio=True)
    assert stores.read(lambda session: participants.participant(session, admitted.id)) == admitted
    (key,) = stores.read(lambda session: participants.keys_of(session, admitted.id))
    assert (key.kid, key.did, key.state) == (f"{admitted.id}#contract-1", admitted.id, "active")
    assert key.public == screen(public_jwk(stores.keys[admitted.id]), purpose="contract")
    assert stores.read(lambda session: participants.StoredKeys(session).lookup(key.kid)) == key
    assert stores.read(lambda session: participants.StoredKeys(session).lookup("did:web:x#y")) is None


def test_participants_are_listed_page_by_page(stores: Stores) -> None:
    first = stores.read(lambda session: participants.participants(session, limit=2))
    rest = stores.read(lambda session: participants.participants(session, after=first[-1].id, limit=2))
    assert [p.id for p in [*first, *rest]] == sorted((HOSPITAL, PHARMA, INSTITUTE))


def test_a_participant_is_admitted_once_and_a_key_belongs_to_one(stores: Stores) -> None:
    key = screen(public_jwk(stores.keys[PHARMA]), purpose="contract")
    facts = Facts(kind=Kind.OTHER, country="CN")
    for did, kid in ((PHARMA, f"{PHARMA}#contract-2"), ("did:web:x.example", "did:web:x.example#contract-1")):
        with pytest.raises(AlreadyAdmitted):
            stores.do(onboarding.admit, Admission(did, "again", facts, kid, key))
    assert len(stores.read(lambda session: participants.participants(session))) == 3


def test_suspending_moves_the_epoch_and_can_be_undone(stores: Stores) -> None:
    epoch = stores.log.standing.epoch
    stores.do(onboarding.suspend, PHARMA)
    assert not stores.read(lambda session: participants.participant(session, PHARMA)).active
    with pytest.raises(WrongState):
        stores.do(onboarding.suspend, PHARMA)
    stores.do(onboarding.reinstate, PHARMA)
    assert stores.read(lambda session: participants.participant(session, PHARMA)).active
    assert stores.log.standing.epoch == epoch + 2
    with pytest.raises(NotFound):
        stores.do(onboarding.suspend, "did:web:never.example")


def _enrolment(did: str, *roles: AgentRole, key: dict[str, str] | None = None) -> Enrolment:
    public = screen(public_jwk(key or dict(generate("ES256"))), purpose="agent")
    return Enrolment(did, "somebody", roles, "CN-BJ", False, public)


def test_an_agent_is_known_again_until_it_or_its_participant_is_suspended(stores: Stores) -> None:
    agent = stores.do(enrolment.enrol, _enrolment(PHARMA, AgentRole.RESEARCHER))
    known = stores.read(lambda session: enrolment.caller(session, agent.id))
    assert (known.participant.id, known.roles, known.location) == (PHARMA, {AgentRole.RESEARCHER}, "CN-BJ")
    assert [a.id for a in stores.read(lambda session: enrolment.agents_of(session, PHARMA))] == [agent.id]
    assert stores.read(lambda session: enrolment.agents_of(session, HOSPITAL)) == []
    stores.do(enrolment.suspend, agent.id, PHARMA)
    assert stores.read(lambda session: enrolment.caller(session, agent.id)) is None
    stores.do(enrolment.reinstate, agent.id, PHARMA)
    stores.do(onboarding.suspend, PHARMA)
    assert stores.read(lambda session: enrolment.caller(session, agent.id)) is None
    with pytest.raises(NotFound):
        stores.do(enrolment.suspend, agent.id, HOSPITAL)


def test_one_key_is_one_agent_and_the_operators_role_stays_with_the_operator(stores: Stores) -> None:
    key = dict(generate("ES256"))
    stores.do(enrolment.enrol, _enrolment(PHARMA, AgentRole.RESEARCHER, key=key))
    with pytest.raises(AlreadyAdmitted):
        stores.do(enrolment.enrol, _enrolment(HOSPITAL, AgentRole.PROVIDER, key=key))
    with pytest.raises(Malformed):
        stores.do(enrolment.enrol, _enrolment(PHARMA, AgentRole.OPERATOR))
    with pytest.raises(NotFound):
        stores.do(enrolment.enrol, _enrolment("did:web:never.example", AgentRole.ADMIN))


def test_an_assertion_is_used_once(stores: Stores) -> None:
    agent = stores.do(enrolment.enrol, _enrolment(PHARMA, AgentRole.RESEARCHER)).id
    now = int(time.time())
    assertion = Assertion(agent, "jti-1", now + 60)
    stores.do(enrolment.use_assertion, assertion)
    with pytest.raises(AssertionRefused):
        stores.do(enrolment.use_assertion, assertion)
    stores.do(enrolment.use_assertion, Assertion(agent, "jti-2", now + 60), at=now + 61)


def _found(stores: Stores, who: str, **search: Any) -> list[str]:
    def work(session: Session) -> list[str]:
        asker = participants.participant(session, who)
        assert asker is not None
        offered = contracts.offered_purposes(session, asker.id, 0)
        return [d.id for d in catalog.find(session, asker, Search(**search), offered)]

    found: list[str] = stores.read(work)
    return found


def test_a_dataset_is_read_back_as_it_was_registered(stores: Stores) -> None:
    dataset = stores.publish()
    assert stores.read(lambda session: catalog.dataset_by_id(session, dataset.id)) == dataset
    assert stores.read(lambda session: catalog.dataset_by_id(session, urn())) is None


def test_a_search_finds_what_the_asker_may_find(stores: Stores) -> None:
    open_to_all = stores.publish().id
    for_pharma = stores.publish(visibility={"kinds": ["pharma"]}).id
    for_institute = stores.publish(kind="parquet", visibility={"participants": [INSTITUTE]}).id
    unlisted = stores.publish(visibility=Visibility().model_dump(mode="json")).id
    everything = [unlisted, for_institute, for_pharma, open_to_all]
    assert _found(stores, HOSPITAL) == everything
    assert _found(stores, PHARMA) == [for_pharma, open_to_all]
    assert _found(stores, INSTITUTE) == [for_institute, open_to_all]
    assert _found(stores, HOSPITAL, text="parquet visits CLINIC") == [for_institute]
    assert _found(stores, HOSPITAL, text="100%") == []
    assert _found(stores, HOSPITAL, text="_") == _found(stores, HOSPITAL)  # subject_id has one; it is no wildcard
    assert _found(stores, HOSPITAL, category="chronic DISEASES") == [for_institute]
    assert _found(stores, HOSPITAL, provider=PHARMA) == []
    assert _found(stores, HOSPITAL, after=for_institute, limit=1) == [for_pharma]


def test_a_search_by_purpose_finds_what_is_offered_for_it(stores: Stores) -> None:
    dataset, other = stores.publish(), stores.publish()
    offer = stores.offer(dataset, None)
    stores.offer(other, INSTITUTE)  # an offer to one is nobody else's business
    assert _found(stores, PHARMA, purpose="P05") == [dataset.id]
    assert _found(stores, PHARMA, purpose="P01") == []
    stores.do(lifecycle.withdraw_offer, offer, HOSPITAL)
    assert _found(stores, PHARMA, purpose="P05") == []


def test_a_withdrawn_dataset_is_its_providers_only(stores: Stores) -> None:
    dataset, epoch = stores.publish(), stores.log.standing.epoch
    with pytest.raises(NotFound):
        stores.do(publish.withdraw, dataset.id, PHARMA)
    stores.do(publish.withdraw, dataset.id, HOSPITAL)
    assert stores.log.standing.epoch == epoch + 1
    assert _found(stores, PHARMA) == []
    assert _found(stores, HOSPITAL) == [dataset.id]
    with pytest.raises(WrongState):
        stores.do(publish.withdraw, dataset.id, HOSPITAL)


def test_offers_are_seen_by_those_they_are_made_to(stores: Stores) -> None:
    dataset = stores.publish()
    to_all, to_pharma = stores.offer(dataset, None), stores.offer(dataset, PHARMA)

    def seen(who: str) -> list[str]:
        return [o.id for o in stores.read(lambda session: contracts.offers_seen_by(session, who, dataset=dataset.id))]

    assert seen(HOSPITAL) == seen(PHARMA) == [to_pharma, to_all]
    assert seen(INSTITUTE) == [to_all]
    with pytest.raises(NotFound):
        stores.accept(to_pharma, dataset, INSTITUTE)
    with pytest.raises(NotFound):
        stores.do(lifecycle.withdraw_offer, to_all, PHARMA)
    with pytest.raises(OfferRefused):
        stores.accept(to_all, dataset, HOSPITAL)
    with pytest.raises(OfferRefused):
        stores.offer(dataset, columns=["sex", "never"], duties=[])
    stores.do(lifecycle.withdraw_offer, to_all, HOSPITAL)
    assert seen(INSTITUTE) == []
    with pytest.raises(OfferRefused):
        stores.accept(to_all, dataset, INSTITUTE)


def test_a_contract_is_in_force_once_both_have_signed_its_very_bytes(stores: Stores) -> None:
    dataset = stores.publish()
    contract = stores.accept(stores.offer(dataset, uses=7, rows=500), dataset)
    drafted = stores.contract(contract)
    assert (drafted.state, drafted.entries, drafted.envelope) == (State.AGREED, (), None)
    assert drafted.terms == _terms(
        uses=7, rows=500, valid_from=drafted.terms.valid_from, valid_to=drafted.terms.valid_to
    )
    with pytest.raises(ContractRefused):
        stores.sign(contract, HOSPITAL, key=dict(generate("Ed25519")))
    assert stores.contract(contract).entries == ()
    assert stores.sign(contract, HOSPITAL) is State.AGREED
    with pytest.raises(Problem):
        stores.sign(contract, HOSPITAL)
    with pytest.raises(NotFound):
        stores.do(lifecycle.sign, contract, INSTITUTE, {}, stores.house)
    assert stores.sign(contract, PHARMA) is State.FINALIZED
    signed = stores.contract(contract)
    assert signed.payload == drafted.payload
    assert signed.envelope is not None
    assert signed.left() == {"uses": 7, "rows": 500}
    with pytest.raises(WrongState):
        stores.sign(contract, PHARMA)


def test_contracts_are_listed_for_their_parties_only(stores: Stores) -> None:
    dataset = stores.publish()
    made = [stores.accept(stores.offer(dataset), dataset) for _ in range(3)]
    stores.sign(made[0], HOSPITAL)
    stores.sign(made[0], PHARMA)

    def listed(who: str, **wanted: Any) -> list[str]:
        return [c.id for c in stores.read(lambda session: contracts.contracts_seen_by(session, who, **wanted))]

    assert listed(PHARMA) == listed(HOSPITAL) == made[::-1]
    assert listed(INSTITUTE) == []
    assert listed(PHARMA, state=State.FINALIZED) == [made[0]]
    assert listed(PHARMA, limit=2) == made[:0:-1]
    assert listed(PHARMA, before=made[1]) == [made[0]]
    assert stores.read(lambda session: contracts.contract_seen_by(session, INSTITUTE, made[0])) is None


def test_a_contract_ends_by_its_parties_and_by_time(stores: Stores) -> None:
    dataset = stores.publish()
    declined, revoked, over = [stores.accept(stores.offer(dataset), dataset) for _ in range(3)]
    for contract in (revoked, over):
        stores.sign(contract, HOSPITAL)
        stores.sign(contract, PHARMA)
    stores.do(lifecycle.decline, declined, PHARMA)
    epoch = stores.log.standing.epoch
    stores.do(in_force.revoke, revoked, HOSPITAL)
    assert stores.log.standing.epoch == epoch + 1
    later = stores.contract(over).terms.valid_to
    assert stores.contract(over).state_at(later - 1) is State.FINALIZED
    assert stores.contract(over).state_at(later) is State.EXPIRED
    assert stores.do(lifecycle.expire, at=later) == 1
    assert stores.do(lifecycle.expire, at=later) == 0
    states = [stores.contract(contract).state for contract in (declined, revoked, over)]
    assert states == [State.TERMINATED, State.REVOKED, State.EXPIRED]
    for contract in (declined, revoked, over):
        with pytest.raises(WrongState):
            stores.do(in_force.revoke, contract, HOSPITAL)


def test_one_contract_key_is_in_use_at_a_time_and_a_lost_one_stops_its_contracts(stores: Stores) -> None:
    dataset = stores.publish()
    contract = stores.accept(stores.offer(dataset), dataset)
    stores.sign(contract, HOSPITAL)
    stores.sign(contract, PHARMA)
    new = dict(generate("Ed25519"))

    def bring(name: str, *, replaces: str, present: dict[str, str] | None = None) -> str:
        house, used = stores.house.did, f"{PHARMA}#{replaces}"
        old = None if present is None else (used, present)
        now = int(time.time())
        request = sign_request(new, f"{PHARMA}#{name}", gateway=house, iat=now, present=old, replaces=used)
        deed = replace(stores.deed(), actor=Actor("gateway", PHARMA))
        kid: str = stores.log.record(lambda tx: bring_key(tx, request, house, deed)).value
        return kid

    def states() -> list[str]:
        return stores.read(lambda session: [key.state for key in participants.keys_of(session, PHARMA)])

    bring("contract-2", replaces="contract-1", present=stores.keys[PHARMA])
    assert states() == ["retired", "active"]
    with pytest.raises(AlreadyAdmitted):
        bring("contract-3", replaces="contract-2")
    epoch = stores.log.standing.epoch
    stores.do(lostkey.compromise, f"{PHARMA}#contract-1", None, stores.house)
    assert stores.log.standing.epoch == epoch + 1
    # The second was let in by the first, of which nothing is believed any more.
    assert states() == ["compromised", "compromised"]
    assert stores.contract(contract).state is State.SUSPENDED
    with pytest.raises(ContractRefused):
        stores.do(in_force.reinstate, contract, stores.house.did, stores.house, operator=True)
    assert stores.contract(contract).suspended_by == (stores.house.did,)


def test_a_change_that_is_refused_leaves_no_row_in_any_store(stores: Stores) -> None:
    dataset = stores.publish()

    def half(tx: Tx) -> Outcome:
        lifecycle.offer(tx, dataset, _terms(), PHARMA, stores.deed())
        with tx.session() as session:
            session.flush()
        raise WrongState("after all, no")

    with pytest.raises(WrongState):
        stores.log.record(half)
    assert stores.read(lambda session: contracts.offers_seen_by(session, PHARMA)) == []
