"""What takes a contract that is in force away, or back: revoked, suspended, taken up again, its keys lost.

Each verb runs in the log's transaction, and bites before it is answered: the epoch moves, so that no grant commits on
what was decided before it, in any process, and running deliveries look again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.log import Outcome, Record
from gateway.contracts import store
from gateway.contracts.errors import SignatureMissing
from gateway.contracts.lifecycle import House, Keys, kids, moved, own, role
from gateway.contracts.states import Actor, State, advance
from gateway.contracts.tables import ContractRow
from gateway.contracts.verify import VerifiedContract, verify_contract
from gateway.db import Tx
from gateway.participants.store import StoredKeys
from gateway.problems import Problem, WrongState


def revoke(tx: Tx, contract_id: str, party: str, deed: Deed, *, operator: bool = False) -> Outcome:
    """End a contract at once: no grant commits after this one, in any process; running streams stop."""
    contract = own(tx, contract_id, None if operator else party)
    by = Actor.OPERATOR if operator else role(contract, party)
    target = advance(contract.state_at(deed.at), State.REVOKED, by)
    state.bump_epoch(tx)
    return moved(tx, contract, target, "contract.revoked", deed)


def suspend(tx: Tx, contract_id: str, party: str, deed: Deed, *, operator: bool = False) -> Outcome:
    """Put a contract aside at once, as a revocation would. Each who does so holds it, until it lifts its own."""
    contract = own(tx, contract_id, None if operator else party)
    by = Actor.OPERATOR if operator else role(contract, party)
    target = advance(contract.state_at(deed.at), State.SUSPENDED, by)
    if party in contract.suspended_by:
        raise WrongState("You have suspended the contract already.")
    state.bump_epoch(tx)
    _hold(tx, contract, {*contract.suspended_by, party})
    return moved(tx, contract, target, "contract.suspended", deed)


def reinstate(tx: Tx, contract_id: str, party: str, house: House, deed: Deed, *, operator: bool = False) -> Outcome:
    """Lift a suspension: each its own, and the operator the gateway's too. With the last, it is in force again.

    The value is the state it is in then.

    Raises:
        WrongState: only others suspended it. ContractRefused: its signatures do not hold any more.
    """
    contract = own(tx, contract_id, None if operator else party)
    by = Actor.OPERATOR if operator else role(contract, party)
    target = advance(contract.state_at(deed.at), State.FINALIZED, by)
    held, lifted = set(contract.suspended_by), {party, house.did} if operator else {party}
    if held.isdisjoint(lifted):
        raise WrongState("Others suspended the contract, and each alone can lift its suspension.")
    if house.did in lifted or held <= lifted:
        with tx.session() as session:
            check_signed(session, contract, house, int(deed.at))
    _hold(tx, contract, held - lifted)
    if held - lifted:
        return moved(tx, contract, State.SUSPENDED, "contract.suspension_lifted", deed)
    state.bump_epoch(tx)
    return moved(tx, contract, target, "contract.reinstated", deed)


def stop(tx: Tx, lost: Sequence[str], house: House, deed: Deed) -> list[Record]:
    """Suspend what was accepted under keys that count no more, and end the drafts they signed."""
    now = int(deed.at)
    with tx.session() as session:
        signed = {contract.id: contract for kid in lost for contract in standing_on(session, kid, now)}
    records: list[Record] = []
    for contract in signed.values():
        if contract.state is State.AGREED:
            records += moved(tx, contract, State.TERMINATED, "contract.terminated", deed).records
        elif house.did not in contract.suspended_by and not _holds(tx, contract, house, now):
            target = advance(contract.state, State.SUSPENDED, Actor.GATEWAY)
            _hold(tx, contract, {*contract.suspended_by, house.did})
            records += moved(tx, contract, target, "contract.suspended", deed).records
    return records


def standing_on(session: Session, kid: str, now: float) -> list[store.Contract]:
    """Contracts in force or suspended, and drafts, that this key has signed, oldest first."""
    owner, states = kid.partition("#")[0], (State.FINALIZED, State.SUSPENDED, State.AGREED)
    found = store.contracts_of(session, owner, states)
    return [contract for contract in found if contract.state_at(now) in states and kid in kids(contract)]


def _holds(tx: Tx, contract: store.Contract, house: House, now: int) -> bool:
    try:
        with tx.session() as session:
            check_signed(session, contract, house, now)
    except Problem:  # whatever it is that does not hold: one odd contract must not keep a lost key in use
        return False
    return True


def _hold(tx: Tx, contract: store.Contract, holders: set[str]) -> None:
    with tx.session() as session:
        row = session.get_one(ContractRow, contract.id)
        row.suspensions = sorted(holders)
        session.add(row)


def check_signed(session: Session, contract: store.Contract, house: House, now: int) -> VerifiedContract:
    """The contract as its signatures make it, by the keys as they are now. Raises ContractRefused."""
    if contract.envelope is None:
        raise SignatureMissing("not every party of the contract signed it")
    keys = Keys(StoredKeys(session), house.ring)
    return verify_contract(contract.envelope, keys=keys, gateway=house.did, now=now, check_term=False)
