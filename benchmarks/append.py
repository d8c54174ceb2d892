"""R5: the log's writer with 64 changes in flight, against the same rows with a commit for each.

Run as a child (`python -m benchmarks.append SECONDS ROUNDS`), it prints figures as JSON. `group` is
`gateway.audit.log.Log` as it is. `each` is the same writer taking one change at a time: the same rows, tree and signed
checkpoint. `rows` is the strictest yardstick: finished rows of a group run, copied with the driver, a commit for each,
no tree and no signature.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import log as writer
from gateway.audit.create import create_log
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Contract, Decision, Demands, Object, Request, Result, Source
from gateway.audit.log import Log, Outcome, Record
from gateway.audit.note import NoteSigner
from gateway.clock import system_clock
from gateway.db import Database, Tx
from gateway.ids import handle, urn, uuid7
from gateway.migrations.migrate import migrate

IN_FLIGHT = 64
PARTIES = ("did:web:hospital.example", "did:web:pharma.example")
_BUNDLE = f"sha256:{'0' * 64}"
_DEMANDS = Demands(({"kind": "keep_record", "years": 3},))
_NODE = Source("bench.example/audit/1")
_ACTORS = [Actor(handle(), PARTIES[1], org_kind="pharma", roles=("researcher",)) for _ in range(4)]
_GROUNDS = [(Contract(urn(), "0" * 64), Object("dataset", urn(), version=_BUNDLE)) for _ in range(16)]
_TABLES = ("log_entry", "log_party")


def made(folder: Path) -> Log:
    """A log of its own, started."""
    db = Database(f"sqlite:///{folder}/log.sqlite3")
    signer = NoteSigner("bench.example/audit/1", Ed25519PrivateKey.generate())
    with db.writing_connection() as connection:
        with connection.begin():
            migrate(connection)
        with connection.begin():
            create_log(Tx(connection), signer, bundle=_BUNDLE)
    log = Log(db, signer=signer, clock=system_clock)
    log.start()
    return log


def change(_tx: Tx) -> Outcome:
    """An entry as a grant makes one: some agents, under some contracts, for one dataset each."""
    contract, dataset = random.choice(_GROUNDS)
    deed = Deed(random.choice(_ACTORS), _NODE, time.time(), uuid7())
    event = deed.event(
        "access.decision",
        "permit",
        request=Request(request_id=deed.request_id, operation="dataset.read", mode="M5", purpose_id="P05"),
        contract=contract,
        decision=Decision("permit", demands=_DEMANDS, policy_bundle=_BUNDLE),
        objects=(dataset,),
        result=Result(reserved_rows=10),
    )
    return Outcome((Record(event, PARTIES),))


async def _group(log: Log, seconds: float) -> int:
    until, appended = time.perf_counter() + seconds, 0

    async def caller() -> None:
        nonlocal appended
        while time.perf_counter() < until:
            await log.submit(change)
            appended += 1

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return appended


def _timed(folder: Path, seconds: float, batch: int) -> dict[str, Any]:
    folder.mkdir()
    log = made(folder)
    ordinary, writer.BATCH = writer.BATCH, batch
    try:
        started, cpu = time.perf_counter(), time.process_time()
        appended = uvloop.run(_group(log, seconds))
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    finally:
        writer.BATCH = ordinary
        log.close()
        log.db.close()
    assert log.appended == appended, "an answer was given for an entry that is not there"
    return {"rate": appended / wall, "cpu_us": cpu / appended * 1e6, "batch": appended / log.batches}


def _rows(finished: Path, copy: Path, seconds: float) -> dict[str, Any]:
    source = sqlite3.connect(finished)
    target = sqlite3.connect(copy, isolation_level=None)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=FULL")
    for (statement,) in source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN (?, ?) AND sql NOTNULL", _TABLES
    ):
        target.execute(statement)
    entries = source.execute("SELECT * FROM log_entry ORDER BY idx").fetchall()
    parties = source.execute("SELECT * FROM log_party ORDER BY idx").fetchall()
    entry_sql = f"INSERT INTO log_entry VALUES ({','.join('?' * len(entries[0]))})"  # noqa: S608  no value in it
    party_sql = f"INSERT INTO log_party VALUES ({','.join('?' * len(parties[0]))})"  # noqa: S608  no value in it
    until, started, cpu, appended = time.perf_counter() + seconds, time.perf_counter(), time.process_time(), 0
    for n, entry in enumerate(entries):
        if time.perf_counter() >= until:
            break
        target.execute("BEGIN IMMEDIATE")
        target.execute(entry_sql, entry)
        target.executemany(party_sql, parties[2 * n : 2 * n + 2])
        target.execute("COMMIT")
        appended += 1
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    source.close()
    target.close()
    return {"rate": appended / wall, "cpu_us": cpu / appended * 1e6, "batch": 1.0}


def main(seconds: float, rounds: int) -> list[dict[str, dict[str, Any]]]:
    """`group`, `each` and `rows`, in turn, so many times."""
    measured = []
    with tempfile.TemporaryDirectory(prefix="corridor-bench-") as name:
        for n in range(rounds):
            folder = Path(name)
            group = _timed(folder / f"group-{n}", seconds, writer.BATCH)
            each = _timed(folder / f"each-{n}", seconds, 1)
            rows = _rows(folder / f"group-{n}" / "log.sqlite3", folder / f"rows-{n}.sqlite3", seconds)
            measured.append({"group": group, "each": each, "rows": rows})
    return measured


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]))))
