"""Bringing a database to the newest schema (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_LOCK = 7_160_271  # any number, the same in every gateway


def migrate(connection: Connection, to: str = "head") -> None:
    """Bring the schema to the newest version, in the connection's own transaction. Others wait until it ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
