"""Deliveries without an end yet, at rest: what a grant puts down, and an end or a restart takes away."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter

from gateway.db import Tx


@dataclass(frozen=True, slots=True)
class Underway:
    """A delivery without an end yet. `counted`: rows that earlier parts of it were counted for; `times`: how many."""

    entry: str
    instance: str
    contract: str
    dataset: str
    provider: str
    consumer: str
    agent: str
    rows_reserved: int | None
    asked: str | None
    rows_cap: int | None
    counted: int = 0
    times: int = 0


_SELECT = (
    "SELECT entry, instance, contract, dataset, provider, consumer, agent, rows_reserved, asked, rows_cap, counted,"
    " times FROM delivery"
)
_INSERT = (
    "INSERT INTO delivery (entry, instance, contract, dataset, provider, consumer, agent, rows_reserved, asked,"
    " rows_cap, counted, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


_values = attrgetter(*(field.name for field in fields(Underway)))  # `astuple` copies, which a grant would feel


def begin(tx: Tx, delivery: Underway) -> None:
    tx.execute(_INSERT, _values(delivery))


def find(tx: Tx, entry: str) -> Underway | None:
    row = tx.execute(_SELECT + " WHERE entry = ?", (entry,)).fetchone()
    return None if row is None else Underway(*row)


def every(tx: Tx) -> list[Underway]:
    return [Underway(*row) for row in tx.execute(_SELECT + " ORDER BY entry").fetchall()]


def end(tx: Tx, delivery: Underway) -> None:
    tx.execute("DELETE FROM delivery WHERE entry = ?", (delivery.entry,))
