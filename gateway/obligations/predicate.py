"""A typed predicate over columns: compare, and, or, not. Never SQL.

`{"column": C, "op": "eq|ne|lt|le|gt|ge|in|is_null|not_null", "value": V}`, `{"and": [..]}`, `{"or": [..]}`,
`{"not": P}`. A row for which the answer is unknown, because a value is missing, is left out: so reads SQL, and so an
opt-out that was never recorded errs on the side of the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from gateway.obligations.errors import PredicateMalformed

Scalar = str | int | float | bool
Op = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "is_null", "not_null"]

MAX_DEPTH = 8
MAX_NODES = 64
MAX_VALUES = 200
MAX_TEXT = 1000
_OPS: dict[str, Op] = {op: op for op in get_args(Op)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One column against no value (`is_null`, `not_null`), one, or with `in` up to 200."""

    column: str
    op: Op
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Predicate


Predicate = Comparison | AllOf | AnyOf | Not


def parse(document: Any) -> Predicate:
    """The predicate a JSON document states.

    Raises:
        PredicateMalformed: another form, deeper than 8, more than 64 nodes, more than 200 values in `in`, text over
            1,000 characters.
    """
    return _Parser().predicate(document, depth=1)


def columns_of(predicate: Predicate) -> frozenset[str]:
    """The columns a predicate looks at."""
    if isinstance(predicate, Comparison):
        return frozenset((predicate.column,))
    if isinstance(predicate, Not):
        return columns_of(predicate.part)
    return frozenset().union(*map(columns_of, predicate.parts))


def document_of(predicate: Predicate) -> dict[str, Any]:
    """The JSON document that `parse` reads as this predicate."""
    match predicate:
        case AllOf(parts):
            return {"and": [document_of(part) for part in parts]}
        case AnyOf(parts):
            return {"or": [document_of(part) for part in parts]}
        case Not(part):
            return {"not": document_of(part)}
        case Comparison(column, op, values):
            plain: dict[str, Any] = {"column": column, "op": op}
            if op == "in":
                plain["value"] = list(values)
            elif values:
                plain["value"] = values[0]
            return plain


class _Parser:
    def __init__(self) -> None:
        self._nodes = 0

    def predicate(self, document: Any, depth: int) -> Predicate:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise PredicateMalformed(f"a filter is at most {MAX_DEPTH} deep and has at most {MAX_NODES} parts")
        if not isinstance(document, dict):
            raise PredicateMalformed("a filter is an object with 'column' and 'op', or with 'and', 'or' or 'not'")
        keys = set(document)
        if keys == {"not"}:
            return Not(self.predicate(document["not"], depth + 1))
        if keys == {"and"}:
            return AllOf(self._parts(document["and"], depth))
        if keys == {"or"}:
            return AnyOf(self._parts(document["or"], depth))
        if {"column", "op"} <= keys <= {"column", "op", "value"}:
            return _comparison(document)
        raise PredicateMalformed("a filter has 'column', 'op' and 'value', or exactly one of 'and', 'or', 'not'")

    def _parts(self, documents: Any, depth: int) -> tuple[Predicate, ...]:
        # Empty means refused: all of nothing is true, and nobody means that by a filter.
        if not isinstance(documents, list) or not documents:
            raise PredicateMalformed("'and' and 'or' take a list of one filter or more")
        return tuple(self.predicate(document, depth + 1) for document in documents)


def _comparison(document: dict[str, Any]) -> Comparison:
    column, named = document["column"], document["op"]
    if not isinstance(column, str) or not 0 < len(column) <= 128:
        raise PredicateMalformed("'column' is the name of a column")
    op = _OPS.get(named) if isinstance(named, str) else None
    if op is None:
        raise PredicateMalformed(f"'op' is one of {', '.join(sorted(_OPS))}")
    value = document.get("value")
    if op in ("is_null", "not_null"):
        if "value" in document:
            raise PredicateMalformed(f"'{op}' takes no value")
        return Comparison(column, op, ())
    if op != "in":
        return Comparison(column, op, (_scalar(value),))
    if not (isinstance(value, list) and 0 < len(value) <= MAX_VALUES):
        raise PredicateMalformed(f"'in' takes a list of 1 to {MAX_VALUES} values")
    return Comparison(column, op, tuple(_scalar(one) for one in value))


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        if len(value) > MAX_TEXT or "\0" in value or any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise PredicateMalformed(f"a text to compare with has at most {MAX_TEXT} characters, all of them real")
        return value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    raise PredicateMalformed("a value to compare with is a text, a finite number, true or false")
