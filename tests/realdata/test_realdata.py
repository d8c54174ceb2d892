"""Real clinical data, prepared once, and read under the promises."""

from __future__ import annotations

import pyarrow.csv
import pyarrow.parquet
import pytest

from connectors.base import SourceColumn
from connectors.registry import Sources
from gateway.access.plan import DataRequest
from gateway.catalog.model import Column, ColumnType, Role, SourceRef, View
from gateway.cli import realdata
from tests.access.small_data import rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    realdata.prepare(folder)
    return folder


def test_the_tables_are_whole(folder):
    covid = pyarrow.csv.read_csv(folder / "covid_testing.csv")
    assert (covid.num_rows, covid.num_columns) == (15_524, 17)
    assert {"fake_first_name", "fake_last_name"} <= set(covid.column_names)
    assert pyarrow.parquet.read_metadata(folder / "nafld2.parquet").num_rows == 400_123
    assert pyarrow.parquet.read_metadata(folder / "nafld1.parquet").num_rows == 17_549


def test_what_is_there_is_left_as_it_is(folder):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    prepared = realdata.prepare(folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [(p.path.name, p.dataset.rows) for p in prepared] == [(d.file, d.rows) for d in realdata.DATASETS]


def test_a_missing_package_is_told_and_leaves_no_file(tmp_path, monkeypatch):
    unknown = realdata.RealDataset("medicaldata", "no_such_table", "x.csv", 1, "", "")
    monkeypatch.setattr(realdata, "DATASETS", (unknown,))
    with pytest.raises(realdata.RealDataMissing, match="uv sync --group data"):
        realdata.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_hospital_table_is_read_without_names_and_with_bands(folder):
    types = {"subject_id": "integer", "fake_first_name": "string", "age": "number", "result": "string"}
    Sources(folder).source("csv", "covid_testing.csv").check(
        tuple(SourceColumn(name, kind) for name, kind in types.items())
    )
    view = View(
        source=SourceRef(kind="csv", path="covid_testing.csv"),
        columns=tuple(Column(name=n, type=ColumnType(t), role=Role.PLAIN) for n, t in types.items()),
        person_column="subject_id",
    )
    owed = [
        {"kind": "drop", "column": "fake_first_name"},
        {"kind": "pseudonymise", "column": "subject_id"},
        {"kind": "generalise", "column": "age", "method": "band", "width": 10, "top": 90},
        {"kind": "suppress_small_cells", "threshold": 12, "complementary": True},
    ]
    read = rows(folder, view, DataRequest("read", tuple(types)), owed)
    assert len(read) == 15_524
    assert set(read[0]) == {"subject_id", "age", "result"}
    assert len({row["subject_id"] for row in read}) == 12_344
    counts = rows(folder, view, DataRequest("aggregate", group_by=("age", "result"), count="rows"), owed)
    assert all(row["count"] is None or row["count"] > 12 for row in counts)
    assert any(row["suppressed"] for row in counts)
    assert any(not row["suppressed"] for row in counts)
