"""R11: a large read through the gateway, against DuckDB handing the same rows to Arrow in its own process.

Run as a child (`python -m benchmarks.query FILE SQL PARAMETERS`), it runs one query on one thread and prints the rows,
the bytes Arrow holds, and the seconds. The other side asks `POST /v1/access` and takes whatever comes off the socket.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.child import LOAD_CORE, SERVER_CORE, Server, cpu_s, pin
from benchmarks.load import request
from benchmarks.space import COLUMNS, MASKS
from gateway.access.plan import DataRequest, Secret, narrow
from gateway.catalog.model import Column, ColumnType, Role, SourceRef, View
from gateway.obligations.model import parse

BATCH_ROWS = 100_000
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Read:
    """One run: bytes of Arrow data, seconds from the question to the last byte, CPU seconds of whoever answered."""

    bytes: int
    seconds: float
    cpu_s: float

    @property
    def mb_s(self) -> float:
        return self.bytes / self.seconds / 1e6


def large_file(folder: Path, rows: int) -> Path:
    """The file to read; made once (about 25 bytes a row after compression) and kept in `folder`."""
    path = folder / f"measurements-{rows}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        with duckdb.connect(":memory:", config={"threads": "2"}) as connection:
            connection.execute(_MADE_UP.format(rows=int(rows), path=partial))
        partial.replace(path)
    return path


_MADE_UP = """
COPY (SELECT
    (18 + hash(n) % 80)::INTEGER AS age,
    CASE WHEN hash(n + 1) % 2 = 0 THEN 'f' ELSE 'm' END AS sex,
    DATE '2015-01-01' + (hash(n + 2) % 3650)::INTEGER AS taken_on,
    ['haemoglobin', 'creatinine', 'glucose', 'sodium', 'potassium'][1 + (hash(n + 3) % 5)::INTEGER] AS test,
    (hash(n + 4) % 1000000) / 1000.0::DOUBLE AS value,
    (hash(n + 5) % 1000) / 10.0::DOUBLE AS low,
    (hash(n + 6) % 1000) / 10.0::DOUBLE AS high,
    'site-' || (hash(n + 7) % 40) AS site,
    (hash(n + 8) % 1000000)::BIGINT AS device,
    (n // 96)::BIGINT AS batch
FROM range({rows}) AS r(n)) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)
"""


def queries() -> dict[str, tuple[str, dict[str, Any]]]:
    """`plain` as anybody would write it, `masked` as the gateway plans it: with `{source}` where the file goes."""
    columns = tuple(Column(name=name, type=ColumnType(kind), role=Role.PLAIN) for name, kind in COLUMNS.items())
    view = View(source=SourceRef(kind="parquet", path="unused"), columns=columns)
    secret = Secret(bytes(32), "urn:uuid:00000000-0000-7000-8000-000000000000")
    asked = DataRequest(action="read", columns=tuple(COLUMNS))
    plan = narrow(view, asked, parse(MASKS), row_cap=2**53 - 1, person_cap=None, secret=secret)
    plain = f"SELECT {', '.join(COLUMNS)} FROM {{source}}"  # noqa: S608  names of ours
    return {"plain": (plain, {}), "masked": (plan.query, dict(plan.parameters))}


def in_process(file: Path, sql: str, parameters: dict[str, Any]) -> tuple[int, Read]:
    """The yardstick, in a child on the servers' core: rows, and how long they took."""
    mask = os.sched_getaffinity(0)
    pin(SERVER_CORE)
    try:
        command = [sys.executable, "-m", "benchmarks.query", str(file), sql, json.dumps(parameters)]
        answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=300).stdout)
    finally:
        os.sched_setaffinity(0, mask)
    return answer["rows"], Read(answer["bytes"], answer["seconds"], answer["cpu_s"])


def streamed(server: Server, body: dict[str, Any], token: str, *, keep: bool = False) -> tuple[Read, bytes]:
    """The same rows from the gateway, off the socket; `keep` also gives the document back, which takes memory."""
    wanted = request("/v1/access", body | {"columns": list(COLUMNS), "format": "arrow"}, token)
    wanted = wanted.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    mask = os.sched_getaffinity(0)
    pin(LOAD_CORE)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=120) as wire:
            started, cpu = time.perf_counter(), sum(cpu_s(p.pid) for p in server.processes)
            wire.sendall(wanted)
            received, tail, kept = _drained(wire, keep)
            seconds, cpu = time.perf_counter() - started, server.cpu_s() - cpu
    finally:
        os.sched_setaffinity(0, mask)
    assert tail.endswith(b"0\r\n\r\n"), "the stream broke off"
    return Read(received, seconds, cpu), _unchunked(kept) if keep else b""


def rows_of(document: bytes) -> int:
    """How many rows an Arrow stream holds."""
    with pa.ipc.open_stream(BytesIO(document)) as reader:
        return sum(int(batch.num_rows) for batch in reader)


def _drained(wire: socket.socket, keep: bool) -> tuple[int, bytes, bytes]:
    buffer, received, tail = bytearray(_PIECE), 0, b""
    kept = bytearray()
    view = memoryview(buffer)
    while size := wire.recv_into(view):
        received += size
        tail = (tail + bytes(view[max(0, size - 8) : size]))[-8:]
        if keep or received <= _PIECE:
            kept += view[:size]
    assert kept.startswith(b"HTTP/1.1 200 "), bytes(kept[:400])
    return received, tail, bytes(kept)


def _unchunked(answer: bytes) -> bytes:
    _, _, rest = answer.partition(b"\r\n\r\n")
    parts, at = [], 0
    while size := int(rest[at : (end := rest.index(b"\r\n", at))], 16):
        parts.append(rest[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(parts)


def main(file: str, sql: str, parameters: str) -> dict[str, float]:
    """One query on one thread, every batch looked at and let go."""
    source = f"read_parquet('{file}')"
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        started, cpu, rows, size = time.perf_counter(), time.process_time(), 0, 0
        relation = connection.sql(sql.replace("{source}", source), params=json.loads(parameters))
        for batch in relation.to_arrow_reader(BATCH_ROWS):
            rows += batch.num_rows
            size += batch.nbytes
        return {
            "rows": rows,
            "bytes": size,
            "seconds": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu,
        }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:4])))
