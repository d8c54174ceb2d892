"""Logs to test with: made, opened, filled, and judged from outside by the rules alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.create import create_log
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, AuditEvent, Object, Source
from gateway.audit.log import Log, Outcome, Record
from gateway.audit.merkle import leaf_hash
from gateway.audit.note import VerifierKey
from gateway.clock import Clock
from gateway.db import Database, Tx
from gateway.migrations.migrate import migrate
from tests.audit.small_log import HOSPITAL, LOG, ORIGIN, PHARMA, Tiles, mth

BUNDLE = "sha256:" + "0" * 64


def make_log(url: str) -> None:
    """An empty log in an empty database."""
    db = Database(url)
    with db.writing_connection() as connection:
        with connection.begin():
            migrate(connection)
        with connection.begin():
            create_log(Tx(connection), LOG, bundle=BUNDLE)
    db.close()


@contextmanager
def running(
    url: str, *, clock: Clock = time.time, prepare: Callable[[Database], Any] = lambda _db: None
) -> Iterator[Log]:
    """The log of this database, started; `prepare` sees the Database before anything is opened."""
    db = Database(url)
    log = Log(db, signer=LOG, clock=clock)
    try:
        prepare(db)
        log.start()
        yield log
    finally:
        log.close()
        db.close()


def happening(dataset: str = "urn:uuid:1", *, at: float = 1_795_392_000, **groups: Any) -> AuditEvent:
    """Something that happened to a dataset."""
    deed = Deed(Actor("gateway", "did:web:gateway.example"), Source(ORIGIN), at)
    groups.setdefault("type", "dataset.registered")
    return deed.event(objects=(Object("dataset", dataset),), **groups)


def entry(dataset: str = "urn:uuid:1", parties: Sequence[str] = (HOSPITAL, PHARMA), **groups: Any) -> Record:
    return Record(happening(dataset, **groups), tuple(parties))


def one(dataset: str = "urn:uuid:1", parties: Sequence[str] = (HOSPITAL, PHARMA), **groups: Any) -> Any:
    """A change that only records."""
    record = entry(dataset, parties, **groups)
    return lambda _tx: Outcome((record,))


def mark(tx: Tx, name: str) -> None:
    """Some state a change leaves in the database, in a table that holds nothing else in these tests."""
    tx.execute("INSERT INTO instance (id, seen) VALUES (?, 0)", (name,))


def marks(db: Database) -> set[str]:
    with db.reading_tx() as tx:
        return {row[0] for row in tx.execute("SELECT id FROM instance").fetchall()}


def alter(url: str, *statements: tuple[str, Sequence[Any]]) -> None:
    """Change a log at rest, as nobody may."""
    db = Database(url)
    with db.writing_connection() as connection, connection.begin():
        for sql, values in statements:
            Tx(connection).execute(sql, values)
    db.close()


def judge(db: Database, key: VerifierKey = LOG.verifier) -> list[dict[str, Any]]:
    """The records of a log whose every part agrees with every other; the entries alone say what it should be."""
    with db.reading_tx() as tx:
        note = tx.execute("SELECT checkpoint FROM log_head WHERE id = 1").fetchone()[0]
        checkpoint = open_checkpoint(note, key)
        sql = "SELECT idx, leaf, body FROM log_entry WHERE idx < ? ORDER BY idx"
        rows = tx.execute(sql, (checkpoint.size,)).fetchall()
        tiles = tx.execute("SELECT level, n, hashes FROM log_tile ORDER BY level, n").fetchall()
    assert [row[0] for row in rows] == list(range(checkpoint.size))
    leaves = [leaf_hash(bytes(row[2])) for row in rows]
    assert [bytes(row[1]) for row in rows] == leaves
    assert mth(leaves) == checkpoint.root
    kept = Tiles(leaves).kept
    assert {(level, n): bytes(hashes) for level, n, hashes in tiles} == kept
    return [orjson.loads(bytes(row[2])) for row in rows]
