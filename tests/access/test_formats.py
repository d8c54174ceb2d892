"""What a spreadsheet could take for a formula, and formats that say the same."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.formats import without_formulas
from gateway.access.plan import DataRequest
from tests.access.small_data import delivered, parquet


def guarded(text):
    return without_formulas(pa.array([text], pa.string()))[0].as_py()


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|x!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "--1", "-9 to 0", "-1x", "\uff1d1"],
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text):
    assert guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["", None, "-1", "+1.5", "-.5e-3", "1=1", "a@b", "'=1", "林"])
def test_numbers_and_plain_text_stay(text):
    assert guarded(text) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5))
def test_no_cell_starts_a_formula(texts):
    for before, after in zip(texts, without_formulas(pa.array(texts)).to_pylist(), strict=True):
        assert after in (before, "'" + before)
        assert after == "" or after[0] not in "=@\t\r\n"


def test_csv_keeps_numbers_that_are_numbers_and_quotes_what_needs_it(tmp_path):
    view = parquet(tmp_path, {"n": [-1, None], "t": ['=HYPERLINK("x")', 'a,"b"\nc'], "x": [-0.5, 1e300]})
    text = delivered(tmp_path, view, DataRequest("read", ("n", "t", "x"), format="csv")).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["n", "t", "x"],
        ["-1", '\'=HYPERLINK("x")', "-0.5"],
        ["", 'a,"b"\nc', "1e+300"],
    ]


def test_every_format_carries_the_same_rows(tmp_path):
    view = parquet(tmp_path, {"n": list(range(5000)), "t": [f"t{n}" for n in range(5000)]})
    arrow, parq, text = (
        delivered(tmp_path, view, DataRequest("read", ("n", "t"), format=form)) for form in ("arrow", "parquet", "csv")
    )
    rows = pa.ipc.open_stream(arrow).read_all().to_pylist()
    assert pyarrow.parquet.read_table(pa.BufferReader(parq)).to_pylist() == rows
    assert [{"n": int(r["n"]), "t": r["t"]} for r in csv.DictReader(io.StringIO(text.decode()))] == rows


def test_no_rows_are_still_a_whole_document(tmp_path):
    view = parquet(tmp_path, {"n": [1]})
    request = {form: DataRequest("read", ("n",), format=form, limit=1) for form in ("arrow", "parquet", "csv")}
    got = {form: delivered(tmp_path, view, r, row_cap=0) for form, r in request.items()}
    assert pa.ipc.open_stream(got["arrow"]).read_all().num_rows == 0
    assert pyarrow.parquet.read_table(pa.BufferReader(got["parquet"])).num_rows == 0
    assert got["csv"] == b'"n"\n'
