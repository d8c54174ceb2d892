"""Counts by group, with what is small withheld."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from gateway.access.errors import GroupsOverlap, TooManyGroups
from gateway.access.plan import COUNT, MAX_GROUPS, MAX_MARGINS, SUPPRESSED, Plan
from gateway.catalog.model import ColumnType
from gateway.obligations.model import SuppressSmallCells
from gateway.obligations.suppress import ANY, Key, suppressed

_ARROW = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.DATETIME: pa.timestamp("us"),
}


Ask = Callable[[str], list[tuple[Any, ...]]]
"""All rows of one of the plan's queries."""


def counted(plan: Plan, ask: Ask) -> tuple[pa.Table, int]:
    """The answer to an aggregate and how many of its counts are withheld.

    One row per group that is not empty: the groups' values, `count` (null where withheld) and `suppressed`. A group
    that is not there is a true zero.

    Raises:
        TooManyGroups: more groups than the check for derivable counts is made for, or than the contract's rows.
        GroupsOverlap: persons are counted, small counts are to be withheld, and a person is in several groups.
    """
    rows = ask(plan.query)
    limit = min(plan.row_limit, MAX_GROUPS)
    if len(rows) > limit:
        raise TooManyGroups(f"an aggregate here has at most {limit} groups; group by fewer columns or wider bands")
    cells = _cells(rows)
    hidden = frozenset() if plan.suppression is None else _withheld(plan, plan.suppression, cells, ask)
    columns: list[Any] = [
        pa.array([row[n] for row in rows], type=_ARROW[column.type]) for n, column in enumerate(plan.released)
    ]
    told = (lambda count: count) if plan.rounding is None else plan.rounding.rounded
    columns.append(pa.array([None if key in hidden else told(count) for key, count in cells.items()], pa.int64()))
    columns.append(pa.array([key in hidden for key in cells], pa.bool_()))
    names = [*(column.name for column in plan.released), COUNT, SUPPRESSED]
    return pa.table(dict(zip(names, columns, strict=True))), len(hidden)


def _withheld(plan: Plan, owed: SuppressSmallCells, cells: dict[Key, int], ask: Ask) -> frozenset[Key]:
    finer = None if plan.finer is None else _cells(ask(plan.finer.query))
    if finer is not None and len(finer) > MAX_GROUPS:
        raise TooManyGroups(
            f"the columns of the filter tell more than {MAX_GROUPS} groups apart; filter by wider bands"
        )
    if plan.persons is not None:
        ((persons,),) = ask(plan.persons)
        if sum((cells if finer is None else finer).values()) != persons:
            raise GroupsOverlap(
                "Some persons have rows in several of the groups, or both in and out of the filter. Their counts would"
                " not add up, and small numbers could be told from them. Count rows instead (`count`: `rows`), or"
                " group and filter by columns that are the same in all of a person's rows."
            )

    def small(table: dict[Key, int], people: str | None) -> frozenset[Key]:
        of = None if people is None else _people(ask(people))
        return suppressed(table, owed.threshold, persons=of, complementary=owed.complementary)

    hidden = small(cells, plan.people)
    if plan.finer is not None and finer is not None:
        # A filtered count that takes in what the unfiltered, finer table withholds.
        width, beyond = len(plan.released), small(finer, plan.finer.people)
        hidden |= frozenset(key[:width] for key in finer if key[-1] is True and key in beyond)
    return hidden


def _cells(rows: list[tuple[Any, ...]]) -> dict[Key, int]:
    return {tuple(key): count for *key, count in rows}


def _people(rows: list[tuple[Any, ...]]) -> dict[Key, int]:
    """Of each group and margin. The engine has a bit for each column that is summed over, the last one lowest."""
    if len(rows) > MAX_MARGINS:
        raise TooManyGroups(f"counts of rows are checked over {MAX_MARGINS} margins; group by fewer columns")
    return {
        tuple(ANY if summed >> (len(key) - 1 - n) & 1 else value for n, value in enumerate(key)): persons
        for *key, summed, persons in rows
    }
