"""The form of a CSV file before any engine reads it: header, line ends, quotes that close."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.base import SourceMismatch
from connectors.files import Fingerprint

MAX_HEADER_BYTES = 1 << 18
MAX_COLUMNS = 10_000


@dataclass(frozen=True, slots=True)
class Form:
    """Column names as the header has them."""

    header: tuple[str, ...]


def read(descriptor: int, print_: Fingerprint) -> Form:
    """The form of an open file whose bytes have been counted.

    Raises:
        SourceMismatch: no header, not UTF-8, a quote that never closes, lines that end in a lone carriage return.
    """
    if print_.nul:
        raise SourceMismatch("the source holds a zero byte; a CSV file is text in UTF-8")
    # Quotes come in pairs, doubled ones too (RFC 4180 section 2). An engine may take an open quote's rest of the
    # file for one cell and lose every row in it without a word.
    if print_.quotes % 2:
        raise SourceMismatch("the source has a quote that is never closed")
    text = _start(descriptor)
    lines = _Counted(io.StringIO(text, newline=""))
    try:
        header = tuple(next(csv.reader(lines, strict=True)))
    except StopIteration:
        raise SourceMismatch("the source is empty: the first line names the columns") from None
    except csv.Error:
        raise SourceMismatch("line 1 is no header: its quotes do not match") from None
    if not lines.last.endswith("\n") and len(text) >= MAX_HEADER_BYTES // 4 and print_.size > MAX_HEADER_BYTES:
        raise SourceMismatch(f"the header is longer than {MAX_HEADER_BYTES} bytes")
    if not header or len(header) > MAX_COLUMNS:
        raise SourceMismatch(f"the header names 1 to {MAX_COLUMNS} columns")
    if lines.last.endswith("\r"):
        raise SourceMismatch("lines end in a lone carriage return; they end in LF or CR LF")
    return Form(header)


def line_of(descriptor: int, form: Form, row: int) -> int:
    """The line, counted from 1, on which the data row number `row` (from 1) ends."""
    with open(os.dup(descriptor), encoding="utf-8-sig", errors="replace", newline="") as text:
        text.seek(0)
        reader = csv.reader(text)
        # An empty line is no row, unless there is one column and it is a row with a missing value.
        rows = (r for r in itertools.islice(reader, 1, None) if r or len(form.header) == 1)
        next(itertools.islice(rows, row - 1, row), None)
        return reader.line_num


def _start(descriptor: int) -> str:
    raw = os.pread(descriptor, MAX_HEADER_BYTES, 0)
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SourceMismatch(f"line {line} is not UTF-8") from None


class _Counted:
    """Lines, remembering the last one that was taken."""

    def __init__(self, lines: io.StringIO) -> None:
        self._lines = lines
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = next(self._lines)
        return self.last
