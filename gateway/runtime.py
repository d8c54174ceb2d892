"""One running gateway: its home, database, log, policy engine and broker, put together from settings.

Made by `app` for serving and by the command line for `init`. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from connectors.base import Source
from connectors.registry import Sources as Connectors
from gateway import ownkeys
from gateway.access import resuming
from gateway.access.broker import Broker, Sources
from gateway.access.engine import Limits
from gateway.access.engines import Engines
from gateway.access.errors import Busy
from gateway.access.ground import Grounds
from gateway.access.retention import erase_old_inputs
from gateway.alerts.address import Allowed
from gateway.alerts.watch import Alerts
from gateway.approvals import recording, review
from gateway.audit import state, tally
from gateway.audit.collector import Collector
from gateway.audit.continuity import Pin
from gateway.audit.deed import Deed
from gateway.audit.errors import PolicyFileMalformed
from gateway.audit.event import Actor
from gateway.audit.event import Source as Node
from gateway.audit.log import Log, Outcome
from gateway.audit.witnesses import NO_WITNESSES, WitnessPolicy, parse_policy
from gateway.catalog.model import SourceRef
from gateway.clock import Clock, system_clock
from gateway.contracts import lifecycle as contract_lifecycle
from gateway.contracts.lifecycle import House
from gateway.contracts.published import Published
from gateway.crypto.keys import screen
from gateway.crypto.private import public_jwk
from gateway.db import Database, Tx
from gateway.home import Home
from gateway.identity.directory import Directory
from gateway.identity.oidc import Providers
from gateway.ids import uuid7
from gateway.migrations.migrate import migrate
from gateway.participants import store
from gateway.policy.active import Policies
from gateway.policy.archive import Candidate, opened
from gateway.policy.bundle import Bundle, load_bundle
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Engine
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.lifecycle import Lifecycle
from gateway.policy.opa import OpaEngine
from gateway.policy.shadow import Shadow
from gateway.policy.signing import TrustedKey, trusted_key
from gateway.problems import Problem
from gateway.settings import Settings

HOUSEKEEPING_S = 20
TELL_S = 2
TALLY_STEPS = 50
"""In a row, so that the alerts of a log that is long and was never counted wait seconds at most."""
DEAD_AFTER_S = 90
TRIALS = 2
"""Processes that decide again for somebody at a time."""
TILE_READS = 4
"""Tiles read at a time for strangers: those who ask for data must find a connection."""
TRIED_ON = 64
"""The newest inputs on which rules are tried before they become active."""
FAILURES_PER_MINUTE = 5

logger = structlog.get_logger(__name__)


@dataclass
class FailureGate:
    """How many failed logins of one agent are written down: a few a minute, so that strangers cannot fill the log."""

    clock: Clock
    _minute: int = 0
    _counts: dict[str, int] = field(default_factory=dict)

    def admit(self, agent: str) -> bool:
        minute = int(self.clock() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        self._counts[agent] = self._counts.get(agent, 0) + 1
        return self._counts[agent] <= FAILURES_PER_MINUTE


class Runtime:
    """A gateway process. `start` before serving, `close` after; both on the event loop that serves."""

    def __init__(self, settings: Settings, *, clock: Clock = system_clock) -> None:
        self.settings = settings
        self.clock = clock
        self.home = Home.load(settings.home, passphrase=settings.passphrase())
        self.db = Database(settings.database)
        if self._settled():
            self.home = Home.load(settings.home, passphrase=settings.passphrase())
        self._candidate = _candidate(settings)
        self.instance = uuid7()
        self.node = Node(self.home.origin, site=self.home.did)
        self.log = Log(self.db, signer=self.home.log, clock=clock)
        self.collector = Collector(
            self.log,
            Pin(settings.home, self.home.log_keys),
            _witnesses(settings, self.home),
            limit_s=settings.witness_limit_s,
            clock=clock,
            former=self.home.former_log_keys,
        )
        self.tile_reads = threading.BoundedSemaphore(TILE_READS)
        self.directory = Directory(self.db, self.home.tokens, clock)
        self.failures = FailureGate(clock)
        plain = self.home.development
        self.providers = Providers.read(settings.sign_in, plain=plain) if settings.sign_in else Providers()
        self.contract_house = _contract_house(self.home)
        self.contract_status = Published(self.db, self.contract_house, clock)
        self._connectors: dict[str, Connectors] = {}
        self.lifecycle = Lifecycle(
            self.db, self.log, operator=self.home.operator, inputs=self._newest_inputs, opa=settings.opa
        )
        self.shadow = Shadow(self.db, self.log, operator=self.home.operator, deed=self.deed)
        self.alerts = Alerts(
            self.db,
            self.log,
            keys=self.home.alert_keys,
            allowed=Allowed.parse(settings.alert_hosts, plain=self.home.development),
            deed=self.deed,
            rules=lambda: self.policies.current.bundle.data,
            gateway=self.home.did,
            clock=clock,
        )
        self.trials = threading.BoundedSemaphore(TRIALS)
        self.query_engines: Engines
        self.broker: Broker
        self.policies: Policies
        self._housekeeping: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the log, activate the policies, close what a crash left open, and begin to keep house."""
        bundle = await asyncio.to_thread(self._open)
        embedded = self.settings.policy_engine == "embedded"
        # While an OPA server is away nothing is permitted, not even what it permitted before: nothing is recalled.
        self.policies = Policies(bundle, make_engine=self._engine, remember=embedded, kept=self.lifecycle.kept)
        grounds = Grounds(self.db, gateway=self.home.did, keys=self.contract_house.ring)
        scratch = self.settings.home / "scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        self.query_engines = Engines(Limits(scratch, self.settings.query_memory_mb))
        self.broker = Broker(
            log=self.log,
            policies=self.policies,
            grounds=grounds,
            sources=Sources(self.open_source, self.home.pseudonym_root, self.query_engines),
            clock=self.clock,
            node=self.node,
            gateway=self.home.did,
            instance=self.instance,
            deliveries=self.settings.deliveries,
            saw=self.shadow.saw,
            may_release=partial(self.collector.check, required=self.settings.witnesses_required),
        )
        await asyncio.to_thread(self._recover)
        await asyncio.to_thread(self.shadow.follow)
        self.collector.start()
        self._housekeeping = asyncio.create_task(self._keep_house())
        self._telling = asyncio.create_task(self._tell())

    async def close(self) -> None:
        for task in (self._housekeeping, self._telling):
            if task is not None:
                task.cancel()
        await asyncio.to_thread(self.alerts.close)
        await self.broker.close()
        await asyncio.to_thread(self.shadow.close)
        await asyncio.to_thread(self.query_engines.close)
        await self.policies.close()
        await asyncio.to_thread(self.collector.close)
        if not self.db.is_sqlite:
            await asyncio.to_thread(self._leave)
        await asyncio.to_thread(self.log.close)
        self.db.close()

    def open_source(self, provider: str, source: SourceRef) -> Source:
        """A source of this provider. Each provider has a folder of its own, named by its DID; none sees another's."""
        return self._sources(provider).source(source.kind, source.path)

    def source_files(self, provider: str, *, most: int) -> list[str]:
        """Paths in the provider's own folder that look like sources."""
        return self._sources(provider).files(most=most)

    def _sources(self, provider: str) -> Connectors:
        connectors = self._connectors.get(provider)
        if connectors is None:
            connectors = self._connectors[provider] = Connectors(self.settings.source_root / source_folder(provider))
        return connectors

    def trial_place(self) -> ExitStack:
        """One of the few places for processes that decide by rules of any bundle, to be given back.

        Raises:
            Busy: all are taken.
        """
        if not self.trials.acquire(blocking=False):
            raise Busy("Others are making decisions again just now. Try again shortly.")
        held = ExitStack()
        held.callback(self.trials.release)
        return held

    def contract_keys(self, participants: tuple[str, ...]) -> dict[str, Any]:
        """Everything `corridor contract verify` needs to know of whose key is whose."""
        with self.db.reading() as session:
            keys = [key for did in participants for key in store.keys_of(session, did)]
        return {
            "gateway": self.home.did,
            "keys": [
                {
                    "kid": key.kid,
                    "did": key.did,
                    "jwk": dict(key.public.jwk),
                    "purpose": key.purpose,
                    "state": key.state,
                    "valid_from": key.valid_from,
                    "valid_until": key.valid_until,
                    "compromised_since": key.compromised_since,
                }
                for key in [*keys, *self.contract_house.ring]
            ],
        }

    def own_bundle_key(self) -> TrustedKey:
        """The gateway's own key for bundles, as others verify by it."""
        return TrustedKey("gateway", screen(public_jwk(self.home.bundle_key), purpose="bundle"))

    def opened(self, archive: bytes) -> Candidate:
        """The bundle in an archive that the gateway itself or somebody the operator names has signed.

        Raises:
            BundleInvalid, TooLarge: it is not one that may decide.
            PolicyUnavailable: the folder of keys cannot be read.
        """
        return opened(archive, [self.own_bundle_key(), *self._named_keys()])

    def _named_keys(self) -> list[TrustedKey]:
        folder = self.settings.bundle_keys
        if folder is None:
            return []
        try:
            found = [(path.stem, path.read_bytes()) for path in sorted(folder.iterdir()) if path.is_file()]
        except OSError as error:
            raise PolicyUnavailable(f"CORRIDOR_BUNDLE_KEYS cannot be read: {error.strerror}.") from error
        return [trusted_key(name, content) for name, content in found]

    def deed(self) -> Deed:
        """What the gateway itself does, now."""
        return Deed(Actor("gateway", self.home.did), self.node, self.clock())

    def _open(self) -> Bundle:
        """The database, the log, and the bundle that decides from now on."""
        self.db.claim()
        with self.db.writing_connection() as connection, connection.begin():
            migrate(connection)
        self.log.start()
        try:
            self.collector.look_back()
            if not self.db.is_sqlite:
                self._heartbeat(int(self.clock()))
            # After the heartbeat: whoever replaces a key from here on sees that this process is alive.
            with self.db.reading_tx() as tx:
                ownkeys.check_present(self.home.thumbprints, tx)
        except BaseException:
            self.collector.close()
            self.log.close()
            raise
        return self.lifecycle.at_start(self._candidate, self.deed())

    def _settled(self) -> bool:
        """Whether a rotation of a key had been killed, and was brought to its end now."""
        try:
            return ownkeys.settle(self.home.keys, self.db, passphrase=self.settings.passphrase())
        except BaseException:
            self.db.close()
            raise

    def forget(self) -> None:
        """Let go of what was put together and never started."""
        self.collector.close()
        self.db.close()

    def look_first(self) -> None:
        """Raise what would keep the gateway from starting, as far as it can be told without starting."""
        self.db.claim()
        if self.db.has_table("log_head"):
            self.collector.look_back()
            with self.db.reading_tx() as tx:
                ownkeys.check_present(self.home.thumbprints, tx)
        if isinstance(self._candidate, BundleInvalid):
            with self.db.reading_tx() as tx:
                active = state.standing(tx).bundle
            if self.lifecycle.kept(active) is None:
                raise self._candidate

    def _newest_inputs(self) -> list[bytes]:
        """On which rules are tried before they become active."""
        with self.db.reading_tx() as tx:
            sql = "SELECT document FROM decision_input ORDER BY entry DESC LIMIT ?"
            return [bytes(row[0]) for row in tx.execute(sql, (TRIED_ON,)).fetchall()]

    def _recover(self) -> None:
        """At the start, and again while other processes may die."""
        now = int(self.clock())
        dead: tuple[str, ...] | None = None
        if not self.db.is_sqlite:
            dead = self._heartbeat(now)
        if cut_off := self.broker.recover(dead=dead):
            logger.warning("deliveries.cut_off", count=cut_off)

    def _heartbeat(self, now: int) -> tuple[str, ...]:
        """Say that this process lives; which others have not been heard from for too long."""
        dead: list[str] = []

        def change(tx: Tx) -> Outcome:
            sql = "INSERT INTO instance (id, seen) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen"
            tx.execute(sql, (self.instance, now))
            dead.extend(
                row[0] for row in tx.execute("SELECT id FROM instance WHERE seen < ?", (now - DEAD_AFTER_S,)).fetchall()
            )
            return Outcome(())

        self.log.record(change)
        return tuple(dead)

    def _leave(self) -> None:
        """Say that this process has ended, so that nobody need wait to be sure of it."""
        try:
            self.log.record(lambda tx: Outcome((), tx.execute(_LEFT, (self.instance,)).rowcount))
        except Problem as problem:  # the database is away: it will be taken for dead in DEAD_AFTER_S
            logger.warning("instance.not_left", problem=problem.slug)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                await asyncio.to_thread(self._house_round)
            except Exception:
                logger.exception("housekeeping.failed")

    async def _tell(self) -> None:
        """Follow the log: count its decisions, and look for what somebody asked to be told of."""
        while True:
            await asyncio.sleep(TELL_S)
            try:
                await asyncio.to_thread(self._count_on)
            except Exception:
                logger.exception("tally.failed")
            try:
                await asyncio.to_thread(self.alerts.round)
            except Exception:
                logger.exception("alerts.failed")

    def _count_on(self) -> None:
        for _ in range(TALLY_STEPS):
            if not self.log.record(tally.advance).value:
                break

    def _house_round(self) -> None:
        self.query_engines.expire()
        deed = self.deed()
        for ends in (contract_lifecycle.expire, recording.expire, review.lapse, resuming.forget):
            self.log.record(partial(ends, deed=deed))
        years, operator = self.settings.keep_inputs_years, self.home.operator
        self.log.record(partial(erase_old_inputs, deed=deed, years=years, operator=operator))
        if not self.db.is_sqlite:
            self._recover()
        self.shadow.follow()

    def _engine(self, bundle: Bundle) -> Engine:
        if self.settings.policy_engine == "embedded":
            return EmbeddedEngine(bundle)
        token_file = self.settings.opa_token_file
        token = None if token_file is None else token_file.read_text(encoding="utf-8").strip()
        return OpaEngine(self.settings.opa_url, bundle.digest, token=token)


def _candidate(settings: Settings) -> Bundle | BundleInvalid:
    """The bundle the operator wants to decide, or what is wrong with it."""
    try:
        return load_bundle(settings.policies, settings.packs_on)
    except BundleInvalid as problem:
        return problem


def _witnesses(settings: Settings, home: Home) -> WitnessPolicy:
    """Who watches the log, as the operator's file says.

    Raises:
        PolicyFileMalformed, NoteMalformed: the file is not one of witnesses, or is of another log.
    """
    if settings.witnesses is None:
        return NO_WITNESSES
    policy = parse_policy(settings.witnesses.read_text(encoding="utf-8"))
    if policy.logs and not set(home.log.verifiers) & set(policy.logs):
        raise PolicyFileMalformed(f"{settings.witnesses} names other logs than this one, {home.log.verifier}.")
    return policy


def source_folder(participant: str) -> str:
    """The folder of a participant's sources beneath the operator's root: its DID, with `+` for every colon."""
    return participant.replace(":", "+")


def _contract_house(home: Home) -> House:
    countersigner = home.countersigner
    uri = f"{home.public_url}/v1/status/1"
    return House(home.did, uri, countersigner.kid, countersigner.jwk, countersigner.ring)


_LEFT = "UPDATE instance SET seen = 0 WHERE id = ?"
