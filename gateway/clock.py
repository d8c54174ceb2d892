"""Time comes in as a value, so that every rule about time can be tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since the epoch, UTC, with a fraction. `time.time` is one."""

system_clock: Clock = time.time


def instant(seconds: float) -> str:
    """RFC 3339 with milliseconds and `Z`, as audit records carry it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
