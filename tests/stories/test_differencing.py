"""What one count withholds, two differently filtered counts together must not give."""

from __future__ import annotations

from typing import Any

import pytest

from tests.space import Space

TROPICAL = {"column": "ward", "op": "eq", "value": "tropical"}
A = {"column": "ward", "op": "eq", "value": "ward A"}


@pytest.fixture(scope="module")
def counts_only(space: Space) -> str:
    """A contract for counts of the visits, whose ward `tropical` has three persons."""
    return space.agree(space.datasets["csv"], actions=["aggregate"], delivery_modes=["M3"])


def _count(space: Space, contract: str, predicate: Any) -> list[dict[str, str]]:
    asked: dict[str, Any] = {"action": "aggregate", "mode": "M3", "columns": ["ward"], "group_by": []}
    return space.read(contract, **asked, filter=predicate)


@pytest.mark.parametrize("predicate", [TROPICAL, {"not": TROPICAL}, {"or": [A, TROPICAL]}])
def test_no_filter_cuts_a_withheld_cell_out_or_adds_one(space: Space, counts_only: str, predicate: Any) -> None:
    assert [row["suppressed"] for row in _count(space, counts_only, predicate)] in ([], ["true"])


def test_a_filter_that_touches_no_withheld_cell_is_answered(space: Space, counts_only: str) -> None:
    (row,) = _count(space, counts_only, {"or": [{**A, "value": "ward B"}, {**A, "value": "ward C"}]})
    assert int(row["count"]) > 12
