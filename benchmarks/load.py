"""Closed-loop load: so many connections, each asking again as soon as it is answered. wrk where there is one."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httptools
import uvloop

from benchmarks.child import LOAD_CORE

PATIENCE_S = 30
_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What came back. `good`: answers with 2xx; `other`: the rest, by status; `cut`: asked and not waited for."""

    good: int
    other: dict[int, int]
    cut: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


def generator() -> str:
    """Which one is used, for the report."""
    return "wrk" if shutil.which("wrk") else "bundled asyncio client"


def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float, bundled: bool = False) -> Load:
    """Ask for that long, with whole HTTP/1.1 requests in rotation."""
    if bundled or not shutil.which("wrk"):
        gc.disable()
        try:
            return uvloop.run(_asked(port, requests, connections, seconds))
        finally:
            gc.enable()
    return _wrk(port, requests, connections, seconds)


def request(path: str, body: object, token: str | None = None) -> bytes:
    """A POST of JSON, ready for the wire."""
    data = json.dumps(body, separators=(",", ":")).encode()
    head = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        f"content-length: {len(data)}",
    ]
    if token is not None:
        head.append(f"authorization: Bearer {token}")
    return "\r\n".join([*head, "", ""]).encode() + data


# -- the bundled client: no request is cut off, so that answers can be compared with the log one by one ---------------


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: Any
        self._parser = httptools.HttpResponseParser(self)
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()  # once at least, however short the time

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._run.answered(self._parser.get_status_code(), now - self._asked, now)
        self._parser = httptools.HttpResponseParser(self)
        if now < self._run.until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.closed(exc)

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._run.requests))


class _Run:
    def __init__(self, requests: Sequence[bytes], connections: int, seconds: float) -> None:
        self.requests = cycle(requests)
        self.started = time.perf_counter()
        self.until = self.started + seconds
        self.last = self.started
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []
        self._open = connections
        self.done = asyncio.Event()

    def answered(self, status: int, seconds: float, now: float) -> None:
        self.statuses[status] += 1
        self.times.append(seconds)
        self.last = now

    def closed(self, error: Exception | None) -> None:
        self._open -= 1
        if not self._open or error is not None:
            self.done.set()


async def _asked(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    run = _Run(requests, connections, seconds)
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port)
    async with asyncio.timeout(seconds + PATIENCE_S):
        await run.done.wait()
    good = sum(count for status, count in run.statuses.items() if 200 <= status < 300)
    other = {status: count for status, count in run.statuses.items() if not 200 <= status < 300}
    times = sorted(run.times) or [0.0]
    p50, p99 = (times[min(len(times) - 1, int(len(times) * part))] * 1000 for part in (0.5, 0.99))
    return Load(good, other, 0, run.last - run.started, p50, p99)


# -- wrk: stops at its deadline, whatever is under way -----------------------------------------------------------------


def _wrk(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    with tempfile.NamedTemporaryFile(suffix=".requests") as file:
        for whole in requests:
            file.write(f"{len(whole)}\n".encode() + whole)
        file.flush()
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s", "--timeout", "30s"]
        answer = subprocess.run(
            [*command, "-s", str(_SCRIPT), f"http://127.0.0.1:{port}/"],
            env={**os.environ, "REQUESTS": file.name},
            preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + PATIENCE_S,
        ).stdout
    said = json.loads(answer[answer.index("{") :])
    failed = {0: said["failed"]} if said["failed"] else {}
    good = said["answers"] - said["failed"]
    return Load(good, failed, connections, said["us"] / 1e6, said["p50_us"] / 1000, said["p99_us"] / 1000)
