"""The gateway's own keys as files: the present ones, those that were, and one that is about to be.

    keys/token.json          the present key, private
    keys/token.next.json     one that a rotation has made; nothing uses it yet
    keys/alert.former.json   one that was replaced and goes on signing beside the present one
    keys/former.json         the public halves of all that were

What the log says holds. A rotation writes the next key beside the present one, records `key.replaced`, and puts it in
place only then. Killed before the entry is durable, the next key is dropped at the next start; after it, the rest is
done then. So files and log agree whenever a gateway starts.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import orjson

from gateway import durable
from gateway.clock import instant
from gateway.crypto.canonical import canonical_json, strict_json
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keys import Alg, thumbprint
from gateway.crypto.private import public_jwk
from gateway.db import Database, Tx
from gateway.problems import Problem

Name = Literal["token", "countersign", "bundle", "alert", "log"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
"""The keys that can be replaced. The root of the pseudonyms cannot: see docs/operations.md."""
ALGS: Final[Mapping[Name, Alg]] = {
    "token": "ES256",
    "countersign": "Ed25519",
    "bundle": "ES256",
    "alert": "Ed25519",
    "log": "Ed25519",
}
OVERLAP: Final[frozenset[Name]] = frozenset({"alert", "log"})
"""Whoever verifies by these keys was given them by hand: the former one signs too, until its end is recorded."""
FORMER: Final = "former.json"
MAX_FORMER: Final = 1024 * 1024
CLOCKS_S: Final = 60
"""By so much the clocks of a gateway's processes may differ."""


class OwnKeyDiffers(Problem):
    """A key file is not the one that the log says is the gateway's: an older home, or a rotation in between."""

    slug, status, title = "own-key-differs", 409, "A key of the gateway is not the one its log names"


@dataclass(frozen=True, slots=True)
class Former:
    """A key that was replaced. `valid_until`: from then on (seconds, UTC) no signature by it counts.

    `state`: retired, or compromised, which is the same for whoever verifies and another thing to know.
    """

    name: Name
    kid: str
    jwk: Mapping[str, str]
    state: Literal["retired", "compromised"]
    valid_from: int
    valid_until: int
    replaced_at: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """What an entry `key.replaced` says: RFC 7638 thumbprints of both keys, and when the old one ended."""

    name: Name
    old: str
    new: str
    at: int
    until: int
    compromised: bool

    def facts(self, old_kid: str, new_kid: str) -> dict[str, str | int | bool]:
        """The entry's own members; `replacements` reads them back."""
        return {
            "key": self.name,
            "old_kid": old_kid,
            "old_thumbprint": f"sha-256:{self.old}",
            "new_kid": new_kid,
            "new_thumbprint": f"sha-256:{self.new}",
            "replaced_at": self.at,
            "valid_until": self.until,
            "compromised": self.compromised,
        }


def replacements(tx: Tx) -> list[Replaced]:
    """Every replacement of a key of the gateway's own, oldest first."""
    return [
        Replaced(
            facts["key"],
            facts["old_thumbprint"].removeprefix("sha-256:"),
            facts["new_thumbprint"].removeprefix("sha-256:"),
            facts["replaced_at"],
            facts["valid_until"],
            facts["compromised"],
        )
        for facts in _facts(tx, "key.replaced")
    ]


def ended(tx: Tx) -> set[str]:
    """Thumbprints of former keys that sign no more."""
    return {facts["thumbprint"].removeprefix("sha-256:") for facts in _facts(tx, "key.revoked")}


def _facts(tx: Tx, kind: str) -> list[dict[str, Any]]:
    # Only the gateway itself writes these as `gateway`; participants' keys are replaced by agents.
    sql = "SELECT body FROM log_entry WHERE type = ? AND agent = 'gateway' ORDER BY idx"
    found = [orjson.loads(row[0])["facts"] for row in tx.execute(sql, (kind,)).fetchall()]
    return [facts for facts in found if facts.get("key") in NAMES]


def present(keys: Path, name: Name) -> Path:
    return keys / f"{name}.json"


def upcoming(keys: Path, name: Name) -> Path:
    return keys / f"{name}.next.json"


def still_signing(keys: Path, name: Name) -> Path:
    return keys / f"{name}.former.json"


def propose(keys: Path, name: Name, jwk: Mapping[str, Any], *, passphrase: str | None) -> None:
    """Write the next key beside the present one, durably."""
    save_private(upcoming(keys, name), jwk, passphrase=passphrase)


def drop(path: Path) -> None:
    """Remove a private key for good."""
    path.unlink(missing_ok=True)
    durable.sync_folder(path.parent)


def former(keys: Path) -> tuple[Former, ...]:
    """The keys that were, oldest first.

    Raises:
        OwnKeyDiffers: the file is not one that `settle` wrote.
    """
    try:
        data = (keys / FORMER).read_bytes()
    except FileNotFoundError:
        return ()
    try:
        found = tuple(Former(**each) for each in strict_json(data, max_bytes=MAX_FORMER)["keys"])
    except (Problem, TypeError, KeyError) as error:
        raise OwnKeyDiffers(f"{keys / FORMER} is not what the gateway wrote; put the file back.") from error
    return found


def settle(keys: Path, db: Database, *, passphrase: str | None) -> bool:
    """Finish or drop what a rotation that was killed has left, by what the log says.

    Whether the files may be others than before: another process that starts may have been quicker.
    """
    if not _left(keys):
        return False
    begun = any(upcoming(keys, name).exists() for name in NAMES)
    with locked(keys):
        return settle_locked(keys, db, passphrase=passphrase) or begun


def settle_locked(keys: Path, db: Database, *, passphrase: str | None) -> bool:
    """The same, for who holds the lock."""
    done = False
    if not _left(keys) or not db.has_table("log_entry"):
        return done
    with db.reading_tx() as tx:
        replaced, over = replacements(tx), ended(tx)
    for name in NAMES:
        path = upcoming(keys, name)
        if path.exists():
            new = thumbprint(load_private(path, passphrase=passphrase))
            entry = next((each for each in replaced if each.name == name and each.new == new), None)
            done = True
            if entry is None:
                drop(path)
            else:
                _put_in_place(keys, entry, passphrase)
        path = still_signing(keys, name)
        if path.exists() and thumbprint(load_private(path, passphrase=passphrase)) in over:
            drop(path)
            done = True
    return done


def check_present(keys: Mapping[Name, str], tx: Tx) -> None:
    """Compare the keys in use, as thumbprints, with those that the log names.

    Raises:
        OwnKeyDiffers: one was replaced by another than this.
    """
    named = {each.name: each for each in replacements(tx)}
    for name, each in named.items():
        if keys[name] != each.new:
            raise OwnKeyDiffers(
                f"By the log the {name} key was replaced on {instant(each.at)} by another than keys/{name}.json holds:"
                " an older copy of the home directory was put in place, or the key was replaced while this process"
                " started. Put the newest copy back, or start again."
            )


@contextmanager
def locked(keys: Path) -> Iterator[None]:
    """Nobody else replaces keys, or finishes that, meanwhile. Waits."""
    handle = os.open(keys / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _left(keys: Path) -> bool:
    return any(path(keys, name).exists() for name in NAMES for path in (upcoming, still_signing))


def _put_in_place(keys: Path, entry: Replaced, passphrase: str | None) -> None:
    """What follows the entry. Each step may have been done already, and the last one ends it."""
    path = present(keys, entry.name)
    old = load_private(path, passphrase=passphrase)
    if thumbprint(old) != entry.old:
        raise OwnKeyDiffers(f"keys/{entry.name}.json is not the key that the log says was replaced; put it back.")
    known = former(keys)
    if not any(each.name == entry.name and thumbprint(each.jwk) == entry.old for each in known):
        begun = max((each.replaced_at for each in known if each.name == entry.name), default=None)
        added = Former(
            entry.name,
            old["kid"],
            {**public_jwk(old)},
            "compromised" if entry.compromised else "retired",
            valid_from(begun),
            entry.until,
            entry.at,
        )
        content = canonical_json({"keys": [asdict(each) for each in (*known, added)]})
        durable.replace(keys / FORMER, content + b"\n")
    if entry.name in OVERLAP and not entry.compromised:
        durable.replace(still_signing(keys, entry.name), path.read_bytes())
    os.rename(upcoming(keys, entry.name), path)
    durable.sync_folder(keys)


def valid_from(replaced_at: int | None) -> int:
    """From when on a key counts that came in the place of another then; None: it is the first."""
    # A process whose clock is behind must be able to use it at once.
    return 0 if replaced_at is None else replaced_at - CLOCKS_S
