"""The narrowest read, and each obligation on it."""

from __future__ import annotations

import hmac
from datetime import date, datetime

import pyarrow as pa
import pytest

from gateway.access.errors import ColumnsMalformed, NothingReleased
from gateway.access.filters import parse_filter
from gateway.access.plan import DataRequest
from gateway.obligations.errors import NotDischargeable
from gateway.obligations.pseudonym import pseudonym_key
from tests.access.small_data import CONTRACT, ROOT_KEY, csv, delivery, parquet, rows, values


def read(*columns, **named):
    return DataRequest("read", columns, **named)


def band(column, width=10, **named):
    return {"kind": "generalise", "column": column, "method": "band", "width": width, **named}


@pytest.fixture
def people(tmp_path):
    return parquet(
        tmp_path,
        {
            "id": pa.array([3, 1, 2, None]),
            "name": ["林", "Zoë", "o'Neil; DROP TABLE s", None],
            "age": [49, 50, -1, None],
            "born": [date(1970, 12, 31), date(2020, 3, 1), None, date(999, 1, 1)],
            "opted_out": [False, None, True, False],
        },
        person_column="id",
    )


def test_only_the_columns_asked_for_are_read(tmp_path, people):
    plan = delivery(tmp_path, people, read("age")).plan
    assert [column.name for column in plan.read.columns] == ["age"]


def test_columns_come_in_the_order_asked_for(tmp_path, people):
    assert list(rows(tmp_path, people, read("age", "name"))[0]) == ["age", "name"]


def test_a_dropped_column_is_neither_released_nor_read(tmp_path, people):
    owed = [{"kind": "drop", "column": "name"}]
    stream = delivery(tmp_path, people, read("age", "name"), owed)
    assert stream.plan.dropped == ("name",)
    assert [column.name for column in stream.plan.read.columns] == ["age"]
    assert list(rows(tmp_path, people, read("age", "name"), owed)[0]) == ["age"]


def test_nothing_left_is_refused(tmp_path, people):
    with pytest.raises(NothingReleased):
        delivery(tmp_path, people, read("name"), [{"kind": "drop", "column": "name"}])


@pytest.mark.parametrize(
    "request_", [read(), read("age", "age"), read("Age"), read('age" FROM s --'), read("age", group_by=("age",))]
)
def test_columns_that_do_not_fit_are_refused(tmp_path, people, request_):
    with pytest.raises(ColumnsMalformed):
        delivery(tmp_path, people, request_)


def test_pseudonyms_are_hmac_sha256_of_the_text_under_the_contracts_key(tmp_path, people):
    owed = [{"kind": "pseudonymise", "column": "name"}]
    key = pseudonym_key(ROOT_KEY, CONTRACT, "column:name")
    wanted = {"p-" + hmac.new(key, name.encode(), "sha256").hexdigest()[:32] for name in people_names()}
    assert set(values("name", tmp_path, people, read("name"), owed)) == {*wanted, None}


def people_names():
    return ["林", "Zoë", "o'Neil; DROP TABLE s"]


def test_no_key_is_in_the_query_or_in_what_a_plan_shows_of_itself(tmp_path, people):
    plan = delivery(tmp_path, people, read("name"), [{"kind": "pseudonymise", "column": "name"}]).plan
    key = pseudonym_key(ROOT_KEY, CONTRACT, "column:name")
    blocks = [bytes(b ^ pad for b in key.ljust(64, b"\0")) for pad in (0x36, 0x5C)]
    assert set(blocks) <= set(plan.parameters.values())
    for secret in (key, ROOT_KEY, *blocks):
        for text in (plan.query, repr(plan), plan.describe()):
            assert secret.hex() not in text.lower()
            assert repr(secret)[2:-1] not in text


@pytest.mark.parametrize("number", [pa.array([7], pa.int64()), pa.array(["7"]), pa.array([7.0])])
def test_one_person_has_one_pseudonym_whatever_the_type(tmp_path, number):
    view = parquet(tmp_path, {"id": number})
    key = pseudonym_key(ROOT_KEY, CONTRACT, "column:id")
    wanted = "p-" + hmac.new(key, b"7", "sha256").hexdigest()[:32]
    assert values("id", tmp_path, view, read("id"), [{"kind": "pseudonymise", "column": "id"}]) == [wanted]


def test_two_contracts_have_no_pseudonym_and_no_order_in_common(tmp_path):
    view = parquet(tmp_path, {"id": list(range(200)), "n": list(range(200))})
    owed = [{"kind": "pseudonymise", "column": "id"}]
    one = rows(tmp_path, view, read("id", "n"), owed, contract="urn:uuid:1")
    other = rows(tmp_path, view, read("id", "n"), owed, contract="urn:uuid:2")
    assert not {row["id"] for row in one} & {row["id"] for row in other}
    assert [row["n"] for row in one] != [row["n"] for row in other]
    assert one == rows(tmp_path, view, read("id", "n"), owed, contract="urn:uuid:1")


def test_output_does_not_depend_on_the_sources_order(tmp_path):
    owed = [{"kind": "pseudonymise", "column": "id"}]
    ids = [5, 3, 3, None, 9, 1]
    ns = ["e", "c", "a", "z", None, "b"]
    forward = parquet(tmp_path, {"id": ids, "n": ns}, name="a.parquet")
    backward = parquet(tmp_path, {"id": ids[::-1], "n": ns[::-1]}, name="b.parquet")
    assert rows(tmp_path, forward, read("n", "id"), owed) == rows(tmp_path, backward, read("n", "id"), owed)


@pytest.mark.parametrize(
    ("age", "label"),
    [
        (40, "40-49"),
        (49, "40-49"),
        (50, "50-59"),
        (0, "0-9"),
        (-1, "-10 to -1"),
        (-10, "-10 to -1"),
        (-11, "-20 to -11"),
        (90, "90+"),
        (89, "80-89"),
        (2**63 - 1, "90+"),
        (-(2**63), "-9223372036854775810 to -9223372036854775801"),
        (None, None),
    ],
)
def test_whole_numbers_fall_into_the_band_that_holds_them(tmp_path, age, label):
    view = parquet(tmp_path, {"age": pa.array([age], pa.int64())})
    assert values("age", tmp_path, view, read("age"), [band("age", top=95)]) == [label]


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (49.999, "40-49"),
        (50.0, "50-59"),
        (-0.5, "-10 to -1"),
        (-0.0, "0-9"),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
    ],
)
def test_numbers_fall_into_the_band_that_holds_them(tmp_path, value, label):
    view = parquet(tmp_path, {"v": [value]})
    assert values("v", tmp_path, view, read("v"), [band("v")]) == [label]


@pytest.mark.parametrize(("method", "label"), [("month", "2020-03"), ("year", "2020")])
def test_dates_and_times_become_months_or_years(tmp_path, method, label):
    view = parquet(tmp_path, {"d": [date(2020, 3, 31)], "t": [datetime(2020, 3, 31, 23, 59)]})
    owed = [{"kind": "generalise", "column": c, "method": method} for c in "dt"]
    assert rows(tmp_path, view, read("d", "t"), owed) == [{"d": label, "t": label}]


@pytest.mark.parametrize(
    "owed",
    [
        band("name"),
        {"kind": "generalise", "column": "age", "method": "year"},
        {"kind": "filter_rows", "predicate": {"column": "gone", "op": "eq", "value": 1}},
        {"kind": "filter_rows", "predicate": {"column": "age", "op": "eq", "value": "1"}},
    ],
)
def test_what_cannot_be_discharged_releases_nothing(tmp_path, people, owed):
    with pytest.raises(NotDischargeable):
        delivery(tmp_path, people, read("name", "age"), [owed])


def test_an_opt_out_that_was_never_recorded_keeps_a_row_in_the_house(tmp_path, people):
    owed = [{"kind": "filter_rows", "predicate": {"column": "opted_out", "op": "ne", "value": True}}]
    assert values("age", tmp_path, people, read("age"), owed) == [49, None]
    owed = [{"kind": "filter_rows", "predicate": {"not": {"column": "opted_out", "op": "eq", "value": True}}}]
    assert values("age", tmp_path, people, read("age"), owed) == [49, None]


@pytest.mark.parametrize(
    ("cap", "owed", "limit", "rows_"), [(3, 9, None, 3), (9, 2, None, 2), (9, 9, 1, 1), (0, 9, 5, 0), (9, 0, 5, 0)]
)
def test_the_lowest_cap_on_rows_holds(tmp_path, people, cap, owed, limit, rows_):
    got = rows(tmp_path, people, read("age", limit=limit), [{"kind": "cap_rows", "rows": owed}], row_cap=cap)
    assert len(got) == rows_


def test_many_filtered_reads_show_no_more_persons_than_the_cap(tmp_path):
    view = parquet(
        tmp_path,
        {"id": [n // 2 for n in range(100)] + [None], "n": [*range(101)]},
        person_column="id",
    )
    seen = set()
    for part in range(0, 100, 10):
        where = {"and": [{"column": "n", "op": "ge", "value": part}, {"column": "n", "op": "lt", "value": part + 10}]}
        seen |= set(values("id", tmp_path, view, read("id", "n", filter=parse_filter(where)), person_cap=7))
    assert len(seen) == 7
    assert None not in seen
    assert set(values("id", tmp_path, view, read("id"), [{"kind": "cap_persons", "persons": 7}])) == seen


def test_a_cap_on_persons_needs_a_column_that_tells_them_apart(tmp_path):
    view = parquet(tmp_path, {"id": [1]})
    with pytest.raises(NotDischargeable):
        delivery(tmp_path, view, read("id"), person_cap=1)


def test_names_of_columns_are_never_sql(tmp_path):
    view = parquet(tmp_path, {"select": [1], "o0": [2], "Größe in cm": [3], "n": [4]})
    assert rows(tmp_path, view, read("select", "o0", "Größe in cm", "n")) == [
        {"select": 1, "o0": 2, "Größe in cm": 3, "n": 4}
    ]


def test_empty_cells_of_csv_are_missing_values(tmp_path):
    view = csv(tmp_path, 'a,b\r\n1,\r\n,"x, ""y"""\r\n', {"a": "integer", "b": "string"})
    assert rows(tmp_path, view, read("a", "b")) == [{"a": 1, "b": None}, {"a": None, "b": 'x, "y"'}]


def test_a_plan_says_what_it_does_in_words(tmp_path, people):
    owed = [band("age", top=90), {"kind": "drop", "column": "name"}]
    text = delivery(tmp_path, people, read("age", "name"), owed).plan.describe()
    assert "age (string), in bands of 10, open from 90 on" in text
    assert "withholds name" in text
