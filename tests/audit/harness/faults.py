"""Faults at the driver: below SQLAlchemy and everything of ours, where a disk or a server would fail."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import psycopg
from sqlalchemy import event

from gateway.db import Database

Fault = Literal["lost", "kept", "lost, then away", "kept, then away"]


class Faults:
    """What goes wrong next on the writing connections of one Database.

    `commits`: how the next commits end; each raises, "lost" after undoing everything, "kept" after it became durable.
    `away`: while true nothing answers, and nobody can connect.
    """

    def __init__(self, db: Database) -> None:
        self.commits: deque[Fault] = deque()
        self.away = False
        self._postgresql = not db.is_sqlite
        event.listen(db._writers, "do_connect", self._connect)

    def _connect(self, _dialect: Any, _record: Any, cargs: Any, cparams: dict[str, Any]) -> Any:
        self.answer()
        if self._postgresql:
            connection: Any = _Postgresql.connect(*cargs, **cparams)
        else:
            connection = sqlite3.connect(*cargs, **cparams, factory=_Sqlite)
        connection.faults = self
        return connection

    def answer(self) -> None:
        if self.away:
            raise self.error()

    def error(self) -> Exception:
        text = "the driver was told to fail here"
        return psycopg.OperationalError(text) if self._postgresql else sqlite3.OperationalError(text)

    def commit(self, commit: Callable[[], None], rollback: Callable[[], None]) -> None:
        self.answer()
        fault = self.commits.popleft() if self.commits else None
        if fault is None:
            return commit()
        if fault.startswith("kept"):
            commit()
        else:
            rollback()
        self.away = fault.endswith("away")
        raise self.error()


class _Sqlite(sqlite3.Connection):
    faults: Faults

    def commit(self) -> None:
        self.faults.commit(super().commit, super().rollback)

    def execute(self, *args: Any) -> sqlite3.Cursor:
        self.faults.answer()
        return super().execute(*args)


class _Postgresql(psycopg.Connection[Any]):
    faults: Faults | None = None

    def commit(self) -> None:
        if self.faults is None:  # still being set up
            return super().commit()
        self.faults.commit(super().commit, super().rollback)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        if self.faults is not None:
            self.faults.answer()
        return super().execute(*args, **kwargs)
