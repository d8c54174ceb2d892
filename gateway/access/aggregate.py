"""Counts by group, with what is small withheld."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pyarrow as pa

from gateway.access.errors import TooManyGroups
from gateway.access.plan import COUNT, MAX_GROUPS, SUPPRESSED, Plan
from gateway.catalog.model import ColumnType
from gateway.obligations.suppress import suppressed

_ARROW = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.DATETIME: pa.timestamp("us"),
}


def counted(
    plan: Plan, rows: list[tuple[Any, ...]], finer: list[tuple[Any, ...]] | None = None
) -> tuple[pa.Table, int]:
    """The answer to an aggregate and how many of its counts are withheld.

    One row per group that is not empty: the groups' values, `count` (null where withheld) and `suppressed`. A group
    that is not there is a true zero. `rows`: all groups with their counts, in the order they are to appear.

    Raises:
        TooManyGroups: more groups than the check for derivable counts is made for, or than the contract's rows.
    """
    limit = min(plan.row_limit, MAX_GROUPS)
    if len(rows) > limit:
        raise TooManyGroups(f"an aggregate here has at most {limit} groups; group by fewer columns or wider bands")
    cells: dict[tuple[Hashable, ...], int] = {tuple(key): count for *key, count in rows}
    hidden = _hidden(plan, cells)
    if finer is not None:
        hidden |= _by_difference(plan, finer)
    columns: list[Any] = [
        pa.array([row[n] for row in rows], type=_ARROW[column.type]) for n, column in enumerate(plan.released)
    ]
    columns.append(pa.array([None if key in hidden else count for key, count in cells.items()], pa.int64()))
    columns.append(pa.array([key in hidden for key in cells], pa.bool_()))
    names = [*(column.name for column in plan.released), COUNT, SUPPRESSED]
    return pa.table(dict(zip(names, columns, strict=True))), len(hidden)


def _hidden(plan: Plan, cells: dict[tuple[Hashable, ...], int]) -> frozenset[tuple[Hashable, ...]]:
    if plan.suppression is None:
        return frozenset()
    return suppressed(cells, plan.suppression.threshold, complementary=plan.suppression.complementary)


def _by_difference(plan: Plan, finer: list[tuple[Any, ...]]) -> frozenset[tuple[Hashable, ...]]:
    """The groups whose filtered count takes in a cell that the unfiltered, finer table withholds."""
    if plan.suppression is None:
        return frozenset()
    if len(finer) > MAX_GROUPS:
        raise TooManyGroups(
            f"the columns of the filter tell more than {MAX_GROUPS} groups apart; filter by wider bands"
        )
    width = len(plan.released)
    cells: dict[tuple[Hashable, ...], int] = {tuple(key): count for *key, _, count in finer}
    withheld = _hidden(plan, cells)
    return frozenset(tuple(key[:width]) for *key, passes, _ in finer if passes and tuple(key) in withheld)
