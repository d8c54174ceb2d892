"""What a caller may filter and group by: released values, as they are released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.access.errors import FilterNotPermitted
from gateway.catalog.model import Column, ColumnType
from gateway.obligations.mask import generalised_sql
from gateway.obligations.model import Drop, Generalise, Pseudonymise
from gateway.obligations.parameters import Parameters
from gateway.obligations.predicate import Predicate, columns_of, parse
from gateway.obligations.rows import Operand, condition

Mask = Drop | Pseudonymise | Generalise


def parse_filter(document: Any) -> Predicate | None:
    """The filter of a request: a JSON document of the published form, or nothing.

    Raises:
        PredicateMalformed: of another form, or over the limits.
    """
    return None if document is None else parse(document)


@dataclass(frozen=True, slots=True)
class Visible:
    """A column whose values a request sees: itself, and its mask where they are generalised."""

    column: Column
    mask: Generalise | None = None


def visible(column: Column, mask: Mask | None) -> Visible:
    """The column as a request may filter or group by it.

    Raises:
        FilterNotPermitted: it is dropped, or its values are pseudonyms: asking would tell who is behind one.
    """
    if isinstance(mask, Drop):
        raise FilterNotPermitted(f"column '{column.name}' is not released; leave it out of filters and groups")
    if isinstance(mask, Pseudonymise):
        raise FilterNotPermitted(f"column '{column.name}' is released as pseudonyms; filter and group by others")
    return Visible(column, mask)


def operand(seen: Visible, value: str, parameters: Parameters) -> Operand:
    """The released value of a visible column; `value` is SQL for the source's own."""
    if seen.mask is None:
        return Operand(value, seen.column.type)
    label = generalised_sql(value, seen.column.type, seen.mask, parameters)
    # Labels of months and years sort as times do; "100-109" sorts before "20-29", so bands have no order.
    return Operand(label, ColumnType.STRING, ordered=seen.mask.method != "band")


def filter_sql(predicate: Predicate, operands: Mapping[str, Operand], parameters: Parameters) -> str:
    """The caller's filter over released values.

    Raises:
        FilterNotPermitted: it looks at a column that is not released by this request.
        PredicateMalformed: it compares a column with a value of another type.
    """
    outside = sorted(columns_of(predicate) - operands.keys())
    if outside:
        raise FilterNotPermitted(f"column '{outside[0]}' is not among the columns released by this request")
    return condition(predicate, operands, parameters)
