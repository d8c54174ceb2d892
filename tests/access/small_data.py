"""Makers of small sources, views and deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from connectors.registry import Sources
from gateway.access.delivery import Delivery, open_delivery
from gateway.access.engine import Limits
from gateway.access.engines import Engines
from gateway.access.plan import DataRequest
from gateway.catalog.model import Column, ColumnType, Role, SourceRef, View
from gateway.obligations import model

ROOT_KEY = bytes(range(32))
CONTRACT = "urn:uuid:019a0000-0000-7000-8000-000000000001"

TYPES = {
    pa.string(): "string",
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "datetime",
}


def parquet(folder: Path, columns: dict[str, Any], *, name: str = "data.parquet", **view: Any) -> View:
    """A Parquet file of `columns`, and the view that publishes all of them."""
    table = pa.table(columns)
    pyarrow.parquet.write_table(table, folder / name)
    return view_of(table, "parquet", name, **view)


def csv(folder: Path, text: str, columns: dict[str, str], *, name: str = "data.csv", **view: Any) -> View:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    made = tuple(Column(name=n, type=ColumnType(t), role=Role.PLAIN) for n, t in columns.items())
    return View(source=SourceRef(kind="csv", path=name), columns=made, **view)


def view_of(table: pa.Table, kind: Any, name: str, **view: Any) -> View:
    columns = tuple(Column(name=f.name, type=ColumnType(TYPES[f.type]), role=Role.PLAIN) for f in table.schema)
    return View(source=SourceRef(kind=kind, path=name), columns=columns, **view)


def delivery(
    folder: Path,
    view: View,
    request: DataRequest,
    owed: Sequence[dict[str, Any]] = (),
    *,
    row_cap: int = 10**9,
    person_cap: int | None = None,
    contract: str = CONTRACT,
    memory_mb: int = 256,
    engines: Engines | None = None,
) -> Delivery:
    """A delivery whose engine goes with it, unless there are `engines` to give it back to."""
    return open_delivery(
        Sources(folder).source(view.source.kind, view.source.path),
        view,
        request,
        model.parse(list(owed)),
        row_cap=row_cap,
        person_cap=person_cap,
        pseudonym_root=ROOT_KEY,
        contract_id=contract,
        engines=engines or Engines(Limits(folder, memory_mb), most_idle=0),
    )


async def unchecked() -> None:
    """Nothing has been revoked."""


async def _drained(stream: Delivery) -> list[bytes]:
    await stream.start()
    return [piece async for piece in stream.pieces(unchecked)]


def delivered(*args: Any, **named: Any) -> bytes:
    """All the bytes of a delivery."""
    return b"".join(asyncio.run(_drained(delivery(*args, **named))))


def rows(*args: Any, **named: Any) -> list[dict[str, Any]]:
    """The rows of a delivery in Arrow's format."""
    answer: list[dict[str, Any]] = pa.ipc.open_stream(delivered(*args, **named)).read_all().to_pylist()
    return answer


def values(column: str, *args: Any, **named: Any) -> list[Any]:
    return [row[column] for row in rows(*args, **named)]
