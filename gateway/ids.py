"""Identifiers: time-ordered where a store profits from it, random where one must not be guessed."""

from __future__ import annotations

import os
import secrets
import threading
import time


class _Drawn(threading.local):
    """Random bytes of this thread that were drawn and not used yet."""

    data = b""
    at = 0


_drawn = _Drawn()
_DRAW = 4096
# A child must not use what its parent has drawn.
os.register_at_fork(after_in_child=lambda: _drawn.__dict__.clear())


def random_bytes(count: int) -> bytes:
    """Random bytes fit for keys, each used once; drawn from the system many at a time, for asking is what costs."""
    start, end = _drawn.at, _drawn.at + count
    if end > len(_drawn.data):
        _drawn.data, start, end = os.urandom(max(_DRAW, count)), 0, count
    _drawn.at = end
    return _drawn.data[start:end]


_order = threading.Lock()
_last = 0


def uuid7() -> str:
    """A time-ordered UUID, version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, 12 of their fraction, 62 random.

    Each is greater than every one this process made before (section 6.2, methods 3 and 1), whatever the clock does.
    """
    global _last
    now = (time.time_ns() << 12) // 1_000_000 & (1 << 60) - 1
    with _order:
        _last = now = max(now, _last + 1)
    random = int.from_bytes(random_bytes(8)) & (1 << 62) - 1
    value = now >> 12 << 80 | 0x7 << 76 | (now & 0xFFF) << 64 | 0b10 << 62 | random
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid7_floor(at: float) -> str:
    """What every `uuid7` made before this moment (seconds, UTC) sorts below, and no later one does."""
    digits = f"{max(0, int(at * 1000)):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"


def urn() -> str:
    """`urn:uuid:` and a time-ordered UUID: the id of a contract, an offer or a dataset."""
    return f"urn:uuid:{uuid7()}"


def handle() -> str:
    """A random name for an agent, which says nothing about the person behind it: 80 bits."""
    return f"a-{secrets.token_hex(10)}"
