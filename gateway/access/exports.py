"""How many persons' data a provider gave abroad this year: counted as grants commit, shown to the policy before.

Persons, not accesses: under one contract every delivery shows the same ones, so it counts once a year; contracts on one
dataset together count at most the persons it holds. Numbers are upper bounds, taken from what is declared and agreed.
A grant that changes them moves the epoch, so that no decision that was made on the old numbers commits after it.
Source: CBDF24, thresholds counted per handler since 1 January.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from gateway.audit import state
from gateway.db import Tx

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Exports:
    """Persons of sensitive and of other data since 1 January: before, and with what a contract shows.

    Which of the two the contract adds to is for the policy to say, so `after` has both as if it were the one.
    """

    year: int
    before: tuple[int, int]
    after: tuple[int, int]

    def as_policy_input(self) -> dict[str, Any]:
        numbers = {"before": self.before, "after": self.after}
        return {"year": self.year, **{when: {"sensitive": s, "other": o} for when, (s, o) in numbers.items()}}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a contract shows of its dataset: at most `persons`, of `at_most` that it holds."""

    provider: str
    contract: str
    dataset: str
    persons: int
    at_most: int


def year_of(now: float) -> int:
    """The calendar year in China, in which the counting starts anew."""
    return datetime.fromtimestamp(now, tz=UTC).astimezone(BEIJING).year


def exports(tx: Tx, shown: Shown, *, now: float) -> Exports:
    """The provider's numbers of this year, and what `shown` would add to them."""
    year = year_of(now)
    counted = _counted(tx, shown.provider, year)
    before = _total(counted, True), _total(counted, False)
    if shown.contract in {contract for contract, *_ in counted}:
        return Exports(year, before, before)
    after = _total([*counted, _row(shown, True)], True), _total([*counted, _row(shown, False)], False)
    return Exports(year, before, after)


def count(tx: Tx, shown: Shown, *, sensitive: bool, now: float) -> None:
    """Count what a grant gives abroad, inside its transaction."""
    year = year_of(now)
    sql = (
        "INSERT INTO export_count (provider, year, contract, dataset, sensitive, persons, at_most)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, year, contract) DO NOTHING"
    )
    values = (shown.provider, year, shown.contract, shown.dataset, sensitive, shown.persons, shown.at_most)
    if tx.execute(sql, values).rowcount == 1:
        state.bump_epoch(tx)


def totals(tx: Tx, provider: str, year: int) -> tuple[int, int]:
    """Persons of sensitive and of other data whose data the provider gave abroad in a year."""
    counted = _counted(tx, provider, year)
    return _total(counted, True), _total(counted, False)


_Row = tuple[str, str, bool, int, int]


def _row(shown: Shown, sensitive: bool) -> _Row:
    return shown.contract, shown.dataset, sensitive, shown.persons, shown.at_most


def _counted(tx: Tx, provider: str, year: int) -> list[_Row]:
    sql = "SELECT contract, dataset, sensitive, persons, at_most FROM export_count WHERE provider = ? AND year = ?"
    return [
        (contract, dataset, bool(sensitive), persons, at_most)
        for contract, dataset, sensitive, persons, at_most in tx.execute(sql, (provider, year)).fetchall()
    ]


def _total(rows: list[_Row], sensitive: bool) -> int:
    given: dict[str, int] = {}
    held: dict[str, int] = {}
    for _contract, dataset, kind, persons, at_most in rows:
        if kind is sensitive:
            given[dataset] = given.get(dataset, 0) + persons
            held[dataset] = max(held.get(dataset, 0), at_most)
    return sum(min(persons, held[dataset]) for dataset, persons in given.items())
