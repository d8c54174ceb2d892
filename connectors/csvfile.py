"""CSV files of any size (RFC 4180: comma, double quotes, one header, UTF-8). An empty cell is a missing value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from connectors import csvform
from connectors.base import (
    Description,
    Read,
    SourceChanged,
    SourceColumn,
    SourceError,
    SourceMismatch,
    SourceType,
    SourceUnavailable,
)
from connectors.confine import opened_beneath
from connectors.csvform import Form
from connectors.files import (
    DUCKDB_TYPES,
    Fingerprint,
    Fingerprints,
    OpenedFile,
    declared,
    descriptor_path,
    private_engine,
    quoted,
    shown,
)

_SAMPLE_ROWS = 10_000

# What a cell must look like, whole. DuckDB alone would be kinder than a record of what was released may be: it
# rounds 1.5 to the integer 2 and takes 't' for true.
_LOOKS: dict[SourceType, str] = {
    "boolean": r"(?i:true|false)",
    "integer": r"-?[0-9]{1,19}",
    "number": r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "datetime": r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z?",
}


class CsvFile:
    """One CSV file beneath a root. Every cell of a declared column is checked once for each content."""

    def __init__(self, root: Path, path: str, fingerprints: Fingerprints) -> None:
        self._root, self._path, self._fingerprints = root, path, fingerprints

    def describe(self) -> Description:
        """Columns with types guessed from the first 10,000 rows."""
        with opened_beneath(self._root, self._path) as descriptor:
            print_ = self._fingerprints.of(descriptor)
            form = csvform.read(descriptor, print_)
            guesses = _guess(descriptor, form)
            rows = _check(descriptor, form, (), ())
            columns = tuple(SourceColumn(name, kind) for name, kind in zip(form.header, guesses, strict=True))
            return Description(columns, rows, print_.digest, types_certain=False)

    def check(self, columns: tuple[SourceColumn, ...]) -> Description:
        with opened_beneath(self._root, self._path) as descriptor:
            print_ = self._fingerprints.of(descriptor)
            form = csvform.read(descriptor, print_)
            rows = self._checked(descriptor, print_, form, columns)
            return Description(columns, rows, print_.digest, types_certain=True)

    @contextmanager
    def open(self, read: Read) -> Iterator[OpenedFile]:
        with opened_beneath(self._root, self._path) as descriptor:
            print_ = self._fingerprints.of(descriptor)
            try:
                form = csvform.read(descriptor, print_)
                if not self._fingerprints.was_checked("csv", print_.digest, read.columns):
                    self._checked(descriptor, print_, form, read.columns)
            except SourceMismatch as mismatch:
                raise SourceChanged(str(mismatch)) from mismatch
            identity = ("csv", self._root, self._path, print_, read)
            yield _OpenedCsv(descriptor, print_, _relation(descriptor, form, read.columns), identity)

    def _checked(self, descriptor: int, print_: Fingerprint, form: Form, columns: tuple[SourceColumn, ...]) -> int:
        declared(columns, tuple(SourceColumn(name, "other") for name in form.header), compare_types=False)
        rows = _check(descriptor, form, columns, tuple(form.header.index(column.name) for column in columns))
        self._fingerprints.remember_checked("csv", print_.digest, columns)
        return rows


class _OpenedCsv(OpenedFile):
    def explain(self, error: Exception) -> SourceError:
        plain = super().explain(error)
        return _mismatch(error) if type(plain) is SourceMismatch and plain is not error else plain


def _read_csv(descriptor: int, form: Form, types: dict[int, str]) -> str:
    """The table function over all columns of the file under names of ours: none of the file's gets into SQL here.

    No `new_line`: DuckDB 2.0 answers no rows at all, without an error, when it is given and lines end in CR LF.
    """
    columns = ", ".join(f"'c{n}': '{types.get(n, 'VARCHAR')}'" for n in range(len(form.header)))
    return (
        f"read_csv('{descriptor_path(descriptor)}', auto_detect = false, header = true, delim = ',', quote = '\"',"
        f" escape = '\"', strict_mode = true, null_padding = false, parallel = false,"
        f" dateformat = '%Y-%m-%d', columns = {{{columns}}})"
    )


def _relation(descriptor: int, form: Form, columns: tuple[SourceColumn, ...]) -> str:
    positions = {column.name: form.header.index(column.name) for column in columns}
    types = {positions[column.name]: DUCKDB_TYPES[column.type] for column in columns}
    chosen = ", ".join(f"c{positions[column.name]} AS {quoted(column.name)}" for column in columns)
    return f"(SELECT {chosen} FROM {_read_csv(descriptor, form, types)})"


def _well_formed(cell: str, kind: SourceType) -> str:
    """SQL that is true of a cell of `kind`. The pattern and the cast must both agree; numbers must be finite."""
    cast = f"TRY_CAST({cell} AS {DUCKDB_TYPES[kind]})"
    finite = f" AND isfinite({cast})" if kind == "number" else ""
    return f"(regexp_full_match({cell}, '{_LOOKS[kind]}') AND {cast} IS NOT NULL{finite})"


def _check(descriptor: int, form: Form, columns: tuple[SourceColumn, ...], positions: tuple[int, ...]) -> int:
    """The number of rows, once every cell of `columns` is what it is declared to be."""
    firsts = [
        f"count(c{at})"  # reading a text cell checks its encoding
        if column.type == "string"
        else f"min(CASE WHEN c{at} IS NOT NULL AND NOT {_well_formed(f'c{at}', column.type)} THEN row_ END)"
        for column, at in zip(columns, positions, strict=True)
    ]
    cells = ", ".join(["row_number() OVER () AS row_", *(f"c{at}" for at in sorted(set(positions) or {0}))])
    query = f"SELECT {', '.join(['count(*)', *firsts])} FROM (SELECT {cells} FROM {_read_csv(descriptor, form, {})})"
    row = _run(descriptor, query)[0]
    for column, first in zip(columns, row[1:], strict=True):
        if column.type != "string" and first is not None:
            line = csvform.line_of(descriptor, form, first)
            raise SourceMismatch(f"line {line}: the cell of column {shown(column.name)} is no {column.type}")
    return row[0] or 0


def _guess(descriptor: int, form: Form) -> tuple[SourceType, ...]:
    tests = ", ".join(
        f"bool_and({_well_formed(f'c{n}', kind)}) FILTER (c{n} IS NOT NULL)"
        for n in range(len(form.header))
        for kind in _LOOKS
    )
    query = f"SELECT {tests} FROM (FROM {_read_csv(descriptor, form, {})} LIMIT {_SAMPLE_ROWS})"
    answers = iter(_run(descriptor, query)[0])
    kinds: list[SourceType] = []
    for _ in form.header:
        fitting = [kind for kind in _LOOKS if next(answers)]
        kinds.append(fitting[0] if fitting else "string")
    return tuple(kinds)


def _run(descriptor: int, query: str) -> list[tuple[int | None, ...]]:
    with private_engine(descriptor_path(descriptor)) as connection:
        try:
            return connection.execute(query).fetchall()
        except duckdb.OutOfMemoryException:
            raise SourceUnavailable(
                "the source is too wide to be checked in the memory there is; declare fewer columns"
            ) from None
        except (duckdb.PermissionException, duckdb.IOException):
            # The name changed while DuckDB asked where the descriptor's path leads, or the disk failed: nothing is
            # known of what is in the file.
            raise SourceUnavailable("the source was moved or could not be read just now; try again") from None
        except duckdb.Error as error:
            raise _mismatch(error) from None  # the engine's text quotes the line


def _mismatch(error: Exception) -> SourceMismatch:
    """The engine's complaint without the line it quotes: where, and of what kind."""
    text = str(error)
    found = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"line {found.group(1)}" if found else "a line"
    if "Expected Number of Columns" in text:
        return SourceMismatch(f"{where} has more or fewer cells than the header")
    if "not utf-8" in text or "nvalid unicode" in text:
        return SourceMismatch(f"{where} is not UTF-8")
    if "quote" in text.split("Possible fixes")[0]:
        return SourceMismatch(f"{where} has a quote where none may be")
    if "invalid state" in text:
        return SourceMismatch("the source ends some lines in LF and some in CR LF; it ends all in one of them")
    if "Maximum line size" in text:
        return SourceMismatch(f"{where} is longer than 2 MB")
    return SourceMismatch(f"{where} is not CSV as RFC 4180 has it")
