"""Time comes in as a value, so that every rule about time can be tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], float]
"""Seconds since the epoch, UTC, with a fraction. `time.time` is one."""

system_clock: Clock = time.time


@lru_cache(maxsize=256)  # an entry shows it twice, and so do all that one request leaves
def instant(seconds: float) -> str:
    """RFC 3339 with milliseconds and `Z`, as audit records carry it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(instant: str) -> float:
    """The inverse of `instant`, from any RFC 3339 instant.

    Raises:
        ValueError: it is none, or does not say how far from UTC it is.
    """
    found = datetime.fromisoformat(instant)
    if found.tzinfo is None:
        raise ValueError("an instant says how far from UTC it is, as by a `Z` at its end")
    return found.timestamp()
