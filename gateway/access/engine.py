"""One DuckDB for one open file: as long as it lives it reads that, and nothing else of this machine."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from connectors.base import Opened

RELATION = "source"
"""What a session calls the columns of the read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one delivery may take: memory in MB, threads, and disk (under `scratch`, encrypted) for sorting in GB."""

    scratch: Path
    memory_mb: int
    threads: int = 1
    disk_gb: int = 20


class Engine:
    """A locked DuckDB, the open source it reads and its scratch directory. One delivery at a time; then the next.

    Each delivery asks in a session of its own, so that results, parameters, temporary tables and an interruption are
    one delivery's and gone with it.
    """

    def __init__(self, opened: Opened, held: ExitStack, limits: Limits) -> None:
        """`held` keeps `opened` open. It is the engine's once this returns, and still the caller's when it raises."""
        self.opened = opened
        self.identity: Hashable = opened.identity
        with ExitStack() as made:
            self._scratch = Path(
                made.enter_context(
                    TemporaryDirectory(prefix="delivery-", dir=limits.scratch, ignore_cleanup_errors=True)
                )
            )
            self._connection = made.enter_context(duckdb.connect(":memory:", config=_config(limits, self._scratch)))
            # What a sort spills is health data: under a key that DuckDB makes up and forgets.
            self._connection.execute("SET temp_file_encryption = true")
            # A view, so that a query does not bring a wide file's every column to be parsed again, three times over.
            self._connection.execute(f"CREATE VIEW {RELATION} AS FROM {opened.attach(self._connection)}")
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
            # Closed before the source is: the path it may read stands for whatever has the descriptor's number.
            made = made.pop_all()
        self._held = held.pop_all()
        self._held.callback(made.close)

    def session(self) -> duckdb.DuckDBPyConnection:
        """A connection of one delivery's own, to be closed with it. It is locked as the engine is."""
        return self._connection.cursor()

    def left_nothing(self) -> bool:
        """Whether there is a scratch directory, and the sessions that were closed have left nothing in it."""
        try:
            return not any(self._scratch.iterdir())
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the engine, its scratch and its source."""
        self._held.close()


def _config(limits: Limits, scratch: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": str(limits.threads),
        "async_threads": "0",  # else eight more, whatever `threads` says
        "memory_limit": f"{limits.memory_mb}MB",
        "temp_directory": str(scratch),
        "max_temp_directory_size": f"{limits.disk_gb}GB",
        # What one delivery has read takes no memory afterwards, and the next one reads the file itself.
        "enable_external_file_cache": "false",
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "allow_community_extensions": "false",
    }
