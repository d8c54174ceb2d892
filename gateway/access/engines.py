"""Engines between two deliveries: to make one costs ten times what a small read does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from connectors.base import Opened
from gateway.access.engine import Engine, Limits
from gateway.access.threads import Threads

MOST_IDLE = 8
IDLE_S = 60.0


class Engines:
    """The engines of one process, all within the same limits, and the threads they are used in.

    Safe to use from several threads.

    An idle engine is taken only by a delivery that has just opened the very file it is locked to, unchanged, for the
    same read. It keeps its file open meanwhile: no other file can come to have the same device and inode.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        most_idle: int = MOST_IDLE,
        idle_s: float = IDLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits, self._most_idle, self._idle_s, self._clock = limits, most_idle, idle_s, clock
        self.threads = Threads(most_idle)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Engine]] = []  # since when, oldest first
        self._closed = False

    def take(self, opened: Opened, held: ExitStack) -> Engine:
        """An engine for what is open here, nobody else's until it is given back or closed.

        `held` keeps `opened` open. It passes to a new engine; in favour of an idle one it is closed, so use the
        engine's own `opened` from now on.

        Raises:
            duckdb.Error, OSError: none could be made; `held` is untouched.
        """
        with self._lock:
            # The newest: what is not needed grows old.
            found = next((n for n in reversed(range(len(self._idle))) if self._fits(n, opened)), None)
            idle = None if found is None else self._idle.pop(found)[1]
        if idle is None:
            return Engine(opened, held, self._limits)
        held.close()
        return idle

    def give_back(self, engine: Engine) -> None:
        """Keep an engine whose delivery went well to its end, its session closed. Any other is closed instead."""
        with self._lock:
            keep = not self._closed and engine.left_nothing()
            if keep:
                self._idle.append((self._clock(), engine))
        if not keep:
            engine.close()
        self.expire()

    def expire(self) -> None:
        """Close what has been idle for too long, and the oldest of too many."""
        with self._lock:
            fresh = [idle for idle in self._idle if self._clock() - idle[0] < self._idle_s]
            kept = fresh[max(0, len(fresh) - self._most_idle) :]
            gone, self._idle = self._idle[: len(self._idle) - len(kept)], kept
        _close(gone)

    def close(self) -> None:
        """Close all that are idle, threads too; what is given back later is closed at once."""
        self.threads.close()
        with self._lock:
            self._closed = True
            gone, self._idle = self._idle, []
        _close(gone)

    def _fits(self, n: int, opened: Opened) -> bool:
        return self._idle[n][1].identity == opened.identity


def _close(engines: list[tuple[float, Engine]]) -> None:
    with ExitStack() as all_of_them:  # one that fails to close keeps none of the others open
        for _, engine in engines:
            all_of_them.callback(engine.close)
