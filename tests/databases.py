"""The databases that state is tested on: SQLite always, PostgreSQL where its server programs are (mark `server`).

PostgreSQL runs as a cluster of its own for the whole session, in a temporary directory, reached through a socket there,
as durable as it comes out of `initdb`. Every test has a database of its own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

NOT_ROOT = "postgres"
_numbers = count(1)


@dataclass
class Cluster:
    """A PostgreSQL server of the tests. `crash` kills it without a word; `start` lets it recover."""

    programs: Path
    folder: Path

    def create(self) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam(NOT_ROOT)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", f"--username={NOT_ROOT}", "-D", "data")

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c max_connections=60"
        self._run("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def crash(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")

    def url(self, name: str) -> str:
        return f"postgresql://{NOT_ROOT}@/{name}?host={self.folder}"

    def make_database(self) -> str:
        name = f"corridor_{next(_numbers)}"
        with psycopg.connect(self.url(NOT_ROOT), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.url(NOT_ROOT), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {"user": NOT_ROOT, "group": NOT_ROOT, "extra_groups": ()} if os.geteuid() == 0 else {}
        with (self.folder.parent / f"{self.folder.name}.{program}").open("w+") as output:
            # A file, not a pipe: the server goes on holding what it was given.
            ended = subprocess.run(
                [self.programs / program, *arguments], cwd=self.folder, stdout=output, stderr=output, **as_user
            )
            output.seek(0)
            assert ended.returncode == 0, output.read()
        (self.folder.parent / f"{self.folder.name}.{program}").unlink()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL; only tests marked `server` may ask for it."""
    found = os.environ.get("CORRIDOR_PG_BIN") or str(Path(shutil.which("initdb") or "").parent)
    assert (Path(found) / "initdb").exists(), "run this by make check, which brings PostgreSQL"
    with tempfile.TemporaryDirectory(prefix="corridor-pg-") as folder:
        made = Cluster(Path(found), Path(folder))
        made.create()
        made.start()
        try:
            yield made
        finally:
            made.crash()


@pytest.fixture
def postgresql(cluster: Cluster) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    name = cluster.make_database()
    try:
        yield cluster.url(name)
    finally:
        cluster.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; the test runs on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'corridor.sqlite3'}"
    address: str = request.getfixturevalue("postgresql")
    return address
