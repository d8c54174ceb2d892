"""What takes a contract that is in force away, or back: revoked, suspended, taken up again, its keys compromised.

Each verb runs in the log's transaction, and bites before it is answered: the epoch moves, so that no grant commits on
what was decided before it, in any process, and running deliveries look again.
"""

from __future__ import annotations

from sqlmodel import Session

from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.log import Outcome
from gateway.contracts import store
from gateway.contracts.errors import SignatureMissing
from gateway.contracts.lifecycle import House, Keys, kids, moved, own, role
from gateway.contracts.states import Actor, State, advance
from gateway.contracts.verify import VerifiedContract, verify_contract
from gateway.db import Tx
from gateway.participants import contract_keys
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
    """Put a contract aside at once, as a revocation would; it can be taken up again by who did it."""
    contract = own(tx, contract_id, None if operator else party)
    by = Actor.OPERATOR if operator else role(contract, party)
    target = advance(contract.state_at(deed.at), State.SUSPENDED, by)
    state.bump_epoch(tx)
    tx.execute("UPDATE contract SET suspended_by = ? WHERE id = ?", (party, contract.id))
    return moved(tx, contract, target, "contract.suspended", deed)


def reinstate(tx: Tx, contract_id: str, party: str, house: House, deed: Deed, *, operator: bool = False) -> Outcome:
    """Take a suspended contract up again: who suspended it may, and the operator where the gateway did.

    Raises:
        WrongState: another suspended it. ContractRefused: its signatures do not hold any more.
    """
    contract = own(tx, contract_id, None if operator else party)
    by = Actor.OPERATOR if operator else role(contract, party)
    target = advance(contract.state_at(deed.at), State.FINALIZED, by)
    if contract.suspended_by != party and not (operator and contract.suspended_by == house.did):
        raise WrongState("Another suspended the contract, and it alone can take it up again.")
    with tx.session() as session:
        check_signed(session, contract, house, int(deed.at))
    state.bump_epoch(tx)
    tx.execute("UPDATE contract SET suspended_by = NULL WHERE id = ?", (contract.id,))
    return moved(tx, contract, target, "contract.reinstated", deed)


def compromise(tx: Tx, kid: str, since: int | None, house: House, deed: Deed) -> Outcome:
    """Mark a participant's key compromised (`contract_keys.compromise`), and stop what stands on it, at once.

    Contracts accepted since then are suspended, drafts it has signed end. What was accepted before stands. The same
    goes for keys that it let in since.
    """
    marked = contract_keys.compromise(tx, kid, since, deed)
    records, now = list(marked.records), int(deed.at)
    with tx.session() as session:
        signed = {contract.id: contract for lost in marked.value for contract in standing_on(session, lost)}
    for contract in signed.values():
        if contract.state is State.AGREED:
            records += moved(tx, contract, State.TERMINATED, "contract.terminated", deed).records
            continue
        try:
            with tx.session() as session:
                check_signed(session, contract, house, now)
        except Problem:  # whatever it is that does not hold: one odd contract must not keep a lost key in use
            target = advance(contract.state, State.SUSPENDED, Actor.GATEWAY)
            tx.execute("UPDATE contract SET suspended_by = ? WHERE id = ?", (house.did, contract.id))
            records += moved(tx, contract, target, "contract.suspended", deed).records
    return Outcome(tuple(records), kid)


def standing_on(session: Session, kid: str) -> list[store.Contract]:
    """Contracts in force, and drafts, that this key has signed, oldest first."""
    owner = kid.partition("#")[0]
    found = store.contracts_of(session, owner, (State.FINALIZED, State.AGREED))
    return [contract for contract in found if kid in kids(contract)]


def check_signed(session: Session, contract: store.Contract, house: House, now: int) -> VerifiedContract:
    """The contract as its signatures make it, by the keys as they are now. Raises ContractRefused."""
    if contract.envelope is None:
        raise SignatureMissing("not every party of the contract signed it")
    keys = Keys(StoredKeys(session), house.ring)
    return verify_contract(contract.envelope, keys=keys, gateway=house.did, now=now, check_term=False)
