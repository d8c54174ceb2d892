"""Witnesses that run: the service in a thread of the test, or `corridor witness run` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from gateway.audit.note import VerifierKey
from gateway.audit.witnesses import WitnessPolicy, parse_policy
from gateway.cli.demo import free_port
from gateway.clock import system_clock
from gateway.witness.judge import Judge
from gateway.witness.memory import Memory
from gateway.witness.service import Service
from tests.docs.pages import ROOT


@dataclass
class Made:
    """A witness and where it listens, or would."""

    name: str
    folder: Path
    key: VerifierKey
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def line(self) -> str:
        return f"witness {self.name} {self.key} {self.url}"


def make(folder: Path, name: str, *logs: VerifierKey, **known: Any) -> Made:
    key = Memory.create(folder / name, f"{name}.example/witness", list(logs), **known)
    return Made(name, folder / name, key, free_port())


def policy(needed: int | str, *witnesses: Made, log: VerifierKey | None = None) -> str:
    """The file that names these witnesses."""
    lines = [] if log is None else [f"log {log}"]
    names = " ".join(one.name for one in witnesses)
    lines += [*(one.line for one in witnesses), f"group enough {needed} {names}", "quorum enough", ""]
    return "\n".join(lines)


def read_policy(needed: int | str, *witnesses: Made) -> WitnessPolicy:
    return parse_policy(policy(needed, *witnesses))


@contextmanager
def listening(app: Any, port: int) -> Iterator[None]:
    """An ASGI application in a thread of this process."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, access_log=False, log_level="error", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def serving(made: Made) -> Iterator[Memory]:
    """This witness, in a thread of the test."""
    memory = Memory.open(made.folder)
    try:
        with listening(Service(memory, Judge(memory, clock=system_clock)), made.port):
            yield memory
    finally:
        memory.close()


def corridor(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A `corridor` command in a process of its own."""
    start = "import sys; from gateway.cli.main import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", start, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def process(made: Made) -> Iterator[subprocess.Popen[str]]:
    """This witness, as whoever runs one starts it."""
    running = corridor("witness", "run", "--home", str(made.folder), "--port", str(made.port))
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert running.poll() is None, running.communicate()[0]
            with suppress(httpx2.TransportError):
                if httpx2.get(made.url).text.strip() == str(made.key):
                    break
            time.sleep(0.05)
        yield running
    finally:
        running.kill()
        running.communicate()


class Stub:
    """A program in a witness's place that answers as it was told to."""

    def __init__(self, *answers: tuple[int, bytes, dict[str, str]]) -> None:
        self.answers, self.asked = list(answers), list[str]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        self.asked.append(f"{scope['method']} {scope['path']}")
        status, body, headers = self.answers.pop(0) if self.answers else (500, b"", {})
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})
