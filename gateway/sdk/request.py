"""From what a researcher says to the body of a request: what a contract leaves open only once is filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypedDict

from gateway.problems import Malformed
from gateway.sdk.model import Contract
from gateway.sdk.where import Condition

FITTING: Final[Mapping[str, tuple[str, ...]]] = {"read": ("M5", "M4"), "aggregate": ("M3", "M2")}
"""Delivery modes by action, the freest first."""

Action = Literal["read", "aggregate"]
Counted = Literal["persons", "rows"]


class Choose(Malformed):
    """The contract leaves more than one possibility, or none."""

    slug, title = "choose", "Say which"


class Stated(TypedDict, total=False):
    """What may be said beside: of the purpose, and of what datasets with conditions of use ask for."""

    commercial: bool
    disease_terms: Sequence[str]
    methods: bool
    ancestry: bool
    genetic: bool
    research: bool
    flags: Sequence[str]
    months: int
    publish: bool
    return_derived: bool
    collaboration_ref: str
    project: str
    research_types: Sequence[str]


_OF_PURPOSE: Final = ("commercial", "disease_terms", "methods", "ancestry", "genetic", "research", "flags")
_PROMISES: Final = ("publish", "return_derived")
_BESIDE: Final = ("months", "collaboration_ref", "project", "research_types")


def body(
    contract: Contract,
    action: Action,
    *,
    columns: Sequence[str] = (),
    by: Sequence[str] = (),
    purpose: str | None,
    mode: str | None,
    where: Condition | None,
    limit: int | None = None,
    count: Counted | None = None,
    stated: Mapping[str, Any],
    format: str = "arrow",
) -> dict[str, Any]:
    """The body of `POST /v1/access`.

    Raises:
        Choose: the contract has several purposes and none was named; a column that it does not grant.
    """
    if strange := sorted(stated.keys() - {*_OF_PURPOSE, *_PROMISES, *_BESIDE}):
        raise TypeError(f"{strange[0]!r} is nothing one can state; known: {', '.join(Stated.__annotations__)}")
    named = [*_names(columns, "columns"), *_names(by, "by")]
    if not named:
        raise Choose(f"Name the columns. The contract grants: {', '.join(contract.columns)}.")
    if missing := [name for name in named if name not in contract.columns]:
        raise Choose(f"The contract does not grant {missing[0]!r}. It grants: {', '.join(contract.columns)}.")
    document: dict[str, Any] = {
        "contract": contract.id,
        "action": action,
        "mode": mode or _mode(contract, action),
        "purpose": {"id": purpose or _purpose(contract), **{n: stated[n] for n in _OF_PURPOSE if n in stated}},
        "format": format,
    }
    if action == "aggregate":
        looked_at = {} if where is None else where.document
        document |= {"group_by": list(by), "columns": sorted(_columns(looked_at) - set(by))}
    else:
        document["columns"] = list(columns)
    if where is not None:
        document["filter"] = where.document
    if limit is not None:
        document["limit"] = limit
    if count is not None:
        document["count"] = count
    if promises := {name: stated[name] for name in _PROMISES if name in stated}:
        document["accepts"] = promises
    return document | {name: stated[name] for name in _BESIDE if name in stated}


def _names(given: Sequence[str], what: str) -> list[str]:
    if isinstance(given, str):
        raise TypeError(f"`{what}` is a list of names, such as [{given!r}]")
    return list(given)


def _purpose(contract: Contract) -> str:
    if len(contract.purposes) == 1:
        return contract.purposes[0]
    raise Choose(f"Say what it is for. The contract grants the purposes {', '.join(contract.purposes)}.")


def _mode(contract: Contract, action: str) -> str:
    fitting = [mode for mode in FITTING[action] if mode in contract.modes]
    if not fitting:
        raise Choose(f"The contract grants no mode that fits {action}; it grants {', '.join(contract.modes)}.")
    return fitting[0]


def _columns(predicate: Any) -> set[str]:
    """The columns a filter looks at: they are part of what is asked for."""
    if isinstance(predicate, list):
        return set().union(*map(_columns, predicate))
    if not isinstance(predicate, dict):
        return set()
    own = {predicate["column"]} if isinstance(predicate.get("column"), str) else set()
    return own.union(*(_columns(value) for value in predicate.values() if isinstance(value, dict | list)))
