"""Contracts for both parties: what waits, what stands, what is left, what a revocation would stop."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from gateway.contracts import in_force, lifecycle, store
from gateway.contracts.envelope import MEDIA_TYPE
from gateway.contracts.states import TRANSITIONS, Actor, State
from gateway.contracts.store import Contract
from gateway.crypto.canonical import strict_json
from gateway.identity.caller import AgentRole, Caller
from gateway.participants.store import in_use
from gateway.problems import Malformed, NotFound, WrongState
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
MAY_SIGN: Final = (AgentRole.PROVIDER, AgentRole.RESEARCHER, AgentRole.ADMIN)
MAY_REVOKE: Final = (AgentRole.PROVIDER, AgentRole.ADMIN)
MAX_ENTRY: Final = 16 * 1024

ContractId = Annotated[str, Path(max_length=100)]


@router.get("/contracts")
def contracts(
    visit: Signed,
    state: Annotated[str, Query(max_length=20)] = "",
    before: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Our contracts and drafts, newest first."""
    own, now = visit.acting.caller.participant.id, visit.gateway.clock()
    wanted = State(state) if state in list(State) else None
    with visit.gateway.db.reading() as session:
        found = store.contracts_seen_by(session, own, state=wanted, before=before or None, limit=PAGE)
    kept = {"state": state} if wanted is not None else {}
    older = "/contracts?" + urlencode({**kept, "before": found[-1].id}) if len(found) == PAGE else None
    return visit.page(
        "contracts.html",
        contracts=[(one, one.state_at(now), _missing(one)) for one in found],
        own=own,
        state=wanted,
        states=tuple(State),
        older=older,
        newest="/contracts?" + urlencode(kept) if before else None,
    )


@router.get("/contracts/{contract}")
def contract(contract: ContractId, visit: Signed) -> Response:
    """One contract: its terms as sentences and as they are signed, who signed, what is left."""
    return _shown(visit, _seen(visit, contract))


@router.get("/contracts/{contract}/envelope")
def envelope(contract: ContractId, visit: Signed) -> Response:
    """The signed contract, to keep and to verify anywhere."""
    found = _seen(visit, contract)
    if found.envelope is None:
        raise WrongState("The contract is not signed by both parties yet; there is no envelope.")
    headers = {"content-disposition": 'attachment; filename="contract.json"'}
    return Response(found.envelope, media_type=MEDIA_TYPE, headers=headers)


@router.get("/contracts/{contract}/keys")
def keys(contract: ContractId, visit: Signed) -> Response:
    """Whose key is whose, as the gateway enrolled them."""
    found = _seen(visit, contract)
    document = visit.gateway.contract_keys((found.provider, found.consumer))
    headers = {"content-disposition": 'attachment; filename="contract-keys.json"'}
    return Response(orjson.dumps(document), media_type="application/json", headers=headers)


@router.post("/contracts/{contract}/sign")
async def sign(contract: ContractId, visit: Posted) -> Response:
    """Take a signature that was made at the party: on its command line, or by this page with a key it chose."""
    entry = await _entry(visit)
    return await asyncio.to_thread(_signed, visit, contract, entry)


def _signed(visit: Visit, contract: str, entry: dict[str, str]) -> Response:
    acting = visit.acting
    acting.caller.need(*MAY_SIGN)
    _seen(visit, contract)
    deed, house, signer = acting.deed(), visit.gateway.contract_house, acting.caller.participant.id
    acting.record(lambda tx: lifecycle.sign(tx, contract, signer, entry, house, deed))
    return visit.go(f"/contracts/{contract}")


@router.post("/contracts/{contract}/decline")
def decline(contract: ContractId, visit: Posted) -> Response:
    """End the negotiation without a contract."""
    acting = visit.acting
    acting.caller.need(*MAY_SIGN)
    deed = acting.deed()
    acting.record(lambda tx: lifecycle.decline(tx, contract, acting.caller.participant.id, deed))
    return visit.go(f"/contracts/{contract}")


@router.get("/contracts/{contract}/revoke")
def ask_to_revoke(contract: ContractId, visit: Signed) -> Response:
    """What a revocation would stop, before anybody does it."""
    visit.acting.caller.need(*MAY_REVOKE)
    found = _seen(visit, contract)
    with visit.gateway.db.reading_tx() as tx:
        sql = "SELECT count(*) FROM delivery WHERE contract = ?"
        running = tx.execute(sql, (contract,)).fetchone()[0]
    return visit.page("contract_revoke.html", contract=found, running=running)


@router.post("/contracts/{contract}/revoke")
def revoke(contract: ContractId, visit: Posted) -> Response:
    """Once this is answered nothing is granted under it, in any process, and running deliveries stop."""
    acting = visit.acting
    acting.caller.need(*MAY_REVOKE)
    deed = acting.deed()
    acting.record(lambda tx: in_force.revoke(tx, contract, acting.caller.participant.id, deed, operator=False))
    return visit.go(f"/contracts/{contract}")


@router.post("/contracts/{contract}/suspend")
def suspend(contract: ContractId, visit: Posted) -> Response:
    """Put it aside at once; we can lift it again."""
    acting = visit.acting
    acting.caller.need(*MAY_REVOKE)
    deed = acting.deed()
    acting.record(lambda tx: in_force.suspend(tx, contract, acting.caller.participant.id, deed))
    return visit.go(f"/contracts/{contract}")


@router.post("/contracts/{contract}/reinstate")
def reinstate(contract: ContractId, visit: Posted) -> Response:
    """Lift what we suspended; in force again, unless others hold it too."""
    acting, house = visit.acting, visit.gateway.contract_house
    acting.caller.need(*MAY_REVOKE)
    deed = acting.deed()
    acting.record(lambda tx: in_force.reinstate(tx, contract, acting.caller.participant.id, house, deed))
    return visit.go(f"/contracts/{contract}")


def _shown(visit: Visit, found: Contract) -> Response:
    caller, state = visit.acting.caller, found.state_at(visit.gateway.clock())
    own, missing = caller.participant.id, _missing(found)
    with visit.gateway.db.reading() as session:
        doubted = sorted(lifecycle.kids(found) & store.compromised_keys(session, [found]))
        key = in_use(session, own)
    may_end = not caller.roles.isdisjoint(MAY_REVOKE)
    return visit.page(
        "contract.html",
        contract=found,
        terms=found.terms,
        state=state,
        missing=missing,
        left=found.left(),
        may_sign=state is State.AGREED and own in missing and not caller.roles.isdisjoint(MAY_SIGN),
        may_decline=state is State.AGREED and not caller.roles.isdisjoint(MAY_SIGN),
        may_revoke=_may_revoke(caller, found, state),
        may_ask=state is State.FINALIZED
        and own == found.consumer
        and AgentRole.RESEARCHER in caller.roles
        and 0 not in found.left().values(),
        may_suspend=may_end
        and own == found.provider
        and state in (State.FINALIZED, State.SUSPENDED)
        and own not in found.suspended_by,
        may_reinstate=may_end and state is State.SUSPENDED and own in found.suspended_by,
        doubted=doubted,
        kid=f"{own}#contract-1" if key is None else key.kid,
        payload=found.payload.decode(),
    )


def _may_revoke(caller: Caller, found: Contract, state: State) -> bool:
    """As the click will be judged: by the states' own table."""
    party = Actor.PROVIDER if caller.participant.id == found.provider else Actor.CONSUMER
    allowed = party in TRANSITIONS.get(state, {}).get(State.REVOKED, frozenset())
    return allowed and not caller.roles.isdisjoint(MAY_REVOKE)


def _missing(found: Contract) -> list[str]:
    """Whose signature is not there yet, of a draft."""
    if found.state is not State.AGREED:
        return []
    signed = lifecycle.signers(found)
    return [party for party in (found.provider, found.consumer) if party not in signed]


async def _entry(visit: Visit) -> dict[str, str]:
    """The signature that was pasted or made in the page: one entry of a JWS in General JSON Serialization.

    Raises:
        Malformed: it is none.
    """
    given: Any = (await visit.request.form()).get("entry", "")
    value = strict_json(str(given).encode(), max_bytes=MAX_ENTRY)
    if not isinstance(value, dict) or value.keys() != {"protected", "signature"}:
        raise Malformed("A signature is a JSON object with `protected` and `signature`, and nothing else.")
    if not all(isinstance(part, str) for part in value.values()):
        raise Malformed("`protected` and `signature` are text.")
    return value


def _seen(visit: Visit, contract: str) -> Contract:
    with visit.gateway.db.reading() as session:
        found = store.contract_seen_by(session, visit.acting.caller.participant.id, contract)
    if found is None:
        raise NotFound
    return found
