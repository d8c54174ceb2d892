"""A participant's contract key fell into other hands: what stands on it stops, in one transaction of the log."""

from __future__ import annotations

from gateway.approvals import recording
from gateway.audit.deed import Deed
from gateway.audit.log import Outcome
from gateway.contracts import in_force
from gateway.contracts.lifecycle import House
from gateway.db import Tx
from gateway.participants import contract_keys


def compromise(tx: Tx, kid: str, since: int | None, house: House, deed: Deed) -> Outcome:
    """Mark a key compromised (`contract_keys.compromise`, which says what it raises), and stop what stands on it.

    Contracts accepted since then are suspended, drafts it has signed end, approvals it has signed since are withdrawn.
    What was accepted before stands. The same goes for keys that it let in since.
    """
    marked = contract_keys.compromise(tx, kid, since, deed)
    stopped = in_force.stop(tx, marked.value, house, deed)
    withdrawn = recording.withdraw_lost(tx, marked.value, house.did, deed)
    return Outcome((*marked.records, *stopped, *withdrawn), kid)
