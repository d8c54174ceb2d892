"""Entries as lines for other programs: CSV for spreadsheets, NDJSON for everything else. Neither proves itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from gateway.audit.reader import Stored

COLUMNS: Final = (
    *("index", "id", "time", "type", "outcome", "codes", "reason", "organisation", "agent", "roles"),
    *("operation", "mode", "purpose", "place", "contract", "dataset", "objects", "bundle", "rows", "bytes"),
    *("output_digest", "prior", "leaf_hash"),
)
# What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(entries: Iterable[Stored], *, header: bool = True) -> Iterator[bytes]:
    """A line for each entry (RFC 4180), under COLUMNS. A cell that looks like a formula begins with an apostrophe."""
    if header:
        yield _csv(COLUMNS)
    for stored in entries:
        yield _csv(_cells(stored))


def json_lines(entries: Iterable[Stored]) -> Iterator[bytes]:
    """A line for each entry: its index, its leaf hash, and the entry."""
    for stored in entries:
        # The entry as its stored bytes: what is hashed stays what it is.
        line = {"index": stored.index, "leaf_hash": stored.leaf.hex(), "entry": orjson.Fragment(stored.body)}
        yield orjson.dumps(line) + b"\n"


def _cells(stored: Stored) -> list[str]:
    record = stored.record()
    event, actor = record["event"], record["actor"]
    request, result, decision = (record[part] or {} for part in ("request", "result", "decision"))
    dataset = next((item["id"] for item in record["objects"] if item["kind"] == "dataset"), None)
    reason = event["reason"] or ""
    cells = (
        stored.index,
        stored.id,
        record["ts"],
        event["type"],
        event["outcome"],
        " ".join(decision.get("rules") or [reason.partition(":")[0]]),
        reason,
        actor["org_id"],
        actor["user_id"],
        " ".join(actor["roles"]),
        *(request.get(name) for name in ("operation", "mode", "purpose_id", "processing_location")),
        (record["contract"] or {}).get("id"),
        dataset,
        " ".join(f"{item['kind']}:{item['id']}" for item in record["objects"]),
        decision.get("policy_bundle"),
        *(result.get(name) for name in ("rows", "bytes", "output_digest")),
        record["prior"],
        stored.leaf.hex(),
    )
    return ["" if cell is None else str(cell) for cell in cells]


def _csv(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(
        "'" + cell if cell.startswith(_FORMULA) else cell for cell in cells
    )
    return line.getvalue().encode("utf-8")
