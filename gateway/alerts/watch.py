"""Behind the log: each subscription reads on from its place, and what it asked to be told of goes out."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import structlog

from gateway.alerts import delivery, subscriptions
from gateway.alerts.address import Allowed
from gateway.alerts.delivery import Due
from gateway.alerts.matters import Matter, Thresholds, found_in
from gateway.alerts.subscriptions import MAY_SUBSCRIBE, Subscription
from gateway.audit.deed import Deed
from gateway.audit.log import Log, Outcome
from gateway.audit.reader import Filter, entries
from gateway.clock import Clock
from gateway.db import Database, Tx
from gateway.identity import enrolment
from gateway.problems import Problem

PAGE: Final = 500
SENDERS: Final = 4

logger = structlog.get_logger(__name__)


class Alerts:
    """One process's part in telling subscribers. `round` is called again and again, by one thread at a time.

    `keys`: each signs every message; more than one while a former key goes on being known to receivers.
    """

    def __init__(
        self,
        db: Database,
        log: Log,
        *,
        keys: Sequence[Mapping[str, Any]],
        allowed: Allowed,
        deed: Callable[[], Deed],
        rules: Callable[[], Mapping[str, Any]],
        gateway: str,
        clock: Clock,
    ) -> None:
        self.keys, self.allowed = keys, allowed
        self._db, self._log, self._deed, self._rules = db, log, deed, rules
        self._gateway, self._clock = gateway, clock
        self._tls = ssl.create_default_context()
        self._on_their_way: set[str] = set()
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="alerts")
        self._closing = threading.Event()
        self._at_work = threading.Lock()

    def close(self) -> None:
        self._closing.set()
        with self._at_work:  # a round under way ends first, and what is on its way: they use the log
            pass
        self._senders.shutdown(wait=True, cancel_futures=True)

    def round(self) -> None:
        """Read on for every subscription, then send what is due."""
        with self._at_work:
            if self._closing.is_set():
                return
            with self._db.reading() as session:
                active = subscriptions.active(session)
            for subscription in active:
                while not self._closing.is_set() and self._read_on(subscription):
                    pass
            if active:
                self._send()

    def test(self, subscription: Subscription, deed: Deed) -> None:
        """Put a message into the outbox that says it is only a test."""
        facts = {"gateway": self._gateway, "subscription": subscription.id, "test": True}
        now = int(deed.at)

        def change(tx: Tx) -> Outcome:
            delivery.write(tx, subscription.id, "test", f"{deed.at}", facts, now=now, news=True)
            return Outcome(())

        self._log.record(change)

    def _read_on(self, subscription: Subscription) -> bool:
        """Look at the next page for a subscription; whether there is another."""
        with self._db.reading_tx() as tx:
            row = tx.execute("SELECT seen FROM alert_place WHERE subscription = ?", (subscription.id,)).fetchone()
            size = tx.execute("SELECT size FROM log_head WHERE id = 1").fetchone()[0]
            with tx.session() as session:
                caller = enrolment.caller(session, subscription.agent)
            if row is None or row[0] >= size or caller is None or caller.roles.isdisjoint(MAY_SUBSCRIBE):
                return False
            seen: int = row[0]
            page = entries(tx, seen_by=caller.sees, filter=Filter(), before=size, after=seen - 1, limit=PAGE)
            thresholds, told = Thresholds.of(self._rules()), set[tuple[str, str]]()

            def known(kind: str, key: str) -> bool:
                sql = "SELECT 1 FROM alert_message WHERE subscription = ? AND kind = ? AND matter = ?"
                return (kind, key) in told or tx.execute(sql, (subscription.id, kind, key)).fetchone() is not None

            matters: list[tuple[Matter, str, int]] = []
            for stored in page:
                for matter in found_in(tx, stored, subscription, caller.sees, thresholds, known):
                    told.add((matter.kind, matter.key))
                    matters.append((matter, stored.id, stored.index))
        upto = page[-1].index + 1 if len(page) == PAGE else size
        self._log.record(partial(self._move, subscription=subscription.id, seen=seen, upto=upto, matters=matters))
        return len(page) == PAGE

    def _move(
        self, tx: Tx, *, subscription: str, seen: int, upto: int, matters: list[tuple[Matter, str, int]]
    ) -> Outcome:
        """Go on to `upto` with what was found on the way, unless another process has."""
        sql = "UPDATE alert_place SET seen = ? WHERE subscription = ? AND seen = ?"
        if tx.execute(sql, (upto, subscription, seen)).rowcount == 1:
            now = int(self._clock())
            for matter, entry, index in matters:
                facts = {"gateway": self._gateway, "subscription": subscription, "entry": entry, "index": index}
                delivery.write(
                    tx, subscription, matter.kind, matter.key, facts | dict(matter.facts), now=now, news=matter.news
                )
        return Outcome(())

    def _send(self) -> None:
        with self._db.reading_tx() as tx:
            waiting = delivery.due(tx, int(self._clock()))
        for message in waiting:
            # One at a time for each, and nobody waits for another: a receiver that is slow keeps its own messages only.
            if message.subscription not in self._on_their_way:
                self._on_their_way.add(message.subscription)
                self._senders.submit(self._carry, message)

    def _carry(self, message: Due) -> None:
        try:
            if not self._closing.is_set():
                self._one(message)
        except Exception:
            logger.exception("alerts.not_sent", subscription=message.subscription)
        finally:
            self._on_their_way.discard(message.subscription)

    def _one(self, message: Due) -> None:
        now = int(self._clock())
        if not self._log.record(lambda tx: Outcome((), delivery.take(tx, message, now))).value:
            return
        answered = delivery.post(self._tls, message, self.keys, self.allowed, now=now)
        now = int(self._clock())
        goes_on = self._log.record(lambda tx: Outcome((), delivery.settle(tx, message, answered, now))).value
        if not goes_on:
            self._give_up(message, "gone" if answered.gone else "unreachable")

    def _give_up(self, message: Due, why: str) -> None:
        """The receiver wants no more, or was not there for three days: its subscription ends, and the log says so."""
        with self._db.reading() as session:
            owner = next(
                (one.participant for one in subscriptions.active(session) if one.id == message.subscription), None
            )
        if owner is None:
            return
        try:
            self._log.record(
                partial(
                    subscriptions.end, subscription=message.subscription, participant=owner, deed=self._deed(), why=why
                )
            )
        except Problem as problem:
            logger.warning("alerts.not_ended", subscription=message.subscription, problem=problem.slug)
