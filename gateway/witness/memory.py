"""What a witness remembers: for each log the last checkpoint it cosigned, in a file that is replaced durably.

A lost file is not made again: whoever forgot what it cosigned could cosign another past. Its key is retired with it.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import durable
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import NoteMalformed, SignatureUnverified
from gateway.audit.merkle import EMPTY_ROOT
from gateway.audit.note import KeyType, NoteSigner, VerifierKey, check_name, open_note, parse_vkey
from gateway.audit.submission import log_id
from gateway.crypto.canonical import canonical_json, strict_json
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.private import generate, private_key
from gateway.problems import Malformed, Problem, TooLarge

CONFIG: Final = "witness.json"
KEY: Final = "key.json"
LOCK: Final = "lock"
MAX_STATE_BYTES: Final = 256 * 1024
MAX_EVIDENCE: Final = 64


class WitnessRefused(Problem):
    """A witness's folder is not there, already there, in use, or not as it was left."""

    slug, status, title = "witness-refused", 400, "The witness's folder cannot be used"


@dataclass(frozen=True, slots=True)
class Seen:
    """The last cosigned checkpoint of a log; `note` None: never one, but perhaps one that was pinned by hand."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    at: int = 0
    note: str | None = None


class Memory:
    """A witness's folder, held by one process: its key, the logs it knows, and what it has seen of each.

    A log whose key is being replaced is known by both.
    """

    def __init__(self, folder: Path, signer: NoteSigner, logs: dict[str, tuple[VerifierKey, ...]], lock: int) -> None:
        self.folder = folder
        self.signer = signer
        self.logs = logs
        self._lock = lock
        self._seen = {origin: _load(folder, keys, signer.verifier) for origin, keys in logs.items()}

    @classmethod
    def open(cls, folder: Path, *, passphrase: str | None = None) -> Memory:
        """The witness in a folder.

        Raises:
            WitnessRefused: none there, in use, or a log's state is missing or is not what this witness wrote.
            KeyFileRefused: the key file is open to others or sealed under something else.
        """
        config = _read(folder / CONFIG)
        lock = _claim(folder)
        try:
            signer = _signer(folder, config["name"], passphrase)
            return cls(folder, signer, _logs(config), lock)
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def create(
        cls,
        folder: Path,
        name: str,
        logs: list[VerifierKey],
        *,
        known: list[Checkpoint] | None = None,
        passphrase: str | None = None,
    ) -> VerifierKey:
        """Make a witness in a new folder; the key others verify it by. `known`: where it begins, of logs that run.

        Raises:
            WitnessRefused: there is one already, or a log is named twice or with the key of a witness.
        """
        check_name(name)
        if not logs or len({key.name for key in logs}) != len(logs) or any(k.type is not KeyType.ED25519 for k in logs):
            raise WitnessRefused("Name each log once, by the key that signs its checkpoints.")
        at = {checkpoint.origin: checkpoint for checkpoint in known or ()}
        if unknown := at.keys() - {key.name for key in logs}:
            raise WitnessRefused(f"The checkpoint is of {min(unknown)}, which is none of these logs.")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / CONFIG).exists():
            raise WitnessRefused(
                f"{folder} holds a witness already. Its key and what it has seen are never overwritten."
            )
        save_private(folder / KEY, generate("Ed25519"), passphrase=passphrase)
        for key in logs:
            begun = at.get(key.name)
            _store(folder, key.name, Seen() if begun is None else Seen(begun.size, begun.root))
        config = {"logs": [str(key) for key in logs], "name": name}
        durable.replace(folder / CONFIG, canonical_json(config) + b"\n")
        return _signer(folder, name, passphrase).verifier

    def know(self, key: VerifierKey) -> None:
        """Know another key of a log that is watched already; what any of its keys signed is cosigned.

        Raises:
            WitnessRefused: no such log is watched, or the key is known.
        """
        keys = self.logs.get(key.name, ())
        if not keys or key in keys or key.type is not KeyType.ED25519:
            raise WitnessRefused(f"Name another key of a log that is watched here: {', '.join(sorted(self.logs))}.")
        self._keep({**self.logs, key.name: (*keys, key)})

    def forget(self, key: VerifierKey) -> None:
        """Know a log by this key no more.

        Raises:
            WitnessRefused: the key is not known, is the only one, or signed alone what was cosigned last.
        """
        left = tuple(known for known in self.logs.get(key.name, ()) if known != key)
        if not left or len(left) == len(self.logs[key.name]):
            raise WitnessRefused("Name one of several keys of a log that is watched here.")
        try:
            _load(self.folder, left, self.signer.verifier)
        except WitnessRefused:
            raise WitnessRefused(
                "Nothing was cosigned yet that the log's other key has signed. Try again later."
            ) from None
        self._keep({**self.logs, key.name: left})

    def _keep(self, logs: dict[str, tuple[VerifierKey, ...]]) -> None:
        config = {"logs": [str(key) for keys in logs.values() for key in keys], "name": self.signer.name}
        durable.replace(self.folder / CONFIG, canonical_json(config) + b"\n")
        self.logs = logs

    def seen(self, origin: str) -> Seen:
        return self._seen[origin]

    def remember(self, origin: str, seen: Seen) -> None:
        """Durable when this returns; whoever calls holds the door, and lets the cosignature out only now."""
        _store(self.folder, origin, seen)
        self._seen[origin] = seen

    def keep_evidence(self, origin: str, note: str) -> None:
        """Keep a checkpoint that the log signed and that contradicts what was cosigned: with it a fork is proved."""
        folder = self.folder / "evidence"
        folder.mkdir(exist_ok=True, mode=0o700)
        name = folder / f"{log_id(origin)[:16]}-{sha256(note.encode()).hexdigest()[:16]}.checkpoint"
        if not name.exists() and len(list(folder.iterdir())) < MAX_EVIDENCE:
            durable.replace(name, note.encode())

    def close(self) -> None:
        os.close(self._lock)


def _logs(config: dict[str, Any]) -> dict[str, tuple[VerifierKey, ...]]:
    logs: dict[str, tuple[VerifierKey, ...]] = {}
    for key in map(parse_vkey, config["logs"]):
        logs[key.name] = (*logs.get(key.name, ()), key)
    return logs


def _signer(folder: Path, name: str, passphrase: str | None) -> NoteSigner:
    key = private_key(load_private(folder / KEY, passphrase=passphrase))
    if not isinstance(key, Ed25519PrivateKey):
        raise WitnessRefused("A witness's key is an Ed25519 key.")
    return NoteSigner(name, key, KeyType.COSIGNATURE)


def _claim(folder: Path) -> int:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise WitnessRefused("Another process runs this witness. Two of them could cosign two pasts.") from None
    return handle


def _place(folder: Path, origin: str) -> Path:
    return folder / f"{log_id(origin)}.json"


def _store(folder: Path, origin: str, seen: Seen) -> None:
    value = {"at": seen.at, "note": seen.note, "origin": origin, "root": seen.root.hex(), "size": seen.size}
    durable.replace(_place(folder, origin), canonical_json(value) + b"\n")


def _load(folder: Path, keys: tuple[VerifierKey, ...], own: VerifierKey) -> Seen:
    origin = keys[0].name
    value = _read(_place(folder, origin))
    try:
        seen = Seen(value["size"], bytes.fromhex(value["root"]), value["at"], value["note"])
        checkpoint = Checkpoint(value["origin"], seen.size, seen.root)
        if seen.note is not None:
            open_note(seen.note, [own])
            if open_checkpoint(seen.note, keys) != checkpoint:
                raise NoteMalformed("The note is of another tree.")
    except (KeyError, TypeError, ValueError, NoteMalformed, SignatureUnverified) as error:
        raise WitnessRefused(f"What was seen of {origin} is not as this witness wrote it.") from error
    if checkpoint.origin != origin:
        raise WitnessRefused(f"What was seen of {origin} is of another log.")
    return seen


def _read(path: Path) -> dict[str, Any]:
    try:
        value = strict_json(path.read_bytes(), max_bytes=MAX_STATE_BYTES, max_depth=3)
    except FileNotFoundError:
        raise WitnessRefused(
            f"{path} is not there. A witness that has lost what it saw is not started again: make a new one."
        ) from None
    except (OSError, Malformed, TooLarge) as error:
        raise WitnessRefused(f"{path} cannot be read.") from error
    if not isinstance(value, dict):
        raise WitnessRefused(f"{path} cannot be read.")
    return value
