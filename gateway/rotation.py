"""Replacing a key of the gateway's own, on its machine, while none of its processes runs.

The next key is written beside the present one, `key.replaced` is recorded, and the files follow: see `ownkeys`. Whoever
is killed on the way leaves a gateway that starts with one of the two, and the log says with which.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from gateway import ownkeys
from gateway.audit import reader
from gateway.audit.deed import Deed
from gateway.audit.errors import LogDamaged
from gateway.audit.event import Actor, Object
from gateway.audit.log import Outcome, Record
from gateway.audit.note import NoteSigner
from gateway.clock import Clock, instant, seconds, system_clock
from gateway.crypto.keys import thumbprint
from gateway.crypto.private import ed25519_key, generate
from gateway.db import DatabaseInUse, Tx
from gateway.home import Home
from gateway.migrations.migrate import migrate
from gateway.ownkeys import ALGS, Name, Replaced
from gateway.problems import Problem, WrongState
from gateway.runtime import DEAD_AFTER_S, Runtime
from gateway.settings import Settings

DATED: Final[frozenset[Name]] = frozenset({"countersign"})
"""What these keys signed is judged by when it was signed: for the others it is over at once."""


class GatewayRuns(Problem):
    """A process of this gateway has the key in its memory."""

    slug, status, title = "gateway-runs", 409, "A process of this gateway is running"


class RootStays(Problem):
    """The root of the pseudonyms is never replaced."""

    slug, status, title = "root-stays", 409, "The root of the pseudonyms is not replaced"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done. `entry`: the log's. `contracts`: in force, and accepted when the key was compromised already.

    `vkey`: of the log's key, as others verify by it.
    """

    name: Name
    kid: str
    thumbprint: str
    former: str
    entry: str
    contracts: tuple[str, ...] = ()
    vkey: str | None = None


def rotate(
    settings: Settings, name: Name, *, compromised_since: int | None = None, clock: Clock = system_clock
) -> Rotated:
    """Put a new key in the place of the present one.

    Args:
        compromised_since: seconds, UTC: what the old key signed from then on counts for nothing, where what it signs
            has a date (contracts); for the other keys, that it does not go on signing beside the new one.

    Raises:
        GatewayRuns: nothing was changed. WrongState: an earlier former key still signs.
        LogSetBack, LogDamaged: the log is not the one that was left. LogUnavailable: run it again.
    """
    with _stopped(settings, clock) as (gateway, home):
        keys, now = home.keys, int(clock())
        if ownkeys.still_signing(keys, name).exists():
            raise WrongState(f"The {name} key before this one still signs. End it first, with --finish.")
        if compromised_since is not None and compromised_since > now:
            raise WrongState("A key is compromised since a time that has been.")
        jwk = generate(ALGS[name])
        new, old = thumbprint(jwk), home.thumbprints[name]
        ownkeys.propose(keys, name, jwk, passphrase=settings.passphrase())

        def change(tx: Tx) -> Outcome:
            _check_stopped(tx, now)
            until = _after_all(tx, now) if compromised_since is None else compromised_since
            replaced = Replaced(name, old, new, now, until, compromised_since is not None)
            # Ids of contract keys are DID URLs; the others are named in the same way.
            facts = replaced.facts(f"{home.did}#{old}", f"{home.did}#{new}")
            event = _deed(gateway).event("key.replaced", objects=(Object("gateway", home.did),), facts=facts)
            contracts = _accepted_since(tx, until) if replaced.compromised and name in DATED else ()
            return Outcome((Record(event, (home.operator,)),), contracts)

        vkey = None
        if name == "log":
            # From the entry on each checkpoint is signed by both: whoever knows one of the two can open it.
            signer = NoteSigner(home.origin, ed25519_key(jwk))
            gateway.log.signer, vkey = home.log.joined_by(signer), str(signer.verifier)
        try:
            recorded = gateway.log.record(change)
        except GatewayRuns:
            ownkeys.drop(ownkeys.upcoming(keys, name))
            raise
        ownkeys.settle_locked(keys, gateway.db, passphrase=settings.passphrase())
        return Rotated(name, f"{home.did}#{new}", new, old, recorded.ids[0], recorded.value, vkey)


def finish(settings: Settings, name: Name, *, clock: Clock = system_clock) -> str:
    """End the time in which the former key signs too; the entry's id. From then on only the present one does.

    Raises:
        WrongState: no former key signs. GatewayRuns, LogSetBack, LogDamaged, LogUnavailable: as `rotate`.
    """
    with _stopped(settings, clock) as (gateway, home):
        path = ownkeys.still_signing(home.keys, name)
        before = [each for each in ownkeys.former(home.keys) if each.name == name]
        if not path.exists() or not before:
            raise WrongState(f"No {name} key but the present one signs; there is nothing to finish.")
        old = thumbprint(before[-1].jwk)

        def change(tx: Tx) -> Outcome:
            _check_stopped(tx, int(clock()))
            facts = {"key": name, "kid": f"{home.did}#{old}", "thumbprint": f"sha-256:{old}"}
            event = _deed(gateway).event("key.revoked", objects=(Object("gateway", home.did),), facts=facts)
            return Outcome((Record(event, (home.operator,)),))

        recorded = gateway.log.record(change)
        ownkeys.settle_locked(home.keys, gateway.db, passphrase=settings.passphrase())
        return recorded.ids[0]


@contextmanager
def _stopped(settings: Settings, clock: Clock) -> Iterator[tuple[Runtime, Home]]:
    """The gateway with its log open and none of its processes at work; nobody else replaces keys meanwhile."""
    gateway = Runtime(settings, clock=clock)
    try:
        with ownkeys.locked(gateway.home.keys):
            # Somebody may have been killed at the same since this process read the keys.
            ownkeys.settle_locked(gateway.home.keys, gateway.db, passphrase=settings.passphrase())
            _open(gateway)
            try:
                yield gateway, gateway.home
                with gateway.db.reading_tx() as tx:
                    gateway.collector.pin.advance(reader.head(tx, gateway.home.log.verifier)[0])
            finally:
                gateway.log.close()
    finally:
        gateway.forget()


def _open(gateway: Runtime) -> None:
    try:
        gateway.db.claim()
    except DatabaseInUse:
        raise GatewayRuns("Stop it, replace the key, and start it again: it would go on with the old one.") from None
    if not gateway.db.has_table("log_head"):
        raise LogDamaged("There is no log here. Run `corridor init` first.")
    with gateway.db.reading_tx() as tx:
        _check_stopped(tx, int(gateway.clock()))
    with gateway.db.writing_connection() as connection, connection.begin():
        migrate(connection)
    # What is signed next must continue what was signed before, as at a start.
    gateway.collector.look_back()
    with gateway.db.reading_tx() as tx:
        ownkeys.check_present(gateway.home.thumbprints, tx)
    gateway.log.start()


def _check_stopped(tx: Tx, now: int) -> None:
    seen = tx.execute("SELECT max(seen) FROM instance").fetchone()[0]
    if seen is not None and seen >= now - DEAD_AFTER_S:
        raise GatewayRuns(
            f"One was heard from {max(0, now - seen)} s ago. Stop every process, replace the key, and start them again."
            f" One that was killed counts as stopped {DEAD_AFTER_S} s after it was heard from last."
        )


def _after_all(tx: Tx, now: int) -> int:
    """A second after all that is recorded: the clock of another process may be ahead, and what it signed must count."""
    newest = tx.execute("SELECT max(ts) FROM log_entry").fetchone()[0]
    return max(now, int(seconds(newest))) + 1


def _accepted_since(tx: Tx, since: int) -> tuple[str, ...]:
    sql = (
        "SELECT c.id FROM log_entry e JOIN contract c ON c.id = e.contract"
        " WHERE e.type = 'contract.activated' AND e.ts >= ? AND c.state IN ('FINALIZED', 'SUSPENDED') ORDER BY e.idx"
    )
    return tuple(row[0] for row in tx.execute(sql, (instant(since),)).fetchall())


def _deed(gateway: Runtime) -> Deed:
    return Deed(Actor("gateway", gateway.home.operator), gateway.node, gateway.clock())
