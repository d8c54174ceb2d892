"""Which bundle is active: at a start the folder's, if it is new there; while the gateway runs, what an operator brings.

Whatever it comes from, it goes through `admission`. Then one transaction of the log keeps it, makes it the active one
and records that: from its commit on no grant commits under another, in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Log, Outcome, Record
from gateway.db import Database, Tx
from gateway.policy.admission import examine
from gateway.policy.archive import Candidate
from gateway.policy.bundle import Bundle
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.store import FOLDER, OPERATOR, keep_bundle, kept_bundle, last_from_folder, note_activation

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Activated:
    """What became of an activation. `entry` is None where this bundle was the active one already."""

    digest: str
    before: str
    entry: str | None


class Lifecycle:
    """Activates bundles in one gateway's database.

    Args:
        operator: the participant that sees the entries.
        inputs: the newest inputs that were decided on; blocks.
        opa: the program for `opa check --strict`, where there is one.
    """

    def __init__(
        self, db: Database, log: Log, *, operator: str, inputs: Callable[[], Sequence[bytes]], opa: Path | None
    ) -> None:
        self._db, self._log, self._operator, self._inputs, self._opa = db, log, operator, inputs, opa

    def at_start(self, candidate: Bundle | BundleInvalid, deed: Deed) -> Bundle:
        """The bundle that decides from now on, `candidate` being the one in the folder.

        The folder's is activated when it is another one than the last that came from there. So what an operator
        activated since goes on deciding; and where the folder's may not decide, what did before goes on.

        Raises:
            BundleInvalid, PolicyUnavailable: neither may decide.
        """
        if isinstance(candidate, BundleInvalid):
            return self._go_on(candidate)
        with self._db.reading_tx() as tx:
            last = last_from_folder(tx)
        active = self._log.standing.bundle
        if active == candidate.digest:
            # `init` does not keep it; and from now on it is the one that came from the folder last.
            self._log.record(lambda tx: self._found_active(tx, candidate, deed, new=last != candidate.digest))
            return candidate
        if last == candidate.digest and (kept := self.kept(active)) is not None:
            return kept
        try:
            self.examine(candidate)
        except (BundleInvalid, PolicyUnavailable) as problem:
            return self._go_on(problem)
        self._activate(candidate, deed, origin=FOLDER, revision=candidate.digest, signed_by=None)
        return candidate

    def activate(self, candidate: Candidate, deed: Deed) -> Activated:
        """Make a bundle that was verified the active one. Blocks for some seconds.

        Raises:
            BundleInvalid, PolicyUnavailable: it may not decide, or that cannot be told; nothing changed.
        """
        self.examine(candidate.bundle)
        return self._activate(
            candidate.bundle, deed, origin=OPERATOR, revision=candidate.revision, signed_by=candidate.signed_by
        )

    def examine(self, bundle: Bundle) -> None:
        """Raise BundleInvalid, if this bundle may not decide."""
        examine(bundle, self._inputs(), opa=self._opa)

    def kept(self, digest: str) -> Bundle | None:
        """A bundle that was ever active here."""
        with self._db.reading_tx() as tx:
            return kept_bundle(tx, digest)

    def _activate(self, bundle: Bundle, deed: Deed, *, origin: str, revision: str, signed_by: str | None) -> Activated:
        def change(tx: Tx) -> Outcome:
            before = state.standing(tx).bundle
            if before == bundle.digest:
                return Outcome((), before)
            now = int(deed.at)
            keep_bundle(tx, bundle, now=now)
            note_activation(tx, bundle.digest, origin, revision=revision, signed_by=signed_by, now=now)
            state.activate_bundle(tx, bundle.digest)
            objects = (Object("policy", bundle.digest),)
            event = deed.event("policy.published", objects=objects, facts={"before": before, "origin": origin})
            return Outcome((Record(event, (self._operator,)),), before)

        recorded = self._log.record(change)
        return Activated(bundle.digest, recorded.value, recorded.ids[0] if recorded.ids else None)

    def _found_active(self, tx: Tx, bundle: Bundle, deed: Deed, *, new: bool) -> Outcome:
        now = int(deed.at)
        keep_bundle(tx, bundle, now=now)
        if new:
            note_activation(tx, bundle.digest, FOLDER, revision=bundle.digest, signed_by=None, now=now)
        return Outcome(())

    def _go_on(self, problem: BundleInvalid | PolicyUnavailable) -> Bundle:
        """The active bundle as it is kept, because the one that was to replace it may not."""
        active = self.kept(self._log.standing.bundle)
        if active is None:
            raise problem
        logger.error("policy.not_activated", why=problem.detail, active=active.digest)
        return active
