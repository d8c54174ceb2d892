"""Conditions on rows, written as comparisons: `(col("age") == "40-49") & col("result").isin(["positive"])`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A condition, combined by `&`, `|` and `~`. It looks at values as they are released, bands and pseudonyms."""

    document: dict[str, Any]

    def __and__(self, other: Condition) -> Condition:
        return Condition({"and": [*self._parts("and"), *other._parts("and")]})

    def __or__(self, other: Condition) -> Condition:
        return Condition({"or": [*self._parts("or"), *other._parts("or")]})

    def __invert__(self) -> Condition:
        return Condition({"not": self.document})

    def __bool__(self) -> NoReturn:
        raise TypeError("Combine conditions by & and |, each in parentheses; `and`, `or` and `not` cannot do it.")

    def _parts(self, word: str) -> list[dict[str, Any]]:
        return list(self.document[word]) if self.document.keys() == {word} else [self.document]


@dataclass(frozen=True, slots=True, eq=False)
class col:  # noqa: N801  as dataframes call it
    """A column, to be compared. A row whose value is missing fits no comparison."""

    name: str

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]  # dataframes do so
        return self._compared("eq", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]  # dataframes do so
        return self._compared("ne", other)

    def __lt__(self, other: Scalar) -> Condition:
        return self._compared("lt", other)

    def __le__(self, other: Scalar) -> Condition:
        return self._compared("le", other)

    def __gt__(self, other: Scalar) -> Condition:
        return self._compared("gt", other)

    def __ge__(self, other: Scalar) -> Condition:
        return self._compared("ge", other)

    def isin(self, values: Iterable[Scalar]) -> Condition:
        """One of these values, 200 at most."""
        return Condition({"column": self.name, "op": "in", "value": list(values)})

    def is_null(self) -> Condition:
        """The value is missing."""
        return Condition({"column": self.name, "op": "is_null"})

    def not_null(self) -> Condition:
        """There is a value."""
        return Condition({"column": self.name, "op": "not_null"})

    def _compared(self, op: str, other: object) -> Condition:
        if not isinstance(other, str | int | float | bool):
            raise TypeError(f"Compare {self.name!r} with text, a number or True and False; dates as text: 2026-01-31.")
        return Condition({"column": self.name, "op": op, "value": other})
