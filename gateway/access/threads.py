"""Threads between two deliveries: a query in a new one costs half as much again, for memory that the last gave up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor


class Threads:
    """Executors of one thread each, which does what it is told in order. Safe to use from several threads."""

    def __init__(self, most_idle: int) -> None:
        self._most_idle = most_idle
        self._lock = threading.Lock()
        self._idle: list[ThreadPoolExecutor] = []

    def take(self) -> ThreadPoolExecutor:
        """A thread that nobody else has until it is given back or shut down; begun with the first it has to do."""
        with self._lock:
            return self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="delivery")

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Keep a thread that has nothing left to do, or end it when enough are idle."""
        with self._lock:
            keep = len(self._idle) < self._most_idle
            if keep:
                self._idle.append(thread)
        if not keep:
            thread.shutdown(wait=False)

    def close(self) -> None:
        """End all that are idle; one that is given back later ends at once."""
        with self._lock:
            self._most_idle = 0
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.shutdown()
