"""One DuckDB for one delivery: it reads the one source it was given, and nothing else of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from connectors.base import Opened


@dataclass(frozen=True, slots=True)
class Limits:
    """What one delivery may take: memory in MB, threads, and disk (under `scratch`, encrypted) for sorting in GB."""

    scratch: Path
    memory_mb: int
    threads: int = 1
    disk_gb: int = 20


@contextmanager
def engine(opened: Opened, limits: Limits) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A locked connection and the source's relation in it. Connection and scratch are gone on exit."""
    with (
        TemporaryDirectory(prefix="delivery-", dir=limits.scratch, ignore_cleanup_errors=True) as scratch,
        duckdb.connect(
            ":memory:",
            config={
                "threads": str(limits.threads),
                "memory_limit": f"{limits.memory_mb}MB",
                "temp_directory": scratch,
                "max_temp_directory_size": f"{limits.disk_gb}GB",
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
                "allow_community_extensions": "false",
            },
        ) as connection,
    ):
        # What a sort spills is health data: under a key that DuckDB makes up and forgets.
        connection.execute("SET temp_file_encryption = true")
        connection.execute("SET enable_progress_bar = false")  # it would be drawn on the gateway's standard output
        relation = opened.attach(connection)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection, relation
