"""That the log found at the start is the one that was left: compared with what lies outside its database.

A database that was restored from an older copy is whole in itself; only somebody who saw more can tell. The gateway
keeps the newest checkpoint in its home, and witnesses keep theirs.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from gateway import durable
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import LogSetBack, NoteMalformed, SignatureUnverified
from gateway.audit.note import MAX_NOTE_BYTES, Keys
from gateway.audit.reader import tile_reader
from gateway.audit.tiles import TreeView
from gateway.db import Tx

PIN: Final = "checkpoint.pinned"

WHAT_TO_DO: Final = "The gateway does not go on with it; docs/audit.md says what to do."


def check_continues(tx: Tx, size: int, seen: Checkpoint, whose: str) -> None:
    """The log of `size` entries contains what was seen of it.

    Raises:
        LogSetBack: it is older, or has another past. `whose` checkpoint shows that, is said.
    """
    if seen.size > size:
        raise LogSetBack(
            f"The database's log has {size} entries. {whose} is of {seen.size}: an older database was put in place"
            f" of the newer one. {WHAT_TO_DO}",
            log_size=size,
            seen_size=seen.size,
        )
    if TreeView(size, tile_reader(tx)).frontier(seen.size).root() != seen.root:
        raise LogSetBack(
            f"The database's log has other entries among its first {seen.size} than {whose} was signed for: its past"
            f" was changed, or another log was put in its place. {WHAT_TO_DO}",
            log_size=size,
            seen_size=seen.size,
        )


class Pin:
    """The newest checkpoint this gateway has signed, in a file outside the database. It never goes back.

    `keys`: every key this log has had; the one that signed what is pinned may have been replaced since.
    """

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.path = folder / PIN
        self.keys = keys

    def read(self) -> Checkpoint | None:
        """What is pinned; None when nothing is.

        Raises:
            LogSetBack: the file is there and is no checkpoint of this log.
        """
        try:
            note = self.path.read_bytes()[: MAX_NOTE_BYTES + 1]
        except FileNotFoundError:
            return None
        try:
            return open_checkpoint(note, self.keys)
        except (NoteMalformed, SignatureUnverified) as error:
            raise LogSetBack(
                f"{self.path} is not a checkpoint that this log signed; it was changed, or is another log's."
                f" {WHAT_TO_DO}"
            ) from error

    def advance(self, note: str) -> None:
        """Pin this checkpoint, unless a newer one is pinned already; durable when this returns.

        Only what was read from the database after its commit is pinned: a pin is never ahead of the log.
        """
        size = open_checkpoint(note, self.keys).size
        handle = os.open(self.path.with_name(f".{PIN}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            pinned = self.read()
            if pinned is None or pinned.size < size:
                durable.replace(self.path, note.encode())
        finally:
            os.close(handle)


def check_pinned(tx: Tx, pin: Pin, size: int) -> None:
    """Compare with the pin, if there is one.

    Raises:
        LogSetBack: the log does not contain what is pinned.
    """
    pinned = pin.read()
    if pinned is not None:
        check_continues(tx, size, pinned, f"The checkpoint kept in {pin.path}")
