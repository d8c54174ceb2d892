"""The repository's bundle, asked of either engine; an OPA server that lives as long as a test module."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from gateway.policy.bundle import Bundle, load_bundle
from gateway.policy.decide import decide
from gateway.policy.decision import Decision, parse_decision
from gateway.policy.document import as_bytes
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Engine

POLICIES = Path(__file__).parents[2] / "policies"


@cache
def bundle(*packs: str) -> Bundle:
    """The bundle with these packs on beside the required ones."""
    return load_bundle(POLICIES, frozenset(packs))


@cache
def whole_bundle() -> Bundle:
    """With every pack on."""
    known = json.loads((POLICIES / "lib/packs/data.json").read_bytes())["table"]["packs"]
    return load_bundle(POLICIES, frozenset(known))


@cache
def embedded(*packs: str) -> EmbeddedEngine:
    return EmbeddedEngine(bundle(*packs))


@cache
def whole_embedded() -> EmbeddedEngine:
    return EmbeddedEngine(whole_bundle())


def decided(document: dict[str, Any], engine: Engine | None = None, packs: tuple[str, ...] = ()) -> Decision:
    """The gateway's decision: schema first, then the engine."""
    engine = engine or embedded(*packs)
    return asyncio.run(decide(engine, engine.digest, document))


def answered(document: dict[str, Any], engine: Engine | None = None, packs: tuple[str, ...] = ()) -> Decision:
    """The engine's own decision, also on what the schema would have stopped."""
    return parse_decision(asyncio.run((engine or embedded(*packs)).evaluate(as_bytes(document))))


def spoken(decision: Decision) -> set[tuple[str, str]]:
    """Which rules spoke, each with its code."""
    return {(reason.rule, reason.code) for reason in decision.reasons}


def opa() -> str:
    """The opa of `make check`: CORRIDOR_OPA, or the one on PATH."""
    found = os.environ.get("CORRIDOR_OPA") or shutil.which("opa")
    assert found, "these tests need opa: set CORRIDOR_OPA, or put it on PATH (make check does)"
    return found


@contextmanager
def opa_server(bundle: Path, *options: str, cwd: Path | None = None, port: int = 0) -> Iterator[str]:
    """An OPA server on a loopback port, a free one unless named, with the bundle in a folder or file; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = port or free.getsockname()[1]
    command = [opa(), "run", "--server", "--skip-version-check", "--log-level", "error"]
    process = subprocess.Popen([*command, "--addr", f"127.0.0.1:{port}", "--bundle", str(bundle), *options], cwd=cwd)
    try:
        _wait_until_listening(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, "the OPA server stopped by itself"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the OPA server did not come up")
