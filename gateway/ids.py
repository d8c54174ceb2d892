"""Identifiers: time-ordered where a store profits from it, random where one must not be guessed."""

from __future__ import annotations

import secrets
import time
import uuid


def uuid7() -> str:
    """A time-ordered UUID, version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (
        (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    )
    return str(uuid.UUID(int=value))


def urn() -> str:
    """`urn:uuid:` and a time-ordered UUID: the id of a contract, an offer or a dataset."""
    return f"urn:uuid:{uuid7()}"


def handle() -> str:
    """A random name for an agent, which says nothing about the person behind it: 80 bits."""
    return f"a-{secrets.token_hex(10)}"
