"""The two ways into a database: one connection that writes, others that can only read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.db import Database, DatabaseAway, Tx, is_away
from gateway.problems import WrongState
from tests.audit.harness.logs import make_log, mark, marks


@pytest.fixture
def db(database: str) -> Any:
    make_log(database)
    made = Database(database)
    yield made
    made.close()


def test_a_reader_cannot_write(db: Database) -> None:
    with db.reading_tx() as tx, pytest.raises(Exception, match=r"read.?only"):
        mark(tx, "by a reader")
    with pytest.raises((DBAPIError, DatabaseAway)), db.reading() as session:
        session.connection().exec_driver_sql("INSERT INTO instance (id, seen) VALUES ('by a reader', 0)")
    assert marks(db) == set()


def test_a_reader_sees_what_is_committed_and_nothing_else(db: Database) -> None:
    with db.writing_connection() as connection:
        with connection.begin():
            mark(Tx(connection), "open")
            assert marks(db) == set()
        assert marks(db) == {"open"}


def test_what_fails_under_a_savepoint_is_undone_alone(db: Database) -> None:
    with db.writing_connection() as connection, connection.begin():
        tx = Tx(connection)
        mark(tx, "before")
        with pytest.raises(WrongState):
            _refused_inside(tx)
        with pytest.raises(Exception, match="nowhere"):
            _nonsense_inside(tx)
        assert tx.stands
        mark(tx, "after")
    assert marks(db) == {"before", "after"}


def _refused_inside(tx: Tx) -> None:
    with tx.savepoint():
        mark(tx, "inside")
        raise WrongState("no")


def _nonsense_inside(tx: Tx) -> None:
    with tx.savepoint():
        tx.execute("SELECT 1 FROM nowhere")


def test_a_session_is_part_of_the_transaction_it_is_opened_on(db: Database) -> None:
    with db.writing_connection() as connection:
        transaction = connection.begin()
        tx = Tx(connection)
        with tx.savepoint(), tx.session() as session:
            session.connection().exec_driver_sql("INSERT INTO instance (id, seen) VALUES ('in a session', 0)")
        assert tx.execute("SELECT id FROM instance").fetchall() == [("in a session",)]
        transaction.rollback()
    assert marks(db) == set()


def test_a_value_is_never_read_as_sql(db: Database) -> None:
    odd = "'); DELETE FROM instance; -- %s ? %(x)s"
    with db.writing_connection() as connection, connection.begin():
        mark(Tx(connection), odd)
    assert marks(db) == {odd}


def test_a_database_that_is_not_there_is_away(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    db = Database(f"sqlite:///{tmp_path}")  # a folder
    with pytest.raises(DatabaseAway):
        db.writing_connection()
    db.close()


@pytest.mark.server
def test_a_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    db = Database(f"postgresql://postgres@/nothing?host={tmp_path}")
    with pytest.raises(DatabaseAway):
        db.writing_connection()
    with pytest.raises(DatabaseAway), db.reading_tx():
        pass
    db.close()


def test_a_bug_is_not_taken_for_a_database_that_is_away() -> None:
    assert not is_away(RuntimeError())
    assert not is_away(ValueError())
    assert is_away(ConnectionError())


def test_sqlite_is_as_durable_as_it_can_be(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'one.sqlite3'}")
    with db.writing_connection() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2}
    with db.reading_tx() as tx:
        assert tx.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 0  # readers never checkpoint
    db.close()


@pytest.mark.server
def test_postgresql_commits_are_durable_whatever_the_server_says(postgresql: str) -> None:
    db = Database(postgresql)
    with db.writing_connection() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW fsync").scalar() == "on"
    db.close()
