"""Offers and contracts: offer, accept, sign, revoke, see what is left."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

import orjson
from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.api import examples
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import StrictRoute
from gateway.catalog.store import dataset_by_id, dataset_seen_by
from gateway.contracts import in_force, lifecycle, status, store
from gateway.contracts.envelope import MEDIA_TYPE, parse_payload
from gateway.contracts.states import State
from gateway.contracts.store import Contract, Offer
from gateway.crypto.canonical import b64url_encode
from gateway.identity.caller import AgentRole, Caller
from gateway.problems import NotFound, WrongState
from gateway.terms.model import Terms

router = APIRouter(route_class=StrictRoute, tags=["contracts"])

ContractId = Annotated[str, Path(max_length=100, examples=["urn:uuid:019a0000-0000-7000-8000-000000000001"])]


_MAY_END = (AgentRole.PROVIDER, AgentRole.ADMIN, AgentRole.OPERATOR)


class OfferBody(BaseModel):
    """Terms for a dataset of your own; without `consumer` for whoever may find it."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(max_length=100)
    consumer: str | None = Field(default=None, max_length=255)
    terms: Terms


class OfferView(BaseModel):
    id: str
    dataset: str
    provider: str
    consumer: str | None
    terms: Terms
    state: str
    offered_at: int

    @classmethod
    def of(cls, offer: Offer) -> OfferView:
        return cls(**{name: getattr(offer, name) for name in cls.model_fields})


class AcceptBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    offer: str = Field(max_length=100)


class SignatureBody(BaseModel):
    """One entry of a JWS in General JSON Serialization (RFC 7515 section 7.2.1), made at the party."""

    model_config = ConfigDict(extra="forbid")

    protected: str = Field(max_length=8192)
    signature: str = Field(max_length=2048)


class ContractView(BaseModel):
    """A contract or its draft. `payload` is what is signed: base64url of canonical bytes, whose SHA-256 is `digest`."""

    id: str
    state: str
    provider: str
    consumer: str
    dataset: str
    offer: str
    digest: str
    payload: str
    terms: Terms
    governance_version: str
    signed_by: list[str]
    waits_for: list[str]
    used: dict[str, int]
    left: dict[str, int]
    drafted_at: int
    draft_expires_at: int
    suspended_by: list[str] = Field(description="who holds it suspended; each lifts its own")
    doubted_keys: list[str] = Field(description="keys it is signed with that are marked compromised since; renew it")

    @classmethod
    def of(cls, contract: Contract, now: float, compromised: Container[str]) -> ContractView:
        state = contract.state_at(now)
        signers = lifecycle.signers(contract)
        parties = [contract.provider, contract.consumer]
        return cls(
            id=contract.id,
            state=state,
            provider=contract.provider,
            consumer=contract.consumer,
            dataset=contract.dataset,
            offer=contract.offer,
            digest=contract.digest,
            payload=b64url_encode(contract.payload),
            terms=contract.terms,
            governance_version=parse_payload(contract.payload).content.target.digest,
            signed_by=[party for party in parties if party in signers],
            waits_for=[party for party in parties if party not in signers] if state is State.AGREED else [],
            used={"uses": contract.usage.uses, "rows": contract.usage.rows},
            left=contract.left(),
            drafted_at=contract.drafted_at,
            draft_expires_at=contract.draft_expires_at,
            suspended_by=list(contract.suspended_by),
            doubted_keys=sorted(kid for kid in lifecycle.kids(contract) if kid in compromised),
        )


class Standing(BaseModel):
    """What a contract is after a suspension was lifted: FINALIZED, or SUSPENDED while others hold it."""

    state: State


@router.post("/offers", status_code=201, summary="Offer terms for a dataset (provider)")
def offer(body: Annotated[OfferBody, Body(examples=[examples.OFFERED])], actor: Actor, gateway: Gateway) -> OfferView:
    actor.caller.need(AgentRole.PROVIDER)
    with gateway.db.reading() as session:
        dataset = dataset_by_id(session, body.dataset)
    if dataset is None or dataset.provider != actor.caller.participant.id:
        raise NotFound
    if dataset.state != "published":
        raise WrongState("The dataset is withdrawn.")
    deed = actor.deed()
    offer_id = actor.record(lambda tx: lifecycle.offer(tx, dataset, body.terms, body.consumer, deed)).value
    with gateway.db.reading() as session:
        made = store.offer_by_id(session, offer_id)
    if made is None:
        raise NotFound
    return OfferView.of(made)


@router.get("/offers", summary="Offers you made, or that are open to you")
def list_offers(
    caller: AuthenticatedCaller, gateway: Gateway, dataset: Annotated[str | None, Query(max_length=100)] = None
) -> list[OfferView]:
    with gateway.db.reading() as session:
        found = store.offers_seen_by(session, caller.participant.id, dataset=dataset)
        seen = {o.dataset for o in found if dataset_seen_by(session, caller.participant, o.dataset) is not None}
    return [OfferView.of(o) for o in found if o.dataset in seen]


@router.post("/offers/{offer}/withdraw", status_code=204, summary="Withdraw an offer (its provider)")
def withdraw_offer(offer: ContractId, actor: Actor) -> None:
    actor.caller.need(AgentRole.PROVIDER)
    deed = actor.deed()
    actor.record(lambda tx: lifecycle.withdraw_offer(tx, offer, actor.caller.participant.id, deed))


@router.post("/contracts", status_code=201, summary="Accept an offer; the gateway drafts the contract")
def accept(
    body: Annotated[AcceptBody, Body(examples=[examples.ACCEPTED])], actor: Actor, gateway: Gateway
) -> ContractView:
    """The draft's bytes are fixed from here on. Check that `digest` is the SHA-256 of `payload` before you sign."""
    actor.caller.need(AgentRole.RESEARCHER, AgentRole.ADMIN)
    participant = actor.caller.participant
    with gateway.db.reading() as session:
        found = store.offer_by_id(session, body.offer)
        open_to_us = found is not None and found.consumer in (None, participant.id)
        dataset = dataset_seen_by(session, participant, found.dataset) if found is not None and open_to_us else None
    if dataset is None:
        raise NotFound
    deed = actor.deed()
    house = gateway.contract_house
    made = actor.record(lambda tx: lifecycle.accept(tx, body.offer, dataset, participant.id, house, deed)).value
    return _view(gateway, actor.caller, made)


@router.get("/contracts", summary="Your contracts and drafts")
def list_contracts(
    caller: AuthenticatedCaller,
    gateway: Gateway,
    state: Annotated[State | None, Query()] = None,
    waiting: Annotated[bool, Query(description="only drafts that wait for your signature")] = False,
    before: Annotated[str | None, Query(max_length=100, description="id of the last one seen")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ContractView]:
    own, views = caller.participant.id, list[ContractView]()
    with gateway.db.reading() as session:
        # Whose signature is missing stands in the signed bytes alone: page on until enough drafts wait for this one.
        while len(views) < limit:
            wanted = State.AGREED if waiting else state
            found = store.contracts_seen_by(session, own, state=wanted, before=before, limit=limit)
            compromised = store.compromised_keys(session, found)
            page = [ContractView.of(contract, gateway.clock(), compromised) for contract in found]
            views += [view for view in page if not waiting or own in view.waits_for]
            if len(found) < limit:
                break
            before = found[-1].id
    return views[:limit]


@router.get("/contracts/{contract}", summary="One contract, with what is left of it")
def get_contract(contract: ContractId, caller: AuthenticatedCaller, gateway: Gateway) -> ContractView:
    return _view(gateway, caller, contract)


@router.get(
    "/contracts/{contract}/envelope",
    summary="The signed contract, verifiable offline",
    responses={200: {"content": {MEDIA_TYPE: {}}}},
    response_class=Response,
)
def get_envelope(contract: ContractId, caller: AuthenticatedCaller, gateway: Gateway) -> Response:
    found = _seen(gateway, caller, contract)
    if found.envelope is None:
        raise WrongState("The contract is not signed by both parties yet; there is no envelope.")
    return Response(found.envelope, media_type=MEDIA_TYPE)


@router.get("/contracts/{contract}/keys", summary="The keys that verify this contract, as the gateway enrolled them")
def get_contract_keys(contract: ContractId, caller: AuthenticatedCaller, gateway: Gateway) -> Response:
    """Trust these as far as you trust the gateway; compare their thumbprints with what the parties tell you."""
    found = _seen(gateway, caller, contract)
    document = gateway.contract_keys((found.provider, found.consumer))
    return Response(orjson.dumps(document), media_type="application/json")


@router.post("/contracts/{contract}/signatures", summary="Sign a draft: your party's entry, made with your own key")
def sign(
    contract: ContractId,
    body: Annotated[SignatureBody, Body(examples=[examples.SIGNATURE])],
    actor: Actor,
    gateway: Gateway,
) -> ContractView:
    actor.caller.need(AgentRole.PROVIDER, AgentRole.RESEARCHER, AgentRole.ADMIN)
    entry, deed, house = body.model_dump(), actor.deed(), gateway.contract_house
    signer = actor.caller.participant.id
    actor.record(lambda tx: lifecycle.sign(tx, contract, signer, entry, house, deed))
    return _view(gateway, actor.caller, contract)


@router.post("/contracts/{contract}/decline", status_code=204, summary="End a negotiation without a contract")
def decline(contract: ContractId, actor: Actor) -> None:
    actor.caller.need(AgentRole.PROVIDER, AgentRole.RESEARCHER, AgentRole.ADMIN)
    deed = actor.deed()
    actor.record(lambda tx: lifecycle.decline(tx, contract, actor.caller.participant.id, deed))


@router.post("/contracts/{contract}/revoke", status_code=204, summary="Revoke a contract at once")
def revoke(contract: ContractId, actor: Actor) -> None:
    """Once this is answered, no grant under the contract commits in any process, and running deliveries stop."""
    actor.caller.need(*_MAY_END)
    deed, operator = actor.deed(), AgentRole.OPERATOR in actor.caller.roles
    actor.record(lambda tx: in_force.revoke(tx, contract, actor.caller.participant.id, deed, operator=operator))


@router.post("/contracts/{contract}/suspend", status_code=204, summary="Put a contract aside at once")
def suspend(contract: ContractId, actor: Actor) -> None:
    """By its provider or the operator, or each of them. Bites as a revocation does; each lifts its own."""
    actor.caller.need(*_MAY_END)
    deed, operator = actor.deed(), AgentRole.OPERATOR in actor.caller.roles
    actor.record(lambda tx: in_force.suspend(tx, contract, actor.caller.participant.id, deed, operator=operator))


@router.post("/contracts/{contract}/reinstate", summary="Lift your suspension of a contract")
def reinstate(contract: ContractId, actor: Actor, gateway: Gateway) -> Standing:
    """Each lifts its own, the operator the gateway's too; with the last one the contract is in force again.

    Its signatures must hold by the keys as they are. What was accepted under a lost key never does: revoke it, and
    sign anew.
    """
    actor.caller.need(*_MAY_END)
    deed, operator, house = actor.deed(), AgentRole.OPERATOR in actor.caller.roles, gateway.contract_house
    who = actor.caller.participant.id
    done = actor.record(lambda tx: in_force.reinstate(tx, contract, who, house, deed, operator=operator))
    return Standing(state=done.value)


@router.get(
    "/status/1",
    summary="Which contracts no longer stand: the status list that every contract names",
    responses={200: {"content": {status.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    response_class=Response,
)
def get_status_list(gateway: Gateway) -> Response:
    """A Token Status List (IETF draft), signed. Needs no token: whoever holds a contract may ask whether it stands.

    It says of each place whether what stands there is valid, revoked or suspended, and nothing of whose it is.
    """
    headers = {"cache-control": "public, max-age=60"}
    return Response(gateway.contract_status.current(), media_type=status.MEDIA_TYPE, headers=headers)


def _seen(gateway: Gateway, caller: Caller, contract: str) -> Contract:
    with gateway.db.reading() as session:
        found = store.contract_seen_by(session, caller.participant.id, contract)
    if found is None:
        raise NotFound
    return found


def _view(gateway: Gateway, caller: Caller, contract: str) -> ContractView:
    found = _seen(gateway, caller, contract)
    with gateway.db.reading() as session:
        return ContractView.of(found, gateway.clock(), store.compromised_keys(session, [found]))
