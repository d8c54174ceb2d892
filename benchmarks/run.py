"""One run: everything started, answers checked, rounds interleaved, the log verified, ratios made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from benchmarks import naive, query
from benchmarks.child import Server, free_port, pin, serving, started
from benchmarks.load import Load, generator, load, request
from benchmarks.ratios import Verdict, verdict
from benchmarks.space import CONTRACTS, RESEARCHERS, Space, furnished, initialised
from gateway.policy.archive import contents, written
from gateway.policy.bundle import load_bundle
from gateway.settings import POLICIES

CACHE = Path(".cache/benchmarks")
CONNECTIONS = (1, 16, 64)
FULL_CONNECTIONS = 8
"""Deliveries that may run at a time (Settings.deliveries): more would only wait."""


ASKED = {
    "bare": ("bare", "/access"),
    "decision": ("decision", "/bench/decision"),
    "asked": ("decision", "/bench/asked"),
    "naive": ("naive", "/access"),
}
"""What is timed: which server, at which path."""


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run takes: rounds, seconds for each cell, rows of the large file."""

    rounds: int
    seconds: float
    rows: int


QUICK = Size(3, 2.0, 4_000_000)
FULL = Size(5, 5.0, 12_000_000)


@dataclass
class Measured:
    """Cells by name and connections, one value for each round."""

    loads: dict[tuple[str, int], list[tuple[Load, float]]] = field(default_factory=dict)
    appends: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    reads: dict[str, list[query.Read]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def verdicts(self) -> list[Verdict]:
        """The goals that this run has figures for."""

        def cpu(name: str, connections: int) -> list[float]:
            return [spent / answers.good for answers, spent in self.loads[name, connections]]

        def rate(name: str) -> list[float]:
            return [answers.rate for answers, _ in self.loads[name, 64]]

        bare = cpu("bare", 64)
        found = [
            verdict("R1", _by(bare, cpu("decision", 64))),
            verdict("R3", _by(rate("decision"), rate("naive"))),
            verdict("R5", [a["group"]["rate"] / a["each"]["rate"] for a in self.appends]),
            verdict("R11", _by(*([r.seconds for r in self.reads[n]] for n in ("plain in process", "plain stream")))),
            verdict("R1-asked", _by(bare, cpu("asked", 64))),
            verdict("R3-asked", _by(rate("asked"), rate("naive"))),
            verdict("R1-full", _by(bare, cpu("full", FULL_CONNECTIONS))),
            verdict("R5-rows", [a["group"]["rate"] / a["rows"]["rate"] for a in self.appends]),
        ]
        masked = ([read.seconds for read in self.reads[name]] for name in ("masked in process", "masked stream"))
        return [*found, verdict("R11-masked", _by(*masked))]

    def cells(self) -> list[dict[str, Any]]:
        """The figures behind the ratios: medians of the rounds."""
        cells: list[dict[str, Any]] = []
        for (name, connections), rounds in self.loads.items():
            cells.append(
                {
                    "name": name,
                    "connections": connections,
                    "rate": median(answers.rate for answers, _ in rounds),
                    "p50_ms": median(answers.p50_ms for answers, _ in rounds),
                    "p99_ms": median(answers.p99_ms for answers, _ in rounds),
                    "cpu_us": median(spent / answers.good * 1e6 for answers, spent in rounds),
                }
            )
        for name in ("group", "each", "rows"):
            rounds_of = [a[name] for a in self.appends]
            figures = {key: median(r[key] for r in rounds_of) for key in ("rate", "cpu_us", "batch")}
            cells.append({"name": f"append, {name}", "connections": 64 if name != "rows" else 1, **figures})
        for name, reads in self.reads.items():
            rate = median(read.mb_s for read in reads)
            cells.append({"name": name, "connections": 1, "rate": rate, "unit": " MB/s"})
        return cells


def run(size: Size, say: Callable[[str], None], *, folder: Path | None = None) -> Measured:
    """Measure everything once.

    Raises:
        AssertionError: an answer was wrong before timing, or the log does not hold what was answered after it.
    """
    measured = Measured()
    with ExitStack() as held:
        home = folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="corridor-bench-")))
        say("making the large file (once) and a data space")
        large = query.large_file((folder or CACHE).absolute(), size.rows)
        servers, space = _servers(held, home, large, measured)
        say("checking answers")
        decided_before = _golden(servers, space)
        _golden_streams(servers["decision"], space, large, size.rows)
        for n in range(size.rounds):
            say(f"round {n + 1} of {size.rounds}")
            _round(servers, space, size, measured)
            _append(size, measured)
            _reads(servers["decision"], space, large, measured)
        say("verifying the log")
        _verify(space, home, measured, decided_before)
        memory = {name: round(server.memory_mb()) for name, server in servers.items()}
        measured.notes |= {"load generator": generator(), "resident MB": memory}
    return measured


def _servers(held: ExitStack, home: Path, large: Path, measured: Measured) -> tuple[dict[str, Server], Space]:
    ports = {name: free_port() for name in ("decision", "bare", "naive")}
    settings, made = initialised(home, ports["decision"], large)
    environment = {"CORRIDOR_HOME": str(settings.home)}
    gateway = serving("decision", "benchmarks.gateway:application", ports["decision"], environment=environment)
    servers = {"decision": held.enter_context(gateway)}
    servers["bare"] = held.enter_context(serving("bare", "benchmarks.bare:application", ports["bare"]))
    space = furnished(settings, made, ports["decision"], large=True)
    held.enter_context(space.clients)
    # What the naive service knows is what Corridor's own decisions were made on.
    for whole in space.requests("/bench/decision"):
        assert _status(servers["decision"], whole) == 200
    jwks = httpx2.get(f"{space.url}/.well-known/jwks.json").json()["keys"][0]
    naive.furnish(home / "naive", space.decision_inputs(), jwks)
    opa = held.enter_context(_opa(home))
    measured.notes["policy engine of naive"] = "OPA server" if opa else "embedded, made anew for each request (no opa)"
    url = f"http://127.0.0.1:{opa.port}" if opa else ""
    environment = {naive.FOLDER: str(home / "naive"), naive.OPA: url}
    service = serving("naive", "benchmarks.naive:application", ports["naive"], access_log=True, environment=environment)
    server = held.enter_context(service)
    servers["naive"] = Server("naive", server.port, (*server.processes, *(opa.processes if opa else ())))
    return servers, space


@contextmanager
def _opa(home: Path) -> Iterator[Server | None]:
    """A real OPA server with the same bundle, on the servers' core; None where there is no opa."""
    binary = os.environ.get("CORRIDOR_OPA") or shutil.which("opa")
    if not binary:
        yield None
        return
    written(contents(load_bundle(POLICIES), None), home / "bundle")
    port = free_port()
    command = [binary, "run", "--server", "--skip-version-check", "--log-level", "error", "--addr", f"127.0.0.1:{port}"]
    with started("opa", [*command, "--bundle", str(home / "bundle")], port, quiet=True) as server:
        yield server


def _golden(servers: dict[str, Server], space: Space) -> int:
    """Corridor and the naive service decide alike, permit and deny; how many decisions naive has recorded by then."""
    token = space.tokens()[0]
    wrong = {"purpose": {"id": "P09"}}
    for body, status in [*((b, 200) for b in space.bodies()), (space.bodies()[0] | wrong, 403)]:
        ours = _answer(servers["decision"], "/bench/decision", body, token, status)
        theirs = _answer(servers["naive"], "/access", body, token, status)
        theirs = theirs.get("detail", theirs)
        for member in ("result", "bundle", "reasons", "obligations", "limits"):
            assert ours[member] == theirs[member], f"'{member}' differs between Corridor and the naive service"
        assert ours["result"] == ("permit" if status == 200 else "deny")
    rows = _delivered(space, token)
    assert rows == 10, f"a read of ten rows gave {rows}"
    assert _status(servers["bare"], request("/access", space.bodies()[0])) == 200
    return len(space.bodies()) + 1


def _golden_streams(server: Server, space: Space, large: Path, rows: int) -> None:
    """The stream and the yardstick give every row of the file, and the masked ones are masked."""
    token = space.tokens()[0]
    for contract in (space.plain, space.masked):
        body = space.body(contract)
        del body["limit"]
        _, document = query.streamed(server, body, token, keep=True)
        assert query.rows_of(document) == rows, "the stream does not hold every row"
    for sql, parameters in query.queries().values():
        assert query.in_process(large, sql, parameters)[0] == rows, "the yardstick does not read every row"


def _round(servers: dict[str, Server], space: Space, size: Size, measured: Measured) -> None:
    plain = [request("/access", body) for body in space.bodies()]
    for connections in CONNECTIONS:
        for name, (server, path) in ASKED.items():
            requests = plain if name == "bare" else space.requests(path)
            _cell(measured, name, servers[server], requests, connections, size.seconds)
    for connections in (1, FULL_CONNECTIONS):
        _cell(measured, "full", servers["decision"], space.requests("/v1/access"), connections, size.seconds)


def _cell(
    measured: Measured, name: str, server: Server, requests: list[bytes], connections: int, seconds: float
) -> None:
    before = server.cpu_s()
    answers = load(server.port, requests, connections=connections, seconds=seconds)
    spent = server.cpu_s() - before
    assert not answers.other, f"{name} answered {answers.other} under load"
    assert answers.good, f"{name} answered nothing in {seconds} s"
    measured.loads.setdefault((name, connections), []).append((answers, spent))


def _append(size: Size, measured: Measured) -> None:
    mask = os.sched_getaffinity(0)
    pin(min(mask))
    try:
        command = [sys.executable, "-m", "benchmarks.append", str(size.seconds / 2), "1"]
        answer = subprocess.run(command, capture_output=True, check=True, timeout=300).stdout
    finally:
        os.sched_setaffinity(0, mask)
    measured.appends += json.loads(answer)


def _reads(server: Server, space: Space, large: Path, measured: Measured) -> None:
    token = space.tokens()[0]
    for name, contract in (("plain", space.plain), ("masked", space.masked)):
        body = space.body(contract)
        del body["limit"]
        _, alone = query.in_process(large, *query.queries()[name])
        stream, _ = query.streamed(server, body, token)
        measured.reads.setdefault(f"{name} in process", []).append(alone)
        measured.reads.setdefault(f"{name} stream", []).append(stream)


def _verify(space: Space, home: Path, measured: Measured, decided: int) -> None:
    """Every answer is an entry. What wrk cut off at its deadline may be one, and has no answer."""
    entries = space.verify_log()
    answered, cut = dict.fromkeys((*ASKED, "full"), 0), dict.fromkeys((*ASKED, "full"), 0)
    for (name, _), rounds in measured.loads.items():
        answered[name] += sum(answers.good for answers, _ in rounds)
        cut[name] += sum(answers.cut for answers, _ in rounds)
    ours = ("decision", "asked", "full")
    timed = sum(answered[name] for name in ours)
    # Beside the timed ones: the requests that furnished naive, the golden ones, and the streams.
    others = CONTRACTS * RESEARCHERS + CONTRACTS + 1 + 2
    streams = sum(len(reads) for name, reads in measured.reads.items() if name.endswith("stream"))
    _compare("the log", space.permits(), timed + others + streams, sum(cut[name] for name in ours))
    _compare("naive", naive.recorded(home / "naive"), answered["naive"] + decided, cut["naive"])
    measured.notes["log verified"] = f"{entries:,} entries; a grant for each of {timed:,} timed answers"


def _compare(what: str, recorded: int, answered: int, cut: int) -> None:
    assert answered <= recorded <= answered + cut, f"{what} holds {recorded} entries for {answered} answers"


def _by(over: list[float], under: list[float]) -> list[float]:
    return [a / b for a, b in zip(over, under, strict=True)]


def _answer(server: Server, path: str, body: dict[str, Any], token: str, status: int) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.post(f"http://127.0.0.1:{server.port}{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code == status, f"{server.name} answered {answer.status_code}: {answer.text[:400]}"
    return answer.json()


def _delivered(space: Space, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.post(f"{space.url}/v1/access", json=space.bodies()[0], headers=headers, timeout=30)
    return query.rows_of(answer.raise_for_status().content)


def _status(server: Server, whole: bytes) -> int:
    answers = load(server.port, [whole], connections=1, seconds=0, bundled=True)
    return 200 if answers.good else next(iter(answers.other), 0)
