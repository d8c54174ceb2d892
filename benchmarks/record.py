"""Reading the log back: `python -m benchmarks.record [ENTRIES [ROUNDS]]`, 100,000 entries, five rounds.

An export verified to its last byte beside the same bytes hashed alone, in two ways: line by line as the tree hashes
them (RFC 6962, 2.1), and the file as one. Pages of the log, filtered, beside the same rows asked of SQLite itself. A
proof from a long log beside one from a log of a thousand. In turn, in one process; the middle of the rounds counts.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.append import PARTIES, change, made
from gateway.audit import reader
from gateway.audit.export import export_range
from gateway.audit.log import Log, Outcome
from gateway.audit.merkle import leaf_hash
from gateway.audit.note import NoteSigner
from gateway.audit.reader import Filter
from gateway.audit.tiles import TreeView
from gateway.audit.verify import verify_export
from gateway.clock import instant
from gateway.db import Tx

ENTRIES: Final = 100_000
ROUNDS: Final = 5
SHORT: Final = 1_000
BATCH: Final = 1_000
PAGES: Final = 200
PROOFS: Final = 200
LIMITS: Final = (50, 500)


@dataclass(frozen=True, slots=True)
class Filled:
    """A log that holds something, and where."""

    folder: Path
    log: Log
    signer: NoteSigner


def filled(folder: Path, entries: int) -> Filled:
    folder.mkdir()
    log = made(folder)

    def many(tx: Tx) -> Outcome:
        return Outcome(tuple(record for _ in range(BATCH) for record in change(tx).records))

    for done in range(0, entries, BATCH):
        log.record(many)
        sys.stderr.write(f"\r{done + BATCH:,} of {entries:,}")
    sys.stderr.write("\n")
    return Filled(folder, log, log.signer)


def exported(of: Filled, file: Path) -> None:
    with of.log.db.reading_tx() as tx, file.open("wb") as out:
        note, head = reader.head(tx, of.signer.verifier)
        bodies = (stored.body for stored in reader.all_entries(tx, begin=0, end=head.size))
        tree = TreeView(head.size, reader.tile_reader(tx))
        out.writelines(
            export_range(
                bodies, 0, head.size, checkpoint=note, tree=tree, signer=of.signer, made_at=instant(time.time())
            )
        )


def took(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def verified(file: Path, of: Filled) -> None:
    report = verify_export(file, of.signer.verifier)
    assert report.valid, report.findings


def hashed_by_line(file: Path) -> None:
    with file.open("rb") as lines:
        for line in lines:
            leaf_hash(line)


def hashed_whole(file: Path) -> None:
    with file.open("rb") as data:
        hashlib.file_digest(data, "sha256")


def pages(of: Filled, wanted: list[Filter], size: int, limit: int) -> None:
    for n, filter in enumerate(wanted):
        with of.log.db.reading_tx() as tx:
            found = reader.entries(tx, seen_by=PARTIES[0], filter=filter, before=size - n, limit=limit)
        assert found


def bare(connection: sqlite3.Connection, wanted: list[Filter], size: int, limit: int) -> None:
    """The same rows by a statement written for them, and nothing else."""
    sql = (
        "SELECT e.idx, e.id, e.leaf, e.body FROM log_entry e CROSS JOIN log_party p WHERE p.idx = e.idx"
        " AND p.participant = ? AND e.contract = ? AND e.idx < ? ORDER BY e.idx DESC LIMIT ?"
    )
    for n, filter in enumerate(wanted):
        assert connection.execute(sql, (PARTIES[0], filter.contract, size - n, limit)).fetchall()


def proofs(of: Filled, indices: list[int], size: int) -> None:
    for index in indices:
        with of.log.db.reading_tx() as tx:
            assert reader.inclusion(tx, index, size)


def shown(what: str, ratios: list[float], detail: str) -> None:
    print(f"{statistics.median(ratios):6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})  {what}  {detail}", flush=True)


def main(entries: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="corridor-bench-") as name:
        folder = Path(name)
        short, long = filled(folder / "short", SHORT), filled(folder / "long", entries)
        file = folder / "log.export"
        exported(long, file)
        contracts = _contracts(long)
        wanted = [Filter(contract=random.choice(contracts)) for _ in range(PAGES)]
        connection = sqlite3.connect(f"file:{long.folder / 'log.sqlite3'}?mode=ro", uri=True)
        measured: dict[str, list[float]] = {}
        for _ in range(rounds):
            for key, work in {
                "verify": lambda: verified(file, long),
                "lines": lambda: hashed_by_line(file),
                "whole": lambda: hashed_whole(file),
                "pages 50": lambda: pages(long, wanted, entries, 50),
                "bare 50": lambda: bare(connection, wanted, entries, 50),
                "pages 500": lambda: pages(long, wanted, entries, 500),
                "bare 500": lambda: bare(connection, wanted, entries, 500),
                "near": lambda: proofs(short, [random.randrange(SHORT) for _ in range(PROOFS)], SHORT),
                "far": lambda: proofs(long, [random.randrange(entries) for _ in range(PROOFS)], entries),
            }.items():
                measured.setdefault(key, []).append(took(work))
        connection.close()
        size = file.stat().st_size
        for of in (short, long):
            of.log.close()
            of.log.db.close()

    def ratio(yardstick: str, ours: str) -> list[float]:
        return [a / b for a, b in zip(measured[yardstick], measured[ours], strict=True)]

    speed = size / statistics.median(measured["verify"]) / 1e6
    shown("an export verified / its lines hashed", ratio("lines", "verify"), f"{speed:.0f} MB/s, {size / 1e6:.0f} MB")
    shown("an export verified / the file hashed as one", ratio("whole", "verify"), "")
    for limit in LIMITS:
        each = statistics.median(measured[f"pages {limit}"]) / PAGES * 1e3
        compared = ratio(f"bare {limit}", f"pages {limit}")
        shown(f"{limit} entries of one contract / the same rows from SQLite", compared, f"{each:.2f} ms")
    each = statistics.median(measured["far"]) / PROOFS * 1e3
    shown(f"a proof of {SHORT:,} entries / of {entries:,}", ratio("near", "far"), f"{each:.2f} ms")


def _contracts(of: Filled) -> list[str]:
    with of.log.db.reading_tx() as tx:
        return [
            row[0] for row in tx.execute("SELECT DISTINCT contract FROM log_entry WHERE contract NOTNULL").fetchall()
        ]


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:]]
    main(*(given + [ENTRIES, ROUNDS][len(given) :]))
