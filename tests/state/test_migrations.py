"""The schema's history leads to what the models say, on each kind of database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, inspect, select

from gateway.contracts.tables import ContractRow
from gateway.db import Database
from gateway.migrations.migrate import migrate
from gateway.migrations.tables import METADATA


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return compare_metadata(context, METADATA)


def schema(connection: Connection) -> dict[str, Any]:
    """Everything the database says of its tables."""
    found = inspect(connection)
    return {
        table: {
            "columns": [{**column, "type": str(column["type"])} for column in found.get_columns(table)],
            "primary key": found.get_pk_constraint(table),
            "foreign keys": found.get_foreign_keys(table),
            "indexes": found.get_indexes(table),
            "unique": found.get_unique_constraints(table),
        }
        for table in sorted(found.get_table_names())
    }


def test_an_empty_database_becomes_what_the_models_say(database: str) -> None:
    db = Database(database)
    with db.writing_connection() as connection, connection.begin():
        assert differences(connection) != []
        migrate(connection)
        assert differences(connection) == []
        assert set(METADATA.tables) <= set(inspect(connection).get_table_names())
    db.close()


def test_a_database_at_the_newest_version_is_left_as_it_is(database: str) -> None:
    db = Database(database)
    with db.writing_connection() as connection:
        with connection.begin():
            migrate(connection)
            before = schema(connection)
            connection.exec_driver_sql("INSERT INTO instance (id, seen) VALUES ('kept', 1)")
        with connection.begin():
            migrate(connection)
            assert schema(connection) == before
            assert connection.exec_driver_sql("SELECT id FROM instance").fetchall() == [("kept",)]
    db.close()


def test_who_suspended_a_contract_still_holds_it(database: str) -> None:
    db = Database(database)
    draft = {"provider": "a", "consumer": "b", "dataset": "d", "offer": "o", "payload": b"", "entries": []}
    times = {"drafted_at": 1, "draft_expires_at": 2, "valid_from": 1, "valid_to": 3}
    with db.writing_connection() as connection:
        with connection.begin():
            migrate(connection, "0012")
            contract = Table("contract", MetaData(), autoload_with=connection)
            for number, holder in enumerate(("did:web:a.example", None)):
                names = {"id": str(number), "digest": str(number), "status_index": number}
                row = {**draft, **times, **names, "state": "SUSPENDED", "suspended_by": holder}
                connection.execute(contract.insert().values(row))
        with connection.begin():
            migrate(connection)
            found = connection.execute(select(ContractRow.id, ContractRow.suspensions)).all()
    assert dict(found) == {"0": ["did:web:a.example"], "1": None}
    db.close()


def test_a_migration_that_does_not_commit_leaves_nothing(database: str) -> None:
    db = Database(database)
    with db.writing_connection() as connection:
        transaction = connection.begin()
        migrate(connection)
        transaction.rollback()
    with db.writing_connection() as connection, connection.begin():
        assert inspect(connection).get_table_names() == []
    db.close()


@pytest.mark.server
def test_processes_that_migrate_at_once_do_not_disturb_one_another(postgresql: str) -> None:
    def work(_number: int) -> None:
        db = Database(postgresql)
        with db.writing_connection() as connection, connection.begin():
            migrate(connection)
        db.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [None] * 4
    db = Database(postgresql)
    with db.writing_connection() as connection, connection.begin():
        assert differences(connection) == []
    db.close()
