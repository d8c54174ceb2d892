"""Checkpoints: how large the log is and what its root is, signed by the log (C2SP tlog-checkpoint v1.0.0)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.audit.errors import NoteMalformed
from gateway.audit.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from gateway.audit.note import (
    Keys,
    KeyType,
    Note,
    as_keys,
    check_name,
    decode_base64,
    encode_base64,
    open_note,
    parse_decimal,
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head. `origin` names the log and is its key's name; `root` is 32 bytes over `size` entries."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.origin)
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise NoteMalformed("A checkpoint has a size of 0 to 2**63 - 1 and a root of 32 bytes.")
        if (self.size == 0) != (self.root == EMPTY_ROOT):
            raise NoteMalformed("The empty log, and no other, has the root of no entries.")

    def text(self) -> str:
        """What is signed: origin, size and root, a line each."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The inverse of `Checkpoint.text`. Extension lines are refused: nothing that we would not understand is signed.

    Raises:
        NoteMalformed: not exactly three lines of that form.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise NoteMalformed("A checkpoint is three lines: origin, size and root.")
    return Checkpoint(lines[0], parse_decimal(lines[1], MAX_SIZE), decode_base64(lines[2]))


def open_checkpoint(data: bytes | str | Note, keys: Keys) -> Checkpoint:
    """The checkpoint in a note, once the log's key has signed it. The key's name is the log's origin.

    `keys`: of a log that has had several, one of them is enough; what any of them signed wrongly is refused.

    Raises:
        SignatureUnverified, NoteMalformed: not signed by such a key; not a checkpoint of this log.
    """
    known = as_keys(keys)
    if any(key.type is not KeyType.ED25519 for key in known):
        raise NoteMalformed("A witness's key says nothing alone; give the log's own key.")
    text, _ = open_note(data, known)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != known[0].name:
        raise NoteMalformed("The checkpoint names another log than the key that signed it.")
    return checkpoint
