"""What files have in common: the digest of their bytes, being held open, and an engine that reads nothing else."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from connectors.base import SourceChanged, SourceColumn, SourceError, SourceMismatch, SourceUnavailable

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}

_PIECE = 1 << 20
_REMEMBERED = 4096

Stamp = tuple[int, int, int, int, int]
Schema = tuple[tuple[SourceColumn, ...], dict[str, str]]
"""Columns by the file's own names, and the engine's type of each."""


def stamp(descriptor: int) -> Stamp:
    """What changes when a file's bytes do: device, inode, size, and both times in nanoseconds."""
    facts = os.fstat(descriptor)
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A file's bytes: when they were read, digest (`sha256:` and hex), and what a parser of text must know."""

    stamp: Stamp
    digest: str
    size: int
    quotes: int
    nul: bool


class Fingerprints:
    """Digests by stamp, and by digest what was found in the content. Bounded; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digests: OrderedDict[Stamp, Fingerprint] = OrderedDict()
        self._checked: OrderedDict[tuple[str, str], frozenset[SourceColumn]] = OrderedDict()
        self._schemas: OrderedDict[str, Schema] = OrderedDict()

    def of(self, descriptor: int) -> Fingerprint:
        """The fingerprint of an open file, read once for each stamp.

        Raises:
            SourceChanged: it was written to while it was being read.
        """
        before = stamp(descriptor)
        with self._lock:
            known = self._digests.get(before)
        if known is not None:
            return known
        made = _fingerprint(descriptor, before)
        # Bytes only: a rename over the name changes the inode's ctime and nothing that is read here.
        if stamp(descriptor)[:4] != before[:4]:
            raise SourceChanged("the source was written to while its digest was taken; try again")
        with self._lock:
            self._digests[before] = made
            while len(self._digests) > _REMEMBERED:
                self._digests.popitem(last=False)
        return made

    def schema(self, digest: str, read: Callable[[], Schema]) -> Schema:
        """The schema of a file that carries its own, read once for each content: to read it takes an engine."""
        with self._lock:
            known = self._schemas.get(digest)
        if known is None:
            known = read()
            with self._lock:
                self._schemas[digest] = known
                while len(self._schemas) > _REMEMBERED:
                    self._schemas.popitem(last=False)
        return known

    def was_checked(self, kind: str, digest: str, columns: tuple[SourceColumn, ...]) -> bool:
        """Whether each of these columns was, together or apart: a narrower read than one before costs no new check."""
        with self._lock:
            return self._checked.get((kind, digest), frozenset()).issuperset(columns)

    def remember_checked(self, kind: str, digest: str, columns: tuple[SourceColumn, ...]) -> None:
        with self._lock:
            self._checked[kind, digest] = self._checked.get((kind, digest), frozenset()).union(columns)
            while len(self._checked) > _REMEMBERED:
                self._checked.popitem(last=False)


def _fingerprint(descriptor: int, stamp_: Stamp) -> Fingerprint:
    digest = hashlib.sha256()
    offset = quotes = 0
    nul = False
    try:
        while piece := os.pread(descriptor, _PIECE, offset):
            digest.update(piece)
            quotes += piece.count(b'"')
            nul = nul or b"\0" in piece
            offset += len(piece)
    except OSError as error:
        raise SourceUnavailable("the source cannot be read") from error
    return Fingerprint(stamp_, f"sha256:{digest.hexdigest()}", offset, quotes, nul)


def descriptor_path(descriptor: int) -> str:
    """A path by which this process opens the very file of `descriptor` again, whatever its name leads to by now."""
    return f"/proc/self/fd/{descriptor}" if os.path.isdir("/proc/self/fd") else f"/dev/fd/{descriptor}"


@contextmanager
def private_engine(path: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own for looking at one file: no other path, no extension, one thread, 256 MB."""
    with duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "async_threads": "0",  # else eight more
            "memory_limit": "256MB",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
        },
    ) as connection:
        allow(connection, path)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def allow(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    """Let `connection` read this one path. The setting takes no parameter; the path is ours and holds no quote."""
    connection.execute(f"SET allowed_paths = ['{path}']")


def quoted(name: str) -> str:
    """A column's name as a DuckDB identifier, whatever characters it is made of."""
    return '"' + name.replace('"', '""') + '"'


class OpenedFile:
    """A file held by its descriptor."""

    def __init__(self, descriptor: int, fingerprint: Fingerprint, relation: str, identity: Hashable) -> None:
        self.content_digest = fingerprint.digest
        self.identity = identity
        self._descriptor = descriptor
        self._relation = relation
        # As they were when the digest was taken: what was written since, before this line even, is a change.
        self._size_and_time = fingerprint.stamp[2:4]

    def attach(self, connection: duckdb.DuckDBPyConnection) -> str:
        allow(connection, descriptor_path(self._descriptor))
        return self._relation

    def verify(self) -> None:
        if stamp(self._descriptor)[2:4] != self._size_and_time:
            raise SourceChanged("the source was written to while it was read")

    def explain(self, error: Exception) -> SourceError:
        try:
            self.verify()
        except SourceChanged as changed:
            return changed
        if isinstance(error, SourceError):
            return error
        if isinstance(error, duckdb.PermissionException):
            # The name changed while DuckDB asked where the descriptor's path leads; it read nothing.
            return SourceUnavailable("the source was moved while it was opened; try again")
        if isinstance(error, duckdb.OperationalError) and not isinstance(error, duckdb.ConversionException):
            return SourceUnavailable("the source cannot be read to its end")
        return SourceMismatch("the source cannot be read as what it is declared to be")


def declared(
    wanted: tuple[SourceColumn, ...], found: tuple[SourceColumn, ...], *, compare_types: bool
) -> tuple[SourceColumn, ...]:
    """The source's columns behind a declaration, in the declaration's order.

    Raises:
        SourceMismatch: a name twice (DuckDB and spreadsheets do not tell `Age` from `age`), a column that is not
            there, a type that is another.
    """
    seen: set[str] = set()
    for column in found:
        if column.name.lower() in seen:
            raise SourceMismatch(f"the source has two columns called {shown(column.name)} (letter case aside)")
        seen.add(column.name.lower())
    by_name = {column.name: column for column in found}
    for column in wanted:
        there = by_name.get(column.name)
        if there is None:
            raise SourceMismatch(f"the source has no column {shown(column.name)}")
        if compare_types and there.type != column.type:
            raise SourceMismatch(
                f"column {shown(column.name)} is declared {column.type}, and is {there.type} in the source"
            )
    return tuple(by_name[column.name] for column in wanted)


def shown(name: str) -> str:
    """A column's name for a sentence: cut, and without characters that could be taken for something else."""
    return "'" + "".join(c if c.isprintable() else "?" for c in name[:128]) + "'"
