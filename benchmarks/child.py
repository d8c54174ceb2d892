"""The measured servers: child processes on one core, and the CPU time the kernel has on account for them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
START_S = 30
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """One composition, listening on loopback. `processes`: all that its answers cost is on their account."""

    name: str
    port: int
    processes: tuple[subprocess.Popen[bytes], ...]

    def cpu_s(self) -> float:
        """User and system seconds so far."""
        return sum(cpu_s(process.pid) for process in self.processes)

    def memory_mb(self) -> float:
        """Resident memory."""
        return sum(_resident(process.pid) for process in self.processes) / 1e6


def cpu_s(pid: int) -> float:
    """User and system seconds of a process and all its threads, also those that ended (proc(5), fields 14 and 15)."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def pin(core: int) -> None:
    """This process, and what it starts from now on, on one core."""
    os.sched_setaffinity(0, {core})


@contextmanager
def started(
    name: str, command: Sequence[str], port: int, *, quiet: bool = False, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server on the servers' core, ready to answer; stopped on exit. `quiet`: what it logs is written to nowhere."""
    # taskset would do the same before the first instruction; a child of Python inherits the mask of its parent.
    mask = os.sched_getaffinity(0)
    pin(SERVER_CORE)
    try:
        process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, **_output(quiet))
    finally:
        os.sched_setaffinity(0, mask)
    try:
        _listening(name, process, port)
        yield Server(name, port, (process,))
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serving(
    name: str, factory: str, port: int, *, access_log: bool = False, environment: Mapping[str, str] | None = None
) -> AbstractContextManager[Server]:
    """An ASGI application, `module:function`, as the project serves it: one worker, uvloop, httptools."""
    options = ["--factory", "--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    logs = ["--log-level", "info"] if access_log else ["--log-level", "warning", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", factory, *options, *logs]
    return started(name, command, port, quiet=access_log, environment=environment)


def _output(quiet: bool) -> dict[str, Any]:
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL if quiet else None}


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listening(name: str, process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server '{name}' stopped by itself")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server '{name}' did not come up in {START_S} s")


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
