"""A candidate beside the active bundle: it decides live requests too, and nobody is answered by it.

It runs in a process of its own, behind a queue that is never waited for: what does not fit is dropped and counted. In
the database stands which candidate runs, so every process of the gateway evaluates it.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from gateway.audit.deed import Deed
from gateway.audit.event import Object, Reason
from gateway.audit.log import Log, Outcome, Record
from gateway.db import Database, Tx
from gateway.policy import shadows
from gateway.policy.archive import Candidate
from gateway.policy.bundle import Bundle
from gateway.policy.decision import Decision
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.shadows import Counts, Otherwise
from gateway.policy.trial import Trial
from gateway.problems import Problem, WrongState

QUEUE = 256
MAX_BYTES = 64 * 1024
"""Of an input; with QUEUE of them, a bound on memory. Larger ones are dropped."""
BATCH = 32
WAIT_S = 0.2
FAILURES = 3
"""In a row, of the candidate's process; then the shadow ends."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Live:
    entry: str
    document: bytes
    decision: Decision


class Shadow:
    """The candidate in one process of the gateway. `saw` is for the event loop; everything else blocks."""

    def __init__(self, db: Database, log: Log, *, operator: str, deed: Callable[[], Deed]) -> None:
        self._db, self._log, self._operator, self._deed = db, log, operator, deed
        self._run: _Run | None = None
        self._changing = threading.Lock()

    def saw(self, entry: str, document: bytes, decision: Decision) -> None:
        """A live decision, as it was recorded. Never waits and never fails."""
        if self._run is not None:
            self._run.offer(_Live(entry, document, decision))

    def begin(self, candidate: Candidate, deed: Deed) -> None:
        """Put a candidate beside the active bundle, instead of the one that is there."""
        bundle = candidate.bundle

        def change(tx: Tx) -> Outcome:
            earlier = shadows.running(tx)
            records = () if earlier is None else (self._ended(deed, earlier[1]),)
            shadows.begin(tx, bundle, candidate.revision, now=int(deed.at))
            event = deed.event("policy.shadow_started", objects=(Object("policy", bundle.digest),))
            return Outcome((*records, Record(event, (self._operator,))))

        self._log.record(change)
        self.follow()

    def end(self, deed: Deed) -> None:
        """Take the candidate away; what it saw stays readable.

        Raises:
            WrongState: none runs.
        """

        def change(tx: Tx) -> Outcome:
            if (there := shadows.running(tx)) is None:
                raise WrongState("No candidate runs beside the active bundle.")
            shadows.end(tx, there[0], now=int(deed.at), why=None)
            return Outcome((self._ended(deed, there[1]),))

        self._log.record(change)
        self.follow()

    def follow(self) -> None:
        """Run here what the database says runs, also when another process began or ended it."""
        with self._changing:
            with self._db.reading_tx() as tx:
                there = shadows.running(tx)
                here = None if self._run is None else self._run.id
                bundle = None if there is None or there[0] == here else shadows.candidate(tx, there[0])
            if self._run is not None and (there is None or there[0] != self._run.id):
                gone, self._run = self._run, None
                gone.stop()
            if there is not None and bundle is not None:
                self._run = _Run(there[0], bundle, self._tally, self._give_up)

    def close(self) -> None:
        with self._changing:
            gone, self._run = self._run, None
        if gone is not None:
            gone.stop()

    def _tally(self, run: _Run, counts: Counts, differences: Sequence[Otherwise]) -> bool:
        """Whether the shadow still runs."""
        try:
            recorded = self._log.record(lambda tx: Outcome((), shadows.tally(tx, run.id, counts, differences)))
        except Problem as problem:
            logger.warning("shadow.not_counted", problem=problem.slug)
            return True
        return bool(recorded.value)

    def _give_up(self, run: _Run, problem: Problem) -> None:
        deed = self._deed()
        reason = Reason("shadow-failed", "The candidate's process hung or died again and again.")

        def change(tx: Tx) -> Outcome:
            if not shadows.end(tx, run.id, now=int(deed.at), why=problem.detail):
                return Outcome(())
            return Outcome((self._ended(deed, run.bundle.digest, reason),))

        logger.error("shadow.ended", why=problem.detail, candidate=run.bundle.digest)
        try:
            self._log.record(change)
        except Problem as away:
            logger.warning("shadow.not_counted", problem=away.slug)

    def _ended(self, deed: Deed, digest: str, reason: Reason | None = None) -> Record:
        outcome = "success" if reason is None else "failure"
        reasons = () if reason is None else (reason,)
        event = deed.event("policy.shadow_ended", outcome, objects=(Object("policy", digest),), reasons=reasons)
        return Record(event, (self._operator,))


class _Run:
    """One candidate, its queue, and the thread that asks its process."""

    def __init__(
        self,
        id: str,
        bundle: Bundle,
        tally: Callable[[_Run, Counts, Sequence[Otherwise]], bool],
        give_up: Callable[[_Run, Problem], None],
    ) -> None:
        self.id, self.bundle = id, bundle
        self._tally, self._give_up = tally, give_up
        self._waiting: queue.Queue[_Live] = queue.Queue(QUEUE)
        self._dropped = 0
        self._told = 0
        self._stopping = threading.Event()
        self._trial: Trial | None = None
        self._thread = threading.Thread(target=self._work, name="policy-shadow", daemon=True)
        self._thread.start()

    def offer(self, live: _Live) -> None:
        try:
            if len(live.document) > MAX_BYTES:
                raise queue.Full
            self._waiting.put_nowait(live)
        except queue.Full:
            self._dropped += 1

    def stop(self) -> None:
        """What waits is let go."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        failures = 0
        try:
            while not self._stopping.is_set():
                batch = self._next()
                dropped = self._dropped - self._told
                if not batch and not dropped:
                    continue
                answers: list[Decision | None] = [None] * len(batch)
                try:
                    answers = self._asked(batch)
                    failures = 0
                except (PolicyUnavailable, BundleInvalid) as problem:
                    failures += 1
                    self._close()
                    if failures == FAILURES:
                        self._give_up(self, problem)
                        return
                counts, differences = compared(batch, answers)
                counts.update({("asked", "dropped", ""): dropped} if dropped else {})
                self._told += dropped
                if not self._tally(self, counts, differences):
                    return
        finally:
            self._close()

    def _next(self) -> list[_Live]:
        """What waits, at most BATCH; empty where nothing came for a while."""
        found: list[_Live] = []
        try:
            found.append(self._waiting.get(timeout=WAIT_S))
            while len(found) < BATCH:
                found.append(self._waiting.get_nowait())
        except queue.Empty:
            return found
        return found

    def _asked(self, batch: Sequence[_Live]) -> list[Decision | None]:
        if self._trial is None:
            self._trial = Trial(self.bundle.files, self.bundle.packs, background=True)
        return list(self._trial.decide([live.document for live in batch]))

    def _close(self) -> None:
        if self._trial is not None:
            self._trial.close()
            self._trial = None


def compared(batch: Sequence[_Live], answers: Sequence[Decision | None]) -> tuple[Counts, list[Otherwise]]:
    """Everything but the bundle's digest is compared: results, reasons, obligations, limits."""
    counts: Counts = Counter()
    differences = []
    for live, answer in zip(batch, answers, strict=True):
        if answer is None:
            counts["asked", "unanswered", ""] += 1
        elif _said(answer) == _said(live.decision):
            counts["asked", "same", ""] += 1
        else:
            before = {reason.code for reason in live.decision.reasons}
            after = {reason.code for reason in answer.reasons}
            gone, new = tuple(sorted(before - after)), tuple(sorted(after - before))
            counts["asked", "different", ""] += 1
            counts["result", live.decision.result, answer.result] += 1
            counts.update({("rule", code, "gone"): 1 for code in gone} | {("rule", code, "new"): 1 for code in new})
            differences.append(Otherwise(live.entry, live.decision.result, answer.result, gone, new))
    return counts, differences


def _said(decision: Decision) -> object:
    return decision.result, decision.reasons, decision.obligations, decision.limits
