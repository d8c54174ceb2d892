"""What one count withholds, two differently filtered counts together must not give."""

from __future__ import annotations

from typing import Any

import pytest

from tests.space import ROWS, Space

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


def test_persons_in_several_groups_are_not_counted_rows_are_and_no_use_is_lost(space: Space) -> None:
    contract = space.agree(space.datasets["csv"], actions=["aggregate"], delivery_modes=["M3"], uses=2)
    for asked in ({"group_by": ["score"]}, {"filter": {"column": "score", "op": "ge", "value": 1.0}, "group_by": []}):
        by: dict[str, Any] = {"action": "aggregate", "mode": "M3", "columns": ["score"], **asked}
        by["columns"] = [name for name in by["columns"] if name not in by["group_by"]]
        refused = space.ask(contract, **by)
        assert refused.status_code == 422
        assert refused.json()["type"].endswith("groups-overlap")
        assert space.left(contract)["uses"] == 2
    (row,) = space.read(contract, action="aggregate", mode="M3", columns=None, group_by=[], count="rows")
    assert int(row["count"]) == ROWS
    assert space.left(contract)["uses"] == 1
