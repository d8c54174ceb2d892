"""Salted commitments: an entry binds what it does not show (DESIGN, Entries; audit-log-design.md section 3).

Each entry holds, for each party to it, a commitment to that party's own running number and to the leaf hash of its
previous entry. The party is told salt and number, so it can prove that its view has no gap; nobody else learns from the
commitment whose it is, or that two of them are one party's.
"""

from __future__ import annotations

import hmac
from typing import Final

from gateway.audit.merkle import HASH_BYTES
from gateway.crypto.canonical import judged_json
from gateway.ids import random_bytes

SALT_BYTES: Final = 32


def new_salt() -> bytes:
    """32 random bytes; one for each commitment, kept off the log, destroyed when what it binds has to be erased."""
    return random_bytes(SALT_BYTES)


def commit(salt: bytes, participant: str, seq: int, prev: bytes | None) -> str:
    """The commitment in hex: HMAC-SHA-256 under `salt` of {"participant", "prev", "seq"} in RFC 8785 form.

    `seq`: the party's own number of this entry, from 1 on. `prev`: leaf hash of its entry before; None only for the
    first.
    """
    if len(salt) != SALT_BYTES or seq < 1 or (seq == 1) != (prev is None) or (prev and len(prev) != HASH_BYTES):
        raise ValueError("a commitment takes a salt and a hash of 32 bytes, and nothing before number 1")
    opened = {"participant": participant, "prev": prev.hex() if prev else None, "seq": seq}
    return hmac.digest(salt, judged_json(opened), "sha256").hex()


def opens(commitment: str, salt: bytes, participant: str, seq: int, prev: bytes | None) -> bool:
    """Whether this commitment is to exactly this."""
    try:
        return hmac.compare_digest(commitment, commit(salt, participant, seq, prev))
    except (ValueError, TypeError):
        return False


def salted_digest(salt: bytes, content: bytes) -> str:
    """What an entry shows of something kept off the log: `hmac-sha256:` and 64 hex digits."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt is 32 bytes")
    return f"hmac-sha256:{hmac.digest(salt, content, 'sha256').hex()}"
