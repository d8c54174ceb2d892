"""Parquet files of any size. Types come from the file's own schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from connectors.base import (
    Description,
    Read,
    SourceChanged,
    SourceColumn,
    SourceMismatch,
    SourceType,
    SourceUnavailable,
)
from connectors.confine import opened_beneath
from connectors.files import (
    DUCKDB_TYPES,
    Fingerprints,
    OpenedFile,
    Schema,
    declared,
    descriptor_path,
    private_engine,
    quoted,
)

_TYPES: dict[str, SourceType] = {
    "VARCHAR": "string",
    "UUID": "string",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "number"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "datetime"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"), "datetime"),
}


class ParquetFile:
    """One Parquet file beneath a root."""

    def __init__(self, root: Path, path: str, fingerprints: Fingerprints) -> None:
        self._root, self._path, self._fingerprints = root, path, fingerprints

    def describe(self) -> Description:
        with opened_beneath(self._root, self._path) as descriptor:
            columns, _ = _schema(descriptor)
            return Description(columns, _rows(descriptor), self._fingerprints.of(descriptor).digest, types_certain=True)

    def check(self, columns: tuple[SourceColumn, ...]) -> Description:
        with opened_beneath(self._root, self._path) as descriptor:
            found, _ = _schema(descriptor)
            declared(columns, found, compare_types=True)
            return Description(columns, _rows(descriptor), self._fingerprints.of(descriptor).digest, types_certain=True)

    @contextmanager
    def open(self, read: Read) -> Iterator[OpenedFile]:
        with opened_beneath(self._root, self._path) as descriptor:
            fingerprint = self._fingerprints.of(descriptor)
            try:
                found, engine_types = self._fingerprints.schema(fingerprint.digest, lambda: _schema(descriptor))
                declared(read.columns, found, compare_types=True)
            except SourceMismatch as mismatch:
                raise SourceChanged(str(mismatch)) from mismatch
            chosen = ", ".join(
                f"{_value(column, engine_types[column.name])} AS {quoted(column.name)}" for column in read.columns
            )
            relation = f"(SELECT {chosen} FROM {_read_parquet(descriptor)})"
            identity = ("parquet", self._root, self._path, fingerprint, read)
            yield OpenedFile(descriptor, fingerprint, relation, identity)


def _read_parquet(descriptor: int) -> str:
    return f"read_parquet('{descriptor_path(descriptor)}', hive_partitioning = false)"


def _value(column: SourceColumn, engine_type: str) -> str:
    if engine_type in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
        return f"CAST({quoted(column.name)} AT TIME ZONE 'UTC' AS TIMESTAMP)"
    wanted = DUCKDB_TYPES[column.type]
    return quoted(column.name) if engine_type == wanted else f"CAST({quoted(column.name)} AS {wanted})"


def _schema(descriptor: int) -> Schema:
    path = descriptor_path(descriptor)
    # The engine renames a column that differs from another in letter case only; the file's schema has true names.
    names = _run(descriptor, f"SELECT name FROM parquet_schema('{path}') OFFSET 1")
    described = _run(descriptor, f"DESCRIBE SELECT * FROM {_read_parquet(descriptor)}")
    types = [(str(name), str(kind)) for name, kind, *_ in described]
    true_names = {str(name) for (name,) in names}
    if any(name not in true_names for name, _ in types):
        raise SourceMismatch("the source has two columns of one name (letter case aside)")
    columns = tuple(SourceColumn(name, _source_type(kind)) for name, kind in types)
    return columns, dict(types)


def _source_type(engine_type: str) -> SourceType:
    if re.fullmatch(r"DECIMAL\(\d+,\d+\)", engine_type):
        return "number"
    return "string" if engine_type.startswith("ENUM(") else _TYPES.get(engine_type, "other")


def _rows(descriptor: int) -> int:
    return int(str(_run(descriptor, f"SELECT count(*) FROM {_read_parquet(descriptor)}")[0][0]))


def _run(descriptor: int, query: str) -> list[tuple[object, ...]]:
    path = descriptor_path(descriptor)
    with private_engine(path) as connection:
        try:
            return connection.execute(query).fetchall()
        except (duckdb.PermissionException, duckdb.IOException):
            raise SourceUnavailable("the source was moved or could not be read just now; try again") from None
        except duckdb.Error:
            # The engine's text may quote bytes of the file.
            raise SourceMismatch("the source is not a readable Parquet file; it may be cut or damaged") from None
