"""What every grant is judged against at its commit: the revocation epoch and the active policy bundle.

The epoch grows with everything that can take a permission away. A decision is made under one epoch and one bundle; its
grant commits only if both still stand.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.db import Tx


@dataclass(frozen=True, slots=True)
class Standing:
    """The epoch and the digest of the active bundle."""

    epoch: int
    bundle: str


def standing(tx: Tx) -> Standing:
    """What stands now, as this transaction sees it."""
    epoch, bundle = tx.execute("SELECT epoch, bundle FROM gateway_state WHERE id = 1").fetchone()
    return Standing(epoch, bundle)


def bump_epoch(tx: Tx) -> None:
    """Make every decision that was taken before this transaction be taken again."""
    tx.execute("UPDATE gateway_state SET epoch = epoch + 1 WHERE id = 1")


def activate_bundle(tx: Tx, digest: str) -> None:
    """From this transaction on, grants need decisions made under this bundle."""
    tx.execute("UPDATE gateway_state SET bundle = ?, epoch = epoch + 1 WHERE id = 1", (digest,))
