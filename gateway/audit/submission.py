"""What a log and a witness say to each other (C2SP tlog-witness): the body of `add-checkpoint`, and its answer.

old <size>
<base64 hash>              the consistency proof, zero to 63 lines
<empty line>
<the signed checkpoint>
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.audit.errors import NoteMalformed
from gateway.audit.merkle import HASH_BYTES, MAX_PROOF, MAX_SIZE
from gateway.audit.note import MAX_NOTE_BYTES, decode_base64, encode_base64, parse_decimal

MAX_BODY_BYTES: Final = MAX_NOTE_BYTES + 4096
SIZE_TYPE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint, and the proof that it continues the tree of `old` entries that the witness cosigned last."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def format(self) -> bytes:
        lines = [f"old {self.old}", *map(encode_base64, self.proof), "", self.checkpoint]
        return "\n".join(lines).encode()


def parse_submission(data: bytes) -> Submission:
    """The inverse of `Submission.format`; the checkpoint is judged when it is opened.

    Raises:
        NoteMalformed: not that form.
    """
    if len(data) > MAX_BODY_BYTES:
        raise NoteMalformed(f"A submission is at most {MAX_BODY_BYTES} bytes.")
    try:
        text = data.decode()
    except UnicodeError as error:
        raise NoteMalformed("A submission is UTF-8.") from error
    head, blank, checkpoint = text.partition("\n\n")
    first, *hashes = head.split("\n")
    if not blank or not first.startswith("old "):
        raise NoteMalformed("A submission is an old size, hashes, an empty line and a checkpoint.")
    if len(hashes) > MAX_PROOF:
        raise NoteMalformed("A consistency proof is at most 63 hashes.")
    proof = tuple(map(decode_base64, hashes))
    if any(len(one) != HASH_BYTES for one in proof):
        raise NoteMalformed("A hash is 32 bytes.")
    return Submission(parse_decimal(first.removeprefix("old "), MAX_SIZE), proof, checkpoint)


def parse_size(data: bytes) -> int:
    """The size in a witness's answer 409.

    Raises:
        NoteMalformed: it is none.
    """
    if not data.endswith(b"\n") or len(data) > 32 or not data.isascii():
        raise NoteMalformed("A size is digits and a newline.")
    return parse_decimal(data[:-1].decode(), MAX_SIZE)


def log_id(origin: str) -> str:
    """How a log is named in a witness's addresses: hex SHA-256 of its origin."""
    return sha256(origin.encode()).hexdigest()
