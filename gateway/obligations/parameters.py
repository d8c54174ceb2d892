"""Values on their way into a query, beside its text and never in it."""

from __future__ import annotations

from datetime import date, datetime

Value = str | int | float | bool | bytes | date | datetime


class Parameters:
    """The named parameters of one query; equal values share a name."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self._names: dict[tuple[type, Value], str] = {}

    def add(self, value: Value) -> str:
        """The placeholder under which the query sees `value`."""
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"p{len(self._names)}"
            self.values[self._names[key]] = value
        return f"${self._names[key]}"

    def __repr__(self) -> str:
        return f"Parameters({len(self.values)} values)"  # some are keys
