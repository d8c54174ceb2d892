"""The database: one writing connection, any number of reading ones, on SQLite or PostgreSQL.

SQLite: WAL, `synchronous=FULL`, and exactly one connection writes and checkpoints. Versions before 3.51.3 can corrupt a
WAL when two connections do either at once, so readers are `query_only` and never checkpoint, and a lock file keeps a
second process out. PostgreSQL: any number of processes; the log's writers queue on the row of the log's head.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool
from sqlmodel import Session

from gateway.problems import Problem, Unavailable

BUSY_TIMEOUT_S = 5


class DatabaseAway(Unavailable):
    """The database did not answer, or not in time. Nothing was released."""

    slug, title = "database-unavailable", "The gateway's database cannot be reached"


class DatabaseInUse(Problem):
    """Another process holds this SQLite database."""

    slug, status, title = "database-in-use", 503, "Another process is using this gateway's database"


class Cursor(Protocol):
    """What both drivers give back from a statement."""

    rowcount: int

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Tx:
    """One transaction, seen through the driver: `execute` takes SQL with `?` for every value.

    The log and the way of one access speak to the driver (an ORM costs a millisecond a row); administration opens a
    `session()` on the same transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self.is_postgresql = connection.dialect.name == "postgresql"

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        cursor: Cursor = self._driver.execute(self._dialect(sql), values)
        return cursor

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._driver.cursor().executemany(self._dialect(sql), rows)

    @property
    def stands(self) -> bool:
        """Whether the transaction goes on: its connection lives, and no failure has ended it."""
        if self.is_postgresql:
            return bool(self._driver.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS)
        return bool(self._driver.in_transaction)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done inside is undone when it raises, and only that."""
        self._driver.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            self._driver.execute("ROLLBACK TO SAVEPOINT one")
            self._driver.execute("RELEASE SAVEPOINT one")
            raise
        self._driver.execute("RELEASE SAVEPOINT one")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """An SQLModel session inside this transaction; flushed at the end, never committed by itself."""
        with Session(bind=self._connection, join_transaction_mode="create_savepoint") as session:
            yield session
            session.commit()

    def _dialect(self, sql: str) -> str:
        return sql.replace("?", "%s") if self.is_postgresql else sql


class Database:
    """The two engines of one database. `home` holds the lock file of an SQLite database."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if not self.is_sqlite:
            self.url = self.url.set(drivername="postgresql+psycopg")
        self._lock: int | None = None
        self.readers = self._engine(read_only=True)
        self._writers = self._engine(read_only=False)

    def claim(self) -> None:
        """Keep other processes off an SQLite database for as long as this one lives.

        Raises:
            DatabaseInUse: somebody else has it.
        """
        if not self.is_sqlite or self._lock is not None:
            return
        path = f"{self.url.database}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise DatabaseInUse(
                "An SQLite database serves one gateway process. Stop the other process, or use PostgreSQL for several."
            ) from None
        self._lock = handle

    def writing_connection(self) -> Connection:
        """A connection that may write. Whoever takes it for the log keeps it."""
        with translated():
            return self._writers.connect()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that can only read, on the last committed state."""
        with translated(), Session(self.readers) as session:
            yield session

    @contextmanager
    def reading_tx(self) -> Iterator[Tx]:
        """The same through the driver."""
        with translated(), self.readers.connect() as connection:
            yield Tx(connection)

    def has_table(self, name: str) -> bool:
        """Whether there is such a table: none are in a database that nobody has initialised."""
        with translated():
            return inspect(self.readers).has_table(name)

    def close(self) -> None:
        self.readers.dispose()
        self._writers.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _engine(self, *, read_only: bool) -> Engine:
        if not self.is_sqlite:
            # A database that does not answer must not hold a caller for longer than its patience.
            options = "-c default_transaction_read_only=on" if read_only else "-c synchronous_commit=on"
            return create_engine(
                self.url,
                pool_size=8 if read_only else 1,
                pool_pre_ping=read_only,
                pool_timeout=BUSY_TIMEOUT_S,
                connect_args={"connect_timeout": BUSY_TIMEOUT_S, "options": f"{options} -c statement_timeout=30000"},
            )
        if self.url.database:
            path = Path(self.url.database)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # For its owner only; SQLite gives the files beside it the same mode.
            path.touch(mode=0o600)
        engine = create_engine(
            self.url,
            poolclass=QueuePool if read_only else NullPool,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
            **({"pool_timeout": BUSY_TIMEOUT_S} if read_only else {}),
        )
        event.listen(engine, "connect", _read_only_sqlite if read_only else _writing_sqlite)
        event.listen(engine, "begin", _begin_reading if read_only else _begin_writing)
        return engine


def _writing_sqlite(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None  # the driver's own idea of transactions knows no savepoints
    driver.execute("PRAGMA journal_mode=WAL")
    driver.execute("PRAGMA synchronous=FULL")
    driver.execute("PRAGMA foreign_keys=ON")
    # A process that was killed may have left commits it never synced: they can be read, and a power loss would take
    # them back. Synced and moved into the database here, they are as durable as what is built on them.
    try:
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:  # it syncs first, and moves then: that much has been done
            raise
    if database := driver.execute("PRAGMA database_list").fetchone()[2]:
        _sync_folder(Path(database).parent)


def _sync_folder(folder: Path) -> None:
    """Make the names of the database and of its WAL durable. SQLite tries too, and does not look whether it can."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise sqlite3.OperationalError(f"The database's folder cannot be synced: {error.strerror}.") from error


def _read_only_sqlite(driver: sqlite3.Connection, _record: object) -> None:
    driver.isolation_level = None
    driver.execute("PRAGMA query_only=ON")
    driver.execute("PRAGMA wal_autocheckpoint=0")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """A database that is away becomes a Problem that says so (503); a bug stays a bug."""
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error, psycopg.Error) as error:
        if is_away(error):
            raise DatabaseAway("The database did not answer. Nothing was released; try again shortly.") from error
        raise


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away, rather than that we asked it nonsense."""
    if isinstance(error, PoolTimeout):  # every connection is taken: as good as away
        return True
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError) or error.connection_invalidated
    return isinstance(error, sqlite3.OperationalError | psycopg.OperationalError | OSError)
