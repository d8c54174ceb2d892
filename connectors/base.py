"""What every data source promises."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import duckdb

SourceType = Literal["string", "integer", "number", "boolean", "date", "datetime", "other"]
"""What a column's values are in the source; `other` (nested, binary, time of day) cannot be published."""


class SourceError(Exception):
    """A source that cannot be read as declared. The text never holds a value from the source, nor its place on disk."""

    slug: ClassVar[str] = "source-error"


class SourceRefused(SourceError):
    """The path leads out of the root, through a link, or to something that is not a regular file."""

    slug = "source-path-refused"


class SourceUnavailable(SourceError):
    """The source is not there, or cannot be opened or read now."""

    slug = "source-unavailable"


class SourceMismatch(SourceError):
    """The source is not what is declared of it: a column, a type, a cell, or its form as a file."""

    slug = "source-mismatch"


class SourceChanged(SourceMismatch):
    """The source was what is declared once, and is not any more; or it changed while it was read."""

    slug = "source-changed"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column by its exact name in the source, and what its values are (or are declared to be)."""

    name: str
    type: SourceType


@dataclass(frozen=True, slots=True)
class Description:
    """What a source holds. `types_certain` is False where types are only guessed from a sample (CSV)."""

    columns: tuple[SourceColumn, ...]
    rows: int
    content_digest: str
    types_certain: bool


@dataclass(frozen=True, slots=True)
class Read:
    """The narrowest read: these columns with these declared types, no others."""

    columns: tuple[SourceColumn, ...]


class Opened(Protocol):
    """A source held open: the bytes that were checked are the bytes that are read, whatever happens to the name."""

    content_digest: str
    """`sha256:` and 64 hex digits over the source's bytes."""

    identity: Hashable
    """Equal only where the very same source was opened, unchanged, for the same read.

    As long as the one is held open, its relation gives what the other's would.
    """

    def attach(self, connection: duckdb.DuckDBPyConnection) -> str:
        """A FROM expression for `connection` with exactly the columns of the read, in its order, by name and type.

        Call it before the connection is locked: it may have to allow the connection one path. Types in DuckDB:
        VARCHAR, BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP (UTC, without zone). May be used several times in a query.
        """

    def verify(self) -> None:
        """Return if the bytes are still those of `content_digest`; cheap enough to be asked before each batch.

        Raises:
            SourceChanged: the file was written to or cut since it was opened.
        """

    def explain(self, error: Exception) -> SourceError:
        """What an engine's error over this source means, without any value from it."""


class Source(Protocol):
    """One place data is read from. Safe to use from several threads."""

    def describe(self) -> Description:
        """Columns and types in the source, its number of rows, its content digest.

        Raises:
            SourceRefused, SourceUnavailable, SourceMismatch (not readable as what it claims to be).
        """

    def check(self, columns: tuple[SourceColumn, ...]) -> Description:
        """Compare a declaration with the source, every cell where types are not certain.

        Raises:
            SourceMismatch: names the first column, and for a cell its line, that is not as declared.
        """

    def open(self, read: Read) -> AbstractContextManager[Opened]:
        """Open for one delivery. Content that was never checked against these columns is checked first.

        Raises:
            SourceUnavailable: it is not there (any more).
            SourceChanged: it does not hold the columns as declared (any more).
        """
