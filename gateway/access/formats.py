"""Batches as bytes: Arrow IPC stream, CSV (RFC 4180), Parquet. Each is written as it goes, nothing is held back."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from gateway.access.plan import Format

MEDIA_TYPES: dict[Format, str] = {
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
}

# What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection"), full-width forms included ...
_FORMULA = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
# ... unless the whole cell is a number and nothing else.
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"


class Encoder(Protocol):
    """Writes batches of one schema into a sink. Without `finish` what was written is not a whole document."""

    def write(self, batch: pa.RecordBatch) -> None: ...

    def finish(self) -> None: ...


class Sink:
    """Where an encoder writes; what was written is taken away in pieces."""

    closed = False

    def __init__(self) -> None:
        self._parts: deque[memoryview] = deque()
        self.size = 0

    def write(self, data: bytes) -> int:
        part = bytes(data)  # no copy of what is bytes already; a writer may use another buffer again
        self._parts.append(memoryview(part))
        self.size += len(part)
        return len(part)

    def flush(self) -> None:
        """Nothing waits here."""

    def take(self, most: int) -> bytes:
        """The next bytes that were written, at most so many."""
        size = min(most, self.size)
        self.size -= size
        taken: list[memoryview] = []
        while size:
            part = self._parts.popleft()
            if len(part) > size:
                self._parts.appendleft(part[size:])
                part = part[:size]
            taken.append(part)
            size -= len(part)
        return b"".join(taken)


def encoder(form: Format, schema: pa.Schema, sink: Sink) -> Encoder:
    """An encoder that has written its head to `sink` as far as the format has one."""
    file = pa.PythonFile(sink, mode="w")
    if form == "arrow":
        return _Arrow(pa.ipc.new_stream(file, schema))
    if form == "csv":
        return _Csv(pyarrow.csv.CSVWriter(file, schema), schema)
    return _Parquet(pyarrow.parquet.ParquetWriter(file, schema, compression="zstd"))


class _Arrow:
    def __init__(self, writer: pa.RecordBatchStreamWriter) -> None:
        self._writer = writer

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def finish(self) -> None:
        self._writer.close()


class _Csv:
    def __init__(self, writer: pyarrow.csv.CSVWriter, schema: pa.Schema) -> None:
        self._writer = writer
        self._texts = [n for n, field in enumerate(schema) if pa.types.is_string(field.type)]

    def write(self, batch: pa.RecordBatch) -> None:
        columns = list(batch.columns)
        for n in self._texts:
            columns[n] = without_formulas(columns[n])
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=batch.schema))

    def finish(self) -> None:
        self._writer.close()


class _Parquet:
    def __init__(self, writer: pyarrow.parquet.ParquetWriter) -> None:
        self._writer = writer

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def finish(self) -> None:
        self._writer.close()


def without_formulas(texts: pa.Array) -> pa.Array:
    """Texts a spreadsheet shows as they are: what looks like a formula gets an apostrophe in front."""
    formula = pc.and_(pc.match_substring_regex(texts, _FORMULA), pc.invert(pc.match_substring_regex(texts, _NUMBER)))
    if not pc.any(formula).as_py():
        return texts
    return pc.if_else(formula, pc.binary_join_element_wise("'", texts, ""), texts)
