"""Collecting cosignatures beside the work: every second or so the newest checkpoint goes to all witnesses at once.

A thread of its own. Nobody who asks for something waits for it, and nothing that a witness does can fail a caller. All
witnesses are asked about the same checkpoint, so that on a busy log they come to a quorum; of several processes on one
database one asks at a time. The same thread keeps the pin in the gateway's home (see `continuity`).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx2
import structlog
from prometheus_client import Counter, Gauge

from gateway.audit import cosigned, reader
from gateway.audit.change import Outcome
from gateway.audit.continuity import WHAT_TO_DO, Pin, check_continues, check_pinned
from gateway.audit.errors import LogDamaged, LogSetBack, WitnessesBehind
from gateway.audit.log import Log
from gateway.audit.note import VerifierKey
from gateway.audit.tiles import TreeView
from gateway.audit.witness_client import Answer, Contradiction, Cosignature, WitnessClient, client
from gateway.audit.witnesses import WitnessPolicy
from gateway.clock import Clock
from gateway.db import Tx
from gateway.ids import uuid7
from gateway.problems import Problem

ROUND_S: Final = 1.0
REFRESH_S: Final = 300
"""A log that does not grow is cosigned again so often: that it stands still is seen to be recent."""
BACKOFF_S: Final = 60.0
LEASE_S: Final = 15

ENTRIES = Gauge("corridor_log_entries", "Entries in the audit log.")
FINAL = Gauge("corridor_log_cosigned_entries", "Entries under the newest checkpoint that enough witnesses cosigned.")
ANSWERS = Counter("corridor_witness_answers_total", "Answers of witnesses.", ["witness", "answer"])

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Asked:
    """A witness, when it is asked next, how long it is left alone after a failure, and what it cosigned when."""

    client: WitnessClient
    due: float = 0
    pause: float = ROUND_S
    size: int = 0
    at: float = 0


class Collector:
    """Collects for one log. `limit_s`: how long it may go without a quorum before it counts as behind.

    `former`: keys that this log had before, which witnesses may still hold a checkpoint of.
    """

    def __init__(
        self,
        log: Log,
        pin: Pin,
        policy: WitnessPolicy,
        *,
        limit_s: int,
        clock: Clock,
        round_s: float = ROUND_S,
        former: Sequence[VerifierKey] = (),
    ) -> None:
        self.log = log
        self.pin = pin
        self.policy = policy
        self.limit_s = limit_s
        self.behind_since: int | None = None
        self.set_back: LogSetBack | None = None
        self._clock = clock
        self._round_s = round_s
        self._me = uuid7()
        self._lease_until = 0
        self._final: cosigned.Cosigned | None = None
        self._waiting_since: int | None = None
        self._pinned = 0
        self._http: httpx2.Client | None = client() if policy.witnesses else None
        self._asked = [
            _Asked(WitnessClient(witness, self._http, (log.signer.verifier, *former)))
            for witness in policy.witnesses
            if witness.url is not None and self._http is not None
        ]
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None

    # -- at the start ------------------------------------------------------------------------------------------------

    def look_back(self) -> None:
        """Compare the log on disk with the pin, and with what the witnesses have seen. Writes nothing.

        Raises:
            LogSetBack: one of them has seen more, or something else.
            LogDamaged, SignatureUnverified: it is not what its head says, or not signed by the present key.
        """
        with self.log.db.reading_tx() as tx:
            # An older log may be signed by an older key only; that it is older is what has to be said of it.
            note, checkpoint = reader.head(tx, self.pin.keys)
            if TreeView(checkpoint.size, reader.tile_reader(tx)).root() != checkpoint.root:
                raise LogDamaged("The stored entries do not add up to the stored head of the log.")
            check_pinned(tx, self.pin, checkpoint.size)
        for one, answer in self._ask(self._asked, note):
            name = one.client.witness.name
            if isinstance(answer, Contradiction):
                raise self._contradicted(name, answer)
            if not isinstance(answer, Cosignature):
                logger.warning("witness.silent", witness=name, why=answer.why)
        with self.log.db.reading_tx() as tx:
            reader.head(tx, self.log.signer.verifier)
        if self.pin.read() is None:
            logger.warning("log.not_pinned", detail="no earlier checkpoint is kept here; this one is kept from now on")

    def start(self) -> None:
        """Begin to collect."""
        self._thread = threading.Thread(target=self._serve, name="log-witnesses", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
        if self._http is not None:
            self._http.close()

    # -- for callers -------------------------------------------------------------------------------------------------

    def check(self, *, required: bool) -> None:
        """Whether access may be granted, as far as the witnesses are concerned. Looks at memory only.

        Raises:
            LogSetBack: a witness holds a checkpoint of this log's own key that this log does not continue.
            WitnessesBehind: they are demanded, and have been behind for too long.
        """
        if self.set_back is not None:
            raise LogSetBack(self.set_back.detail, **self.set_back.members)
        if required and self.behind_since is not None:
            raise WitnessesBehind("Too few witnesses have cosigned the audit log lately, so nothing is released.")

    def wait_for(self, size: int, timeout_s: float) -> bool:
        """Whether a checkpoint with its quorum covers `size` entries, now or within `timeout_s`."""
        if self.policy.quorum is None or not self._asked or self.behind_since is not None:
            return False
        self._wake.set()
        with self._turn:
            return self._turn.wait_for(lambda: self._final is not None and self._final.size >= size, timeout_s)

    # -- the thread --------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                self.round()
            except Problem as problem:  # the log or the database is away: those who need them are told by them
                logger.warning("witnesses.round_failed", problem=problem.slug)
            except Exception:
                logger.exception("witnesses.round_failed")
            self._wake.wait(self._round_s)
            self._wake.clear()

    def round(self) -> None:
        """Pin the newest checkpoint, have it cosigned, and see how far the witnesses are."""
        with self.log.db.reading_tx() as tx:
            note, checkpoint = reader.head(tx, self.log.signer.verifier)
            final = cosigned.newest_final(tx, self.policy)
        self._come_to(final)
        ENTRIES.set(checkpoint.size)
        self._keep_pin(note, checkpoint.size)
        now = int(self._clock())
        if self._wanted(checkpoint.size, now) and (due := self._due(checkpoint.size)) and self._leads(now):
            self._collect(due, note, now)
        self._judge(checkpoint.size, now)

    def _keep_pin(self, note: str, size: int) -> None:
        if size == self._pinned:
            return
        try:
            self.pin.advance(note)
        except OSError as error:  # a full disk must not keep the witnesses from being asked
            logger.error("log.pin_failed", error=error.strerror)
        else:
            self._pinned = size

    def _wanted(self, size: int, now: int) -> bool:
        final = self._final
        return final is None or final.size < size or now - final.at >= REFRESH_S

    def _due(self, size: int) -> list[_Asked]:
        """Who has not cosigned this size yet, or long ago, and is not left alone after a failure."""
        now = self._clock()
        return [one for one in self._asked if one.due <= now and (one.size != size or now - one.at >= REFRESH_S)]

    def _come_to(self, final: cosigned.Cosigned | None) -> None:
        with self._turn:
            self._final = final
            self._turn.notify_all()

    def _collect(self, due: list[_Asked], note: str, now: int) -> None:
        lines: dict[str, list[Cosignature]] = {}
        for one, answer in self._ask(due, note):
            self._note_answer(one, answer)
            if isinstance(answer, Cosignature):
                lines.setdefault(answer.note, []).append(answer)
        for checkpoint, found in lines.items():
            signatures = [one.line for one in found]
            self.log.record(partial(cosigned.keep, note=checkpoint, lines=signatures, policy=self.policy, at=now))
        if lines:
            with self.log.db.reading_tx() as tx:
                final = cosigned.newest_final(tx, self.policy)
            self._come_to(final)

    def _ask(self, due: list[_Asked], note: str) -> list[tuple[_Asked, Answer]]:
        """All at once; each within a few seconds."""
        if not due:
            return []
        now = int(self._clock())

        def ask(one: _Asked) -> Answer:
            return one.client.ask(note, self._newest, self._proof, now=now)

        with ThreadPoolExecutor(len(due), thread_name_prefix="witness") as pool:
            return list(zip(due, pool.map(ask, due), strict=True))

    def _note_answer(self, one: _Asked, answer: Answer) -> None:
        name = one.client.witness.name
        ANSWERS.labels(name, type(answer).__name__.lower()).inc()
        if isinstance(answer, Cosignature):
            one.due, one.pause, one.size, one.at = 0, self._round_s, one.client.size, self._clock()
            return
        # Each waits its own while, so that all of them do not come back at once.
        one.due = self._clock() + one.pause * random.uniform(0.7, 1.3)  # noqa: S311  a pause, no secret
        one.pause = min(one.pause * 2, BACKOFF_S)
        if isinstance(answer, Contradiction):
            problem = self._contradicted(name, answer)
            logger.error("log.contradicted", witness=name, detail=problem.detail, proved=answer.proof is not None)
            # On a witness's bare word nobody is stopped while running; on this log's own signature all are.
            if answer.proof is not None and not self._holds(answer):
                self.set_back = problem
        else:
            logger.warning("witness.silent", witness=name, why=answer.why)

    def _judge(self, size: int, now: int) -> None:
        final = self._final
        FINAL.set(0 if final is None else final.size)
        if self.policy.quorum is None or (final is not None and final.size >= size):
            self.behind_since = self._waiting_since = None
            return
        # A busy log is always ahead of its witnesses by a little: what counts is when they last came to a quorum.
        self._waiting_since = self._waiting_since or now
        since = max(self._waiting_since, 0 if final is None else final.at)
        behind = now - since > self.limit_s
        if behind and self.behind_since is None:
            logger.error("witnesses.behind", log_size=size, cosigned_size=0 if final is None else final.size)
        self.behind_since = since if behind else None

    def _contradicted(self, name: str, answer: Contradiction) -> LogSetBack:
        """What a witness has against this log, as precisely as it can be said."""
        if answer.proof is not None:
            try:
                self._check_holds(answer)
            except LogSetBack as problem:
                problem.members["witness"] = name
                return problem
        return LogSetBack(
            f"Witness {name} says that it cosigned a log of {answer.size} entries which this one does not continue, and"
            f" shows no checkpoint for it. {WHAT_TO_DO}",
            seen_size=answer.size,
            witness=name,
        )

    def _holds(self, answer: Contradiction) -> bool:
        try:
            self._check_holds(answer)
        except LogSetBack:
            return False
        return True

    def _check_holds(self, answer: Contradiction) -> None:
        if answer.proof is not None:
            with self.log.db.reading_tx() as tx:
                _, checkpoint = reader.head(tx, self.log.signer.verifier)
                check_continues(tx, checkpoint.size, answer.proof, "A checkpoint that a witness holds")

    def _leads(self, now: int) -> bool:
        """Whether this process asks the witnesses. With one process on a database nobody has to be asked."""
        if self.log.alone or now < self._lease_until - LEASE_S // 2:
            return True
        until = now + LEASE_S
        got = self.log.record(partial(_take_lease, me=self._me, now=now, until=until)).value
        self._lease_until = until if got else 0
        return bool(got)

    def _newest(self) -> str:
        with self.log.db.reading_tx() as tx:
            return reader.head(tx, self.log.signer.verifier)[0]

    def _proof(self, old: int, size: int) -> list[bytes]:
        with self.log.db.reading_tx() as tx:
            return reader.consistency(tx, old, size)


def _take_lease(tx: Tx, me: str, now: int, until: int) -> Outcome:
    sql = (
        "INSERT INTO log_collector (id, holder, until) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET holder = excluded.holder, until = excluded.until"
        " WHERE log_collector.holder = ? OR log_collector.until < ?"
    )
    return Outcome((), tx.execute(sql, (me, until, me, now)).rowcount == 1)
