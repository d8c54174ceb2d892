"""Filters ask about released values, typed, and never reach SQL as text."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from gateway.access.errors import FilterNotPermitted
from gateway.access.filters import parse_filter
from gateway.access.plan import DataRequest
from gateway.obligations.errors import PredicateMalformed
from tests.access.small_data import parquet, rows, values


def where(column, op, *value):
    return {"column": column, "op": op, **({"value": value[0]} if value else {})}


def ids(folder, view, predicate, owed=(), columns=("id", "age", "name", "d", "t", "ok", "x")):
    request = DataRequest("read", tuple(columns), filter=parse_filter(predicate))
    return values("id", folder, view, request, owed)


@pytest.fixture
def people(tmp_path):
    return parquet(
        tmp_path,
        {
            "id": [1, 2, 3, 4],
            "age": [30, 45, 49, None],
            "name": ["a", "O'Neil", "林", None],
            "d": [date(2020, 1, 31), date(2020, 2, 1), None, date(1999, 1, 1)],
            "t": [datetime(2020, 1, 1, 12), datetime(2020, 1, 1, 13), None, None],
            "ok": [True, False, None, True],
            "x": [0.5, -1.0, 2.0, None],
            "secret": [1, 2, 3, 4],
        },
    )


@pytest.mark.parametrize(
    ("predicate", "found"),
    [
        (where("age", "ge", 45), [2, 3]),
        (where("age", "ne", 45), [1, 3]),
        ({"not": where("age", "eq", 45)}, [1, 3]),
        (where("age", "is_null"), [4]),
        (where("age", "not_null"), [1, 2, 3]),
        (where("name", "eq", "O'Neil"), [2]),
        (where("name", "eq", "' OR 1=1 --"), []),
        (where("name", "in", ["林", "a"]), [1, 3]),
        (where("d", "lt", "2020-02-01"), [1, 4]),
        (where("t", "eq", "2020-01-01T13:00:00+01:00"), [1]),
        (where("t", "gt", "2020-01-01T12:30:00Z"), [2]),
        (where("ok", "eq", True), [1, 4]),
        (where("x", "le", 1), [1, 2]),
        ({"or": [where("x", "lt", 0), {"and": [where("age", "gt", 40), where("age", "gt", 46)]}]}, [2, 3]),
    ],
)
def test_a_filter_lets_through_the_rows_it_is_true_of(tmp_path, people, predicate, found):
    assert ids(tmp_path, people, predicate) == found


@pytest.mark.parametrize(
    "predicate",
    [
        where("age", "eq", "45"),
        where("age", "eq", True),
        where("age", "eq", 1.0),
        where("age", "eq", 2**63),
        where("x", "eq", 10**400),
        where("ok", "eq", 1),
        where("d", "eq", "2020-02-30"),
        where("d", "eq", "2020-01-01' OR true --"),
        where("t", "eq", "0001-01-01T00:00:00+23:59"),
        where("name", "eq", 1),
    ],
)
def test_a_value_of_another_type_is_refused(tmp_path, people, predicate):
    with pytest.raises(PredicateMalformed):
        ids(tmp_path, people, predicate)


def test_only_columns_of_the_request_can_be_filtered_by(tmp_path, people):
    for column in ("secret", "gone", 'id" IS NOT NULL --'):
        with pytest.raises(FilterNotPermitted):
            ids(tmp_path, people, where(column, "eq", 1))


@pytest.mark.parametrize("kind", ["drop", "pseudonymise"])
def test_what_is_masked_whole_cannot_be_filtered_by(tmp_path, people, kind):
    for predicate in (where("name", "eq", "a"), {"not": {"or": [where("age", "eq", 1), where("name", "is_null")]}}):
        with pytest.raises(FilterNotPermitted):
            ids(tmp_path, people, predicate, [{"kind": kind, "column": "name"}])


@pytest.mark.parametrize("kind", ["drop", "pseudonymise"])
def test_what_is_masked_whole_cannot_be_grouped_by(tmp_path, people, kind):
    with pytest.raises(FilterNotPermitted):
        rows(tmp_path, people, DataRequest("aggregate", group_by=("name",)), [{"kind": kind, "column": "name"}])


def test_a_generalised_column_is_filtered_by_its_label(tmp_path, people):
    bands = [{"kind": "generalise", "column": "age", "method": "band", "width": 10}]
    assert ids(tmp_path, people, where("age", "eq", "40-49"), bands) == [2, 3]
    for exact in (where("age", "eq", 45), where("age", "ge", "40-49")):
        with pytest.raises(PredicateMalformed):
            ids(tmp_path, people, exact, bands)
    months = [{"kind": "generalise", "column": "d", "method": "month"}]
    assert ids(tmp_path, people, where("d", "ge", "2020-01"), months) == [1, 2]


def nested(depth):
    return where("age", "is_null") if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        "age = 1",
        {"and": []},
        {"or": {}},
        {"and": [where("a", "is_null")], "or": [where("a", "is_null")]},
        {"column": "a"},
        where("a", "like", "x"),
        where("a", "eq"),
        where("a", "eq", None),
        where("a", "eq", [1]),
        where("a", "eq", {"sql": "1"}),
        where("a", "eq", float("nan")),
        where("a", "eq", "x" * 1001),
        where("a", "eq", "\ud800"),
        where("a", "in", []),
        where("a", "in", [1] * 201),
        where("a", "in", 1),
        where("a", "is_null", 1),
        where(1, "eq", 1),
        where("a", ["eq"], 1),
        {**where("a", "eq", 1), "more": 1},
        nested(9),
        {"or": [where("a", "is_null")] * 64},
    ],
)
def test_another_form_is_refused(document):
    with pytest.raises(PredicateMalformed):
        parse_filter(document)


def test_the_limits_themselves_are_allowed():
    assert parse_filter(nested(8)) is not None
    assert parse_filter({"or": [where("a", "is_null")] * 63}) is not None
    assert parse_filter(None) is None
