"""Generalisation: a band for a number, a month or a year for a date."""

from __future__ import annotations

from gateway.catalog.model import ColumnType
from gateway.obligations.errors import NotDischargeable
from gateway.obligations.model import Generalise
from gateway.obligations.parameters import Parameters

_NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER)
_DATES = (ColumnType.DATE, ColumnType.DATETIME)


def generalised_sql(value: str, kind: ColumnType, mask: Generalise, parameters: Parameters) -> str:
    """SQL for the label of the band, month or year that holds `value`; null, and what is in none, is null.

    Raises:
        NotDischargeable: a band of something that is no number, a month of something that is no date.
    """
    if mask.method == "band":
        if kind not in _NUMBERS or mask.width is None:
            raise NotDischargeable(f"column '{mask.column}' is no number, so it has no bands")
        return _band(_whole(value, kind), mask.width, mask.top, parameters)
    if kind not in _DATES:
        raise NotDischargeable(f"column '{mask.column}' is no date, so it has no {mask.method}")
    return f"strftime({value}, '{'%Y-%m' if mask.method == 'month' else '%Y'}')"


def _whole(value: str, kind: ColumnType) -> str:
    """SQL for the integer at or below `value`. A number that is not finite, or beyond 38 digits, has none: null."""
    # floor() of a BIGINT would go by way of a DOUBLE and lose its last digits.
    return f"{value}::HUGEINT" if kind is ColumnType.INTEGER else f"TRY_CAST(floor({value}) AS HUGEINT)"


def _band(whole: str, width: int, top: int | None, parameters: Parameters) -> str:
    """Bands start at multiples of the width, below zero too: -1 lies in "-10 to -1" of width 10.

    A band holds every number from its first to below the next band's first, so 49.5 lies in "40-49".
    """
    size = f"{parameters.add(width)}::HUGEINT"
    low = f"({whole} - ((({whole} % {size}) + {size}) % {size}))"
    high = f"({low} + {size} - 1)"
    # With width 1 a band is one number; below zero a hyphen would be taken for a sign.
    label = f"(CASE WHEN {low} < 0 THEN {low} || ' to ' || {high} ELSE {low} || '-' || {high} END)"
    if top is None:
        return label
    # The open band starts where a band starts: otherwise part of one would show where within it a person is.
    edge = parameters.add(top // width * width)
    return f"(CASE WHEN {whole} >= {edge}::HUGEINT THEN {edge}::BIGINT || '+' ELSE {label} END)"
