"""Predicates as SQL conditions: column expressions of ours, values as bound parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gateway.catalog.model import ColumnType
from gateway.obligations.errors import PredicateMalformed
from gateway.obligations.parameters import Parameters, Value
from gateway.obligations.predicate import AllOf, Comparison, Not, Predicate, Scalar

_SIGNS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ORDERINGS = frozenset(("lt", "le", "gt", "ge"))
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Operand:
    """What a predicate sees of a column: an SQL expression, its type, and whether its values have an order."""

    sql: str
    type: ColumnType
    ordered: bool = True


def condition(predicate: Predicate, operands: Mapping[str, Operand], parameters: Parameters) -> str:
    """SQL that is true of the rows the predicate is true of.

    Raises:
        PredicateMalformed: a column that is not among `operands`, a value of another type, an order where is none.
    """
    if isinstance(predicate, Comparison):
        return _comparison(predicate, operands, parameters)
    if isinstance(predicate, Not):
        return f"(NOT {condition(predicate.part, operands, parameters)})"
    joint = " AND " if isinstance(predicate, AllOf) else " OR "
    return "(" + joint.join(condition(part, operands, parameters) for part in predicate.parts) + ")"


def _comparison(comparison: Comparison, operands: Mapping[str, Operand], parameters: Parameters) -> str:
    operand = operands.get(comparison.column)
    if operand is None:
        raise PredicateMalformed("the filter names a column that is not there")
    if comparison.op == "is_null":
        return f"({operand.sql} IS NULL)"
    if comparison.op == "not_null":
        return f"({operand.sql} IS NOT NULL)"
    if comparison.op in _ORDERINGS and not operand.ordered:
        raise PredicateMalformed(f"the values of column '{comparison.column}' have no order; use eq, ne or in")
    values = ", ".join(
        parameters.add(_typed(value, operand.type, comparison.column)) + f"::{_CASTS[operand.type]}"
        for value in comparison.values
    )
    if comparison.op == "in":
        return f"({operand.sql} IN ({values}))"
    return f"({operand.sql} {_SIGNS[comparison.op]} {values})"


_CASTS = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.DATETIME: "TIMESTAMP",
}


def _typed(value: Scalar, kind: ColumnType, column: str) -> Value:
    typed: Value | None = None
    match kind:
        case ColumnType.BOOLEAN:
            typed = value if isinstance(value, bool) else None
        case ColumnType.INTEGER if isinstance(value, int) and not isinstance(value, bool):
            typed = value if -_INT64 <= value < _INT64 else None
        case ColumnType.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
            typed = float(value) if abs(value) < 1e308 else None
        case ColumnType.STRING:
            typed = value if isinstance(value, str) else None
        case ColumnType.DATE if isinstance(value, str):
            typed = _date(value)
        case ColumnType.DATETIME if isinstance(value, str):
            typed = _datetime(value)
        case _:
            pass
    if typed is None:
        raise PredicateMalformed(f"column '{column}' is compared with a value that is no {kind.value}")
    return typed


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def _datetime(text: str) -> datetime | None:
    """RFC 3339 with or without an offset; without one it is UTC, as all times in a source are."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
