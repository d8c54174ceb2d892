"""Receipts: one entry and the proof that it is in the log, checked by whoever holds it, without the gateway.

A receipt is a JSON object in RFC 8785 form, media type `application/corridor-receipt+json`:

    {"entry": <base64url of the entry's bytes>, "proof": <a C2SP tlog-proof file>}

The entry is the stored bytes, not JSON inside JSON: they are what is hashed, and nothing may write them anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import ReceiptMalformed
from gateway.audit.merkle import HASH_BYTES, MAX_PROOF, MAX_SIZE, leaf_hash, verify_inclusion
from gateway.audit.note import MAX_NOTE_BYTES, Keys, Verified, decode_base64, encode_base64, parse_decimal
from gateway.audit.tiles import MAX_ENTRY_BYTES
from gateway.audit.witnesses import NO_WITNESSES, WitnessPolicy
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json, strict_json
from gateway.problems import Malformed, TooLarge

MEDIA_TYPE: Final = "application/corridor-receipt+json"
MAX_RECEIPT_BYTES: Final = 2 * (MAX_ENTRY_BYTES + MAX_NOTE_BYTES)

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_INDEX = "index "


@dataclass(frozen=True, slots=True)
class Proof:
    """A tlog-proof file: which entry, the siblings from its leaf upwards, and the checkpoint note they lead to."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def format(self) -> str:
        lines = [_FIRST_LINE, f"{_INDEX}{self.index}", *map(encode_base64, self.hashes), "", self.checkpoint]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry that is in the log: `body` its exact bytes, `record` what they say, `checkpoint` what proves it.

    `witnesses`: the cosignatures under the checkpoint that were asked for and verified.
    """

    index: int
    leaf: bytes
    body: bytes
    record: dict[str, Any]
    checkpoint: Checkpoint
    witnesses: tuple[Verified, ...] = ()


def parse_proof(text: str) -> Proof:
    """The inverse of `Proof.format`. An `extra` line is refused: nothing vouches for it.

    Raises:
        ReceiptMalformed, NoteMalformed: not that form; the checkpoint note is judged only when it is opened.
    """
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 2 or lines[0] != _FIRST_LINE or not lines[1].startswith(_INDEX):
        raise ReceiptMalformed("A proof file is a first line, an index, hashes, an empty line and a checkpoint.")
    hashes = tuple(map(decode_base64, lines[2:]))
    if len(hashes) > MAX_PROOF or any(len(h) != HASH_BYTES for h in hashes):
        raise ReceiptMalformed("A proof is at most 63 hashes of 32 bytes.")
    return Proof(parse_decimal(lines[1].removeprefix(_INDEX), MAX_SIZE), hashes, checkpoint)


def format_receipt(body: bytes, index: int, hashes: Sequence[bytes], checkpoint: str) -> bytes:
    """The receipt of the entry with these stored bytes; `hashes` lead from it to the root of the `checkpoint` note."""
    proof = Proof(index, tuple(hashes), checkpoint)
    return canonical_json({"entry": b64url_encode(body), "proof": proof.format()})


def verify_receipt(data: bytes, key: Keys, policy: WitnessPolicy = NO_WITNESSES) -> VerifiedEntry:
    """The entry of a receipt, once proved to be in the log whose key this is.

    The key, or the keys that the log has had, must come from elsewhere than the receipt. That the entry is in the log
    does not say that the log shows everyone the same tree. Witnesses say so: with a `policy`, enough of them must have
    cosigned the checkpoint.

    Raises:
        ReceiptMalformed: not the one form of a receipt, or the entry is not JSON.
        NoteMalformed, SignatureUnverified: the checkpoint is not this log's.
        WitnessesMissing: too few of the policy's witnesses have cosigned the checkpoint.
        ProofInvalid: the entry is not what the log holds at that index.
    """
    body, proof = _parse(data)
    checkpoint = open_checkpoint(proof.checkpoint, key)
    witnesses = policy.cosigned(proof.checkpoint)
    leaf = leaf_hash(body)
    verify_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)
    try:
        record = strict_json(body, max_bytes=MAX_ENTRY_BYTES)
    except (Malformed, TooLarge) as error:
        raise ReceiptMalformed("The entry is in the log, but it is not a JSON object.") from error
    if not isinstance(record, dict):
        raise ReceiptMalformed("The entry is in the log, but it is not a JSON object.")
    return VerifiedEntry(proof.index, leaf, body, record, checkpoint, witnesses)


def _parse(data: bytes) -> tuple[bytes, Proof]:
    try:
        receipt = strict_json(data, max_bytes=MAX_RECEIPT_BYTES, max_depth=2)
    except (Malformed, TooLarge) as error:
        raise ReceiptMalformed(f"A receipt is a JSON object of at most {MAX_RECEIPT_BYTES} bytes.") from error
    if not isinstance(receipt, dict) or receipt.keys() != {"entry", "proof"}:
        raise ReceiptMalformed("A receipt has the members entry and proof, and no other.")
    entry, proof = receipt["entry"], receipt["proof"]
    if not isinstance(entry, str) or not isinstance(proof, str) or canonical_json(receipt) != data:
        raise ReceiptMalformed("A receipt holds two texts and is in canonical form (RFC 8785).")
    return b64url_decode(entry, "the entry"), parse_proof(proof)
