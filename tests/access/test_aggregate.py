"""Counts by group, and small ones withheld."""

from __future__ import annotations

import asyncio

import pyarrow as pa
import pyarrow.parquet
import pytest

from gateway.access.errors import ColumnsMalformed, GroupsOverlap, TooManyGroups
from gateway.access.filters import parse_filter
from gateway.access.plan import DataRequest
from gateway.obligations.model import RoundCounts
from tests.access.small_data import delivered, delivery, parquet, rows

SUPPRESS = {"kind": "suppress_small_cells", "threshold": 12, "complementary": True}


def by(*columns, **named):
    return DataRequest("aggregate", group_by=columns, **named)


def table(answer, *columns):
    return {tuple(row[c] for c in columns): (row["count"], row["suppressed"]) for row in answer}


def test_rows_are_counted_where_no_person_is_declared(tmp_path):
    view = parquet(tmp_path, {"id": [1, 1, 2], "sex": ["f", "f", None]})
    assert table(rows(tmp_path, view, by("sex")), "sex") == {("f",): (2, False), (None,): (1, False)}


def test_persons_are_counted_where_their_column_is_declared(tmp_path):
    view = parquet(tmp_path, {"id": [1, 1, 2, None], "sex": ["f", "f", "f", "m"]}, person_column="id")
    assert table(rows(tmp_path, view, by("sex")), "sex") == {("f",): (2, False)}


def test_many_rows_of_few_persons_are_a_small_cell(tmp_path):
    view = parquet(tmp_path, {"id": [1] * 500 + [*range(100)], "g": ["a"] * 500 + ["b"] * 100}, person_column="id")
    answer = table(rows(tmp_path, view, by("g", count="rows"), [SUPPRESS]), "g")
    assert answer[("a",)] == (None, True)


def overlapping(folder):
    """102 persons: 100 of them with a row in x, 30 with one in y, 28 in both."""
    x, y = range(100), range(72, 102)
    return parquet(folder, {"id": [*x, *y], "g": ["x"] * 100 + ["y"] * 30, "one": [1] * 130}, person_column="id")


ONLY_X = parse_filter({"column": "g", "op": "eq", "value": "x"})


@pytest.mark.parametrize(
    "asked", [by("g"), by("one", "g"), by(columns=("g",), filter=ONLY_X), by("one", columns=("g",), filter=ONLY_X)]
)
def test_persons_are_not_counted_in_groups_that_share_them(tmp_path, asked):
    """All less x is two persons, and neither number is small."""
    view = overlapping(tmp_path)
    with pytest.raises(GroupsOverlap):
        rows(tmp_path, view, asked, [SUPPRESS])
    assert rows(tmp_path, view, by("one"), [SUPPRESS]) == [{"one": 1, "count": 102, "suppressed": False}]
    assert table(rows(tmp_path, view, by("g")), "g") == {("x",): (100, False), ("y",): (30, False)}  # nothing is owed


def test_rows_are_counted_where_that_is_asked(tmp_path):
    view = overlapping(tmp_path)
    assert table(rows(tmp_path, view, by("g", count="rows"), [SUPPRESS]), "g") == {
        ("x",): (100, False),
        ("y",): (30, False),
    }
    assert rows(tmp_path, view, by(count="rows"), [SUPPRESS]) == [{"count": 130, "suppressed": False}]
    with pytest.raises(ColumnsMalformed, match="no column that tells persons apart"):
        rows(tmp_path, parquet(tmp_path, {"g": [1]}), by("g", count="persons"))
    with pytest.raises(ColumnsMalformed, match="leave it out of a read"):
        rows(tmp_path, view, DataRequest("read", ("g",), count="rows"))


def test_a_filter_does_not_cut_the_rows_of_few_persons_out_of_a_count(tmp_path):
    g = ["a"] * 500 + ["b"] * 100 + ["c"] * 100
    view = parquet(tmp_path, {"id": [1] * 500 + [*range(200)], "g": g}, person_column="id")
    for predicate in ({"column": "g", "op": "ne", "value": "a"}, {"column": "g", "op": "eq", "value": "a"}):
        asked = by(count="rows", columns=("g",), filter=parse_filter(predicate))
        assert rows(tmp_path, view, asked, [SUPPRESS]) == [{"count": None, "suppressed": True}]


def test_rows_that_name_nobody_are_taken_for_one_persons(tmp_path):
    view = parquet(tmp_path, {"id": [None] * 500 + [*range(200)], "g": ["a"] * 500 + ["b"] * 200}, person_column="id")
    answer = table(rows(tmp_path, view, by("g", count="rows"), [SUPPRESS]), "g")
    assert answer == {("a",): (None, True), ("b",): (None, True)}


@pytest.mark.parametrize(("count", "shown"), [(1, False), (12, False), (13, True)])
def test_counts_of_one_to_the_threshold_are_withheld(tmp_path, count, shown):
    view = parquet(tmp_path, {"g": ["a"] * count})
    assert rows(tmp_path, view, by(), [SUPPRESS]) == [{"count": count if shown else None, "suppressed": not shown}]


def test_a_single_small_cell_takes_another_with_it(tmp_path):
    view = parquet(tmp_path, {"g": ["a"] * 3 + ["b"] * 20 + ["c"] * 50})
    stream = table(rows(tmp_path, view, by("g"), [SUPPRESS]), "g")
    assert stream == {("a",): (None, True), ("b",): (None, True), ("c",): (50, False)}


def test_a_true_zero_is_absent(tmp_path):
    view = parquet(tmp_path, {"g": ["a", "b"]})
    assert rows(tmp_path, view, by("g", filter=parse_filter({"column": "g", "op": "eq", "value": "z"}))) == []
    assert rows(tmp_path, view, by(filter=None, columns=("g",))) == [{"count": 2, "suppressed": False}]


def test_groups_are_of_released_values(tmp_path):
    view = parquet(tmp_path, {"age": [41, 49, 50]})
    owed = [{"kind": "generalise", "column": "age", "method": "band", "width": 10}]
    assert table(rows(tmp_path, view, by("age"), owed), "age") == {("40-49",): (2, False), ("50-59",): (1, False)}


def test_columns_that_share_names_with_ours_do_not_confuse_the_count(tmp_path):
    view = parquet(tmp_path, {"n": [0, 0], "o0": [5, 6]})
    assert table(rows(tmp_path, view, by("o0")), "o0") == {(5,): (1, False), (6,): (1, False)}
    assert table(rows(tmp_path, view, by("n")), "n") == {(0,): (2, False)}
    view = parquet(tmp_path, {"count": [0]})
    with pytest.raises(ColumnsMalformed):
        rows(tmp_path, view, by("count"))


def test_an_aggregate_is_complete_or_refused(tmp_path):
    view = parquet(tmp_path, {"g": list(range(10_001))})
    with pytest.raises(TooManyGroups):
        rows(tmp_path, view, by("g"))
    with pytest.raises(TooManyGroups):
        rows(tmp_path, view, by("g", columns=("g",)), row_cap=5)
    with pytest.raises(ColumnsMalformed):
        rows(tmp_path, view, by("g", limit=5))


def test_all_formats_carry_the_same_counts(tmp_path):
    view = parquet(tmp_path, {"g": ["a"] * 3 + ["b"] * 20 + ["c"] * 50})
    assert delivered(tmp_path, view, by("g", format="csv"), [SUPPRESS]).decode() == (
        '"g","count","suppressed"\n"a",,true\n"b",,true\n"c",50,false\n'
    )
    parquet_bytes = delivered(tmp_path, view, by("g", format="parquet"), [SUPPRESS])
    table_ = pyarrow.parquet.read_table(pa.BufferReader(parquet_bytes))
    assert table_.to_pylist() == rows(tmp_path, view, by("g"), [SUPPRESS])


def test_the_number_of_withheld_cells_is_known_when_started(tmp_path):
    view = parquet(tmp_path, {"g": ["a"] * 3 + ["b"] * 20 + ["c"] * 50})
    stream = delivery(tmp_path, view, by("g"), [SUPPRESS])

    async def started():
        await stream.start()
        await stream.aclose()

    asyncio.run(started())
    assert stream.stats.cells_suppressed == 2


ROUND = {"kind": "round_counts", "base": 5}


def test_counts_are_told_in_round_numbers_after_small_ones_are_withheld(tmp_path):
    groups = {"a": 12, "b": 13, "c": 17, "d": 18, "e": 22, "f": 23}
    view = parquet(tmp_path, {"g": [name for name, count in groups.items() for _ in range(count)]})
    answer = table(rows(tmp_path, view, by("g"), [SUPPRESS, ROUND]), "g")
    # With `a` another is withheld: the total less the rest would tell it.
    assert answer[("a",)] == (None, True)
    told = {name: count for (name,), (count, hidden) in answer.items() if not hidden}
    assert told == {
        name: count for name, count in {"b": 15, "c": 15, "d": 20, "e": 20, "f": 25}.items() if name in told
    }
    assert len(told) >= 4
    alone = table(rows(tmp_path, view, by("g"), [ROUND]), "g")
    assert {count for count, _ in alone.values()} == {10, 15, 20, 25}


@pytest.mark.parametrize(
    ("base", "count", "told"), [(5, 0, 0), (5, 2, 0), (5, 3, 5), (10, 5, 10), (10, 4, 0), (3, 4, 3), (2, 1, 2)]
)
def test_halves_go_upwards(base, count, told):
    assert RoundCounts(base=base).rounded(count) == told
