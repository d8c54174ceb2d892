"""What every file source promises: confinement, declared columns, one content, narrow reads."""

from __future__ import annotations

import hashlib
import os
import threading

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from connectors import csvfile
from connectors.base import (
    Read,
    SourceChanged,
    SourceColumn,
    SourceMismatch,
    SourceRefused,
    SourceUnavailable,
)
from connectors.registry import Sources


def columns(**types):
    return tuple(SourceColumn(name, kind) for name, kind in types.items())


@pytest.fixture
def root(tmp_path):
    inside = tmp_path / "root"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "data.csv").write_text("n,t\n1,a\n2,b\n")
    (tmp_path / "secret.csv").write_text("n,t\n9,secret\n")
    return inside


def csv(root, text, **types):
    (root / "x.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return Sources(root).source("csv", "x.csv").check(columns(**types))


def parquet(root, table):
    pyarrow.parquet.write_table(pa.table(table), root / "x.parquet")
    return Sources(root).source("parquet", "x.parquet")


def test_a_file_beneath_the_root_is_read(root):
    found = Sources(root).source("csv", "deep/data.csv").describe()
    assert found.columns == columns(n="integer", t="string")
    assert found.rows == 2
    assert found.content_digest == "sha256:" + hashlib.sha256(b"n,t\n1,a\n2,b\n").hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../secret.csv",
        "deep/../../secret.csv",
        "deep/../deep/data.csv",
        "./deep/data.csv",
        "deep//data.csv",
        "deep/data.csv/",
        "deep\\data.csv",
        "deep/data.csv\0",
        "deep/data\n.csv",
        "deep/\ud800.csv",
        "d/" * 40 + "x",
        "x" * 1025,
    ],
)
def test_a_path_that_is_no_plain_way_down_is_refused(root, path):
    with pytest.raises(SourceRefused):
        Sources(root).source("csv", path).describe()


def test_links_are_refused_wherever_they_are(root, tmp_path):
    (root / "file.csv").symlink_to(tmp_path / "secret.csv")
    (root / "folder").symlink_to(tmp_path)
    (root / "home.csv").symlink_to(root / "deep" / "data.csv")
    for path in ("file.csv", "folder/secret.csv", "home.csv"):
        with pytest.raises(SourceRefused) as caught:
            Sources(root).source("csv", path).describe()
        assert str(tmp_path) not in str(caught.value)


def test_only_regular_files_are_sources(root):
    os.mkfifo(root / "pipe.csv")
    for path in ("pipe.csv", "deep"):
        with pytest.raises(SourceRefused):
            Sources(root).source("csv", path).describe()
    with pytest.raises(SourceUnavailable):
        Sources(root).source("csv", "gone.csv").describe()
    with pytest.raises(SourceRefused, match="csv, parquet"):
        Sources(root).source("excel", "deep/data.csv")


def test_a_link_swapped_in_during_a_thousand_reads_is_never_followed(root, tmp_path):
    source = Sources(root).source("csv", "deep/data.csv")
    outside, real = tmp_path / "outside", root / "deep"
    outside.mkdir()
    (outside / "data.csv").write_text("n,t\n9,secret\n")
    done = threading.Event()

    def swap():
        while not done.is_set():
            os.rename(real, root / "aside")
            os.symlink(outside, real)
            os.unlink(real)
            os.rename(root / "aside", real)

    thread = threading.Thread(target=swap)
    thread.start()
    refused = 0
    try:
        for _ in range(150):
            try:
                with source.open(Read(columns(t="string"))) as opened, duckdb.connect() as engine:
                    assert engine.sql(f"FROM {opened.attach(engine)}").fetchall() == [("a",), ("b",)]
            except (SourceRefused, SourceUnavailable):
                refused += 1
    finally:
        done.set()
        thread.join()
    assert refused > 0


@pytest.mark.parametrize(
    ("text", "types", "says"),
    [
        ("n\n1\n", {"m": "integer"}, "no column 'm'"),
        ("n\n1\n", {"N": "integer"}, "no column 'N'"),
        ("n\n1\nx\n", {"n": "integer"}, "line 3: the cell of column 'n' is no integer"),
        ('t,n\n"a\nb",1\n\n"c",SECRET\n', {"n": "integer"}, "line 5: the cell of column 'n'"),
        ("n\n1.5\n", {"n": "integer"}, "line 2"),
        ("n\n 1\n", {"n": "integer"}, "line 2"),
        ("n\n9223372036854775808\n", {"n": "integer"}, "line 2"),
        ("n\nnan\n", {"n": "number"}, "line 2"),
        ("n\n1e999\n", {"n": "number"}, "line 2"),
        ("n\nyes\n", {"n": "boolean"}, "line 2"),
        ("n\n2021-02-29\n", {"n": "date"}, "line 2"),
        ("n\n01/02/2020\n", {"n": "date"}, "line 2"),
        ("n\n2020-01-01\n", {"n": "datetime"}, "line 2"),
        ("n,n\n1,2\n", {"n": "integer"}, "two columns called"),
        ("Age,age\n1,2\n", {"age": "integer"}, "two columns called"),
        ("n,t\n1\n", {"n": "integer"}, "line 2 has more or fewer cells"),
        ("n,t\n1,2,3\n", {"n": "integer"}, "line 2 has more or fewer cells"),
        (b"n,t\n1,\xff\xfe\n", {"t": "string"}, "line 2 is not UTF-8"),
        (b"n\xff\n1\n", {"n": "integer"}, "line 1 is not UTF-8"),
        (b"\xff\xfen\0\n\0", {"n": "integer"}, "zero byte"),
        ('n,t\n1,"a\n2,b\n', {"n": "integer"}, "never closed"),
        ('n,t\n1,"a"b"\n2,"\n', {"t": "string"}, "quote"),
        ("n,t\r\n1,a\n2,b\r\n", {"n": "integer"}, "LF"),
        ("n,t\r1,a\r", {"n": "integer"}, "carriage return"),
        ("", {"n": "integer"}, "empty"),
    ],
)
def test_what_is_not_as_declared_is_told_by_line_and_column_never_by_value(root, text, types, says):
    with pytest.raises(SourceMismatch, match=says) as caught:
        csv(root, text, **types)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("\ufeffn,t\r\n-1,x\r\n,\r\n", {"n": "integer", "t": "string"}),
        ("n\n-1.5e3\n.5\n1.\n", {"n": "number"}),
        ("n\ntrue\nFALSE\n\n", {"n": "boolean"}),
        ("n\n2020-02-29\n", {"n": "date"}),
        ("n\n2020-01-01T12:00:00Z\n2020-01-01 12:00:00.5\n", {"n": "datetime"}),
        ("n\n007\n", {"n": "string"}),
        ('"größe, cm","o""k"\n1,2\n', {"größe, cm": "integer", 'o"k': "integer"}),
        ("n\n", {"n": "integer"}),
    ],
)
def test_what_is_as_declared_passes_and_reads_back(root, text, types):
    rows = csv(root, text, **types).rows
    with Sources(root).source("csv", "x.csv").open(Read(columns(**types))) as opened, duckdb.connect() as engine:
        relation = engine.sql(f"FROM {opened.attach(engine)}")
        assert relation.columns == list(types)
        assert len(relation.fetchall()) == rows


def test_a_read_exposes_its_columns_and_no_others(root):
    source = parquet(root, {"a": [1], 'b"; --': ["x"], "c": [2.0]})
    read = Read((SourceColumn("c", "number"), SourceColumn('b"; --', "string")))
    with source.open(read) as opened, duckdb.connect() as engine:
        assert engine.sql(f"FROM {opened.attach(engine)}").columns == ["c", 'b"; --']


def test_parquet_types_are_compared_exactly(root):
    source = parquet(root, {"n": pa.array([1], pa.int16()), "l": [[1]], "t": pa.array([0], pa.timestamp("ns", "UTC"))})
    assert source.describe().columns == columns(n="integer", l="other", t="datetime")
    source.check(columns(n="integer", t="datetime"))
    for wrong in (columns(n="number"), columns(l="string"), columns(gone="string")):
        with pytest.raises(SourceMismatch):
            source.check(wrong)


def test_parquet_names_that_differ_in_case_only_are_refused(root):
    with pytest.raises(SourceMismatch, match="letter case"):
        parquet(root, {"Age": [1], "age": [2]}).check(columns(age="integer"))


@pytest.mark.parametrize("cut", [0, 3, 100])
def test_a_damaged_parquet_file_is_told(root, cut):
    source = parquet(root, {"n": list(range(100))})
    (root / "x.parquet").write_bytes((root / "x.parquet").read_bytes()[:cut])
    with pytest.raises(SourceMismatch, match="not a readable Parquet"):
        source.describe()


def test_a_source_written_to_after_opening_is_told(root):
    source = Sources(root).source("csv", "deep/data.csv")
    with source.open(Read(columns(n="integer"))) as opened:
        opened.verify()
        with open(root / "deep" / "data.csv", "a") as file:
            file.write("3,c\n")
        with pytest.raises(SourceChanged):
            opened.verify()


def test_columns_that_changed_since_are_told_on_opening(root):
    source = Sources(root).source("csv", "deep/data.csv")
    source.check(columns(n="integer", t="string"))
    (root / "deep" / "data.csv").write_text("n,u\n1,a\n")
    with pytest.raises(SourceChanged, match="no column 't'"), source.open(Read(columns(t="string"))):
        pass


def test_the_digest_follows_the_bytes(root):
    source = Sources(root).source("csv", "deep/data.csv")
    first = source.describe().content_digest
    assert source.describe().content_digest == first
    (root / "deep" / "data.csv").write_text("n,t\n1,a\n2,c\n")
    assert source.describe().content_digest == "sha256:" + hashlib.sha256(b"n,t\n1,a\n2,c\n").hexdigest() != first


def test_nothing_stays_open(root):
    source = parquet(root, {"n": [1]})
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        source.describe()
        with source.open(Read(columns(n="integer"))):
            pass
        with pytest.raises(SourceMismatch):
            source.check(columns(gone="integer"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_columns_that_were_checked_are_not_checked_again_however_they_are_read(root, monkeypatch):
    (root / "x.csv").write_text("n,t,b\n1,a,true\n")
    source = Sources(root).source("csv", "x.csv")
    source.check(columns(n="integer", t="string"))
    checks = []
    check = csvfile._check
    monkeypatch.setattr(csvfile, "_check", lambda *args: checks.append(args[2]) or check(*args))
    for read in (columns(t="string"), columns(t="string", n="integer"), columns(n="integer")):
        with source.open(Read(read)):
            assert checks == []
    with source.open(Read(columns(n="integer", b="boolean"))):
        assert len(checks) == 1
    with pytest.raises(SourceChanged), source.open(Read(columns(t="integer"))):
        pass
