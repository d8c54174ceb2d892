"""The stream: pieces, checks, ends, and what is left behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import textwrap
import threading
from contextlib import ExitStack

import duckdb
import pyarrow as pa
import pytest

from connectors.registry import Sources
from gateway.access.delivery import PIECE
from gateway.access.engine import RELATION, Engine, Limits
from gateway.access.errors import EngineLimit, SourceAway, SourceDiffers
from gateway.access.plan import DataRequest
from tests.access.small_data import csv, delivery, parquet, unchecked

READ = DataRequest("read", ("n", "t"))


class Revoked(Exception):
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("large")


@pytest.fixture(scope="module")
def large(folder):
    """About 40 MB in Arrow's format."""
    size = 1_000_000
    return parquet(folder, {"n": pa.array(range(size)), "t": pa.array([f"text number {n:012}" for n in range(size)])})


def run(coroutine):
    return asyncio.run(coroutine)


async def all_of(stream):
    await stream.start()
    return [piece async for piece in stream.pieces(unchecked)]


def left_behind(folder):
    return [name for name in os.listdir(folder) if name.startswith("delivery-")], delivery_threads()


def delivery_threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("delivery")]


def test_pieces_have_the_promised_sizes_and_the_digest_is_of_them(folder, large):
    stream = delivery(folder, large, READ)
    pieces = run(all_of(stream))
    assert {len(piece) for piece in pieces[:-1]} == {PIECE}
    assert len(pieces) > 30
    body = b"".join(pieces)
    assert stream.stats.sha256 == hashlib.sha256(body).hexdigest()
    assert (stream.stats.rows, stream.stats.bytes, stream.stats.complete) == (1_000_000, len(body), True)
    assert pa.ipc.open_stream(body).read_all().num_rows == 1_000_000
    assert stream.content_digest == "sha256:" + hashlib.sha256((folder / "data.parquet").read_bytes()).hexdigest()
    assert left_behind(folder)[0] == []


def test_a_failing_check_stops_the_stream_before_the_next_piece(folder, large):
    stream = delivery(folder, large, READ)
    asked = 0

    async def check():
        nonlocal asked
        asked += 1
        if asked == 4:
            raise Revoked

    async def go():
        got = []
        await stream.start()
        with pytest.raises(Revoked):  # noqa: PT012  the loop is the statement
            async for piece in stream.pieces(check):
                got.append(piece)
        return got

    got = run(go())
    assert len(got) == 3
    assert not stream.stats.complete
    assert stream.stats.bytes == sum(map(len, got))
    assert stream.stats.sha256 == hashlib.sha256(b"".join(got)).hexdigest()
    assert left_behind(folder)[0] == []


def test_a_reader_that_leaves_releases_everything(folder, large):
    stream = delivery(folder, large, READ)

    async def go():
        await stream.start()
        pieces = stream.pieces(unchecked)
        await anext(pieces)
        await pieces.aclose()

    before = len(os.listdir("/proc/self/fd"))
    run(go())
    assert not stream.stats.complete
    assert left_behind(folder)[0] == []
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_cancelled_reader_releases_everything(folder, large):
    stream = delivery(folder, large, READ)

    async def go():
        await stream.start()

        async def slow():
            async for _ in stream.pieces(unchecked):
                await asyncio.sleep(3600)

        task = asyncio.create_task(slow())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stream.aclose()

    run(go())
    assert left_behind(folder)[0] == []


def test_a_delivery_given_up_before_its_first_piece_releases_everything(folder, large):
    stream = delivery(folder, large, READ)

    async def go():
        await stream.start()
        await stream.aclose()
        await stream.aclose()

    run(go())
    assert left_behind(folder)[0] == []


def test_the_event_loop_goes_on_while_a_query_runs(folder, large):
    stream = delivery(folder, large, READ, [{"kind": "pseudonymise", "column": "t"}])

    async def go():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticker = asyncio.create_task(tick())
        await stream.start()
        ticker.cancel()
        await stream.aclose()
        return ticks

    assert run(go()) > 20


def test_no_more_than_a_few_pieces_are_made_ahead_of_the_reader(folder, large):
    stream = delivery(folder, large, READ)

    async def go():
        await stream.start()
        pieces = stream.pieces(unchecked)
        await anext(pieces)
        await asyncio.sleep(0.3)
        made = stream._producer._room._value
        await pieces.aclose()
        return made

    assert run(go()) == 0


def test_a_source_that_vanished_is_told_before_the_first_byte(tmp_path):
    view = parquet(tmp_path, {"n": [1], "t": ["a"]})
    (tmp_path / "data.parquet").unlink()
    with pytest.raises(SourceAway):
        run(all_of(delivery(tmp_path, view, READ)))


def test_a_source_that_changed_its_columns_is_told_before_the_first_byte(tmp_path):
    view = parquet(tmp_path, {"n": [1], "t": ["a"]})
    parquet(tmp_path, {"n": ["1"], "t": ["a"]})
    with pytest.raises(SourceDiffers, match="column 'n' is declared integer"):
        run(all_of(delivery(tmp_path, view, READ)))


def test_a_refreshed_csv_is_checked_again_before_the_first_byte(tmp_path):
    view = csv(tmp_path, "n,t\n1,a\n", {"n": "integer", "t": "string"})
    run(all_of(delivery(tmp_path, view, READ)))
    csv(tmp_path, "n,t\n1,a\n1.5,secret\n", {"n": "integer", "t": "string"})
    with pytest.raises(SourceDiffers, match="line 3") as caught:
        run(all_of(delivery(tmp_path, view, READ)))
    assert "1.5" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_cut_parquet_file_is_told_before_the_first_byte(tmp_path):
    view = parquet(tmp_path, {"n": list(range(1000)), "t": ["a"] * 1000})
    file = tmp_path / "data.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(SourceDiffers):
        run(all_of(delivery(tmp_path, view, READ)))


def test_a_file_renamed_over_the_source_does_not_reach_a_stream_that_runs(tmp_path):
    size = 300_000
    view = parquet(tmp_path, {"n": list(range(size)), "t": ["old"] * size})
    parquet(tmp_path, {"n": list(range(size)), "t": ["new"] * size}, name="next.parquet")

    async def go():
        stream = delivery(tmp_path, view, READ)
        await stream.start()
        os.replace(tmp_path / "next.parquet", tmp_path / "data.parquet")
        return [piece async for piece in stream.pieces(unchecked)]

    table = pa.ipc.open_stream(b"".join(run(go()))).read_all()
    assert table["t"].unique().to_pylist() == ["old"]


def test_a_source_cut_in_mid_stream_breaks_the_stream(tmp_path):
    size = 1_000_000
    view = parquet(tmp_path, {"n": list(range(size)), "t": [f"text {n}" for n in range(size)]})
    stream = delivery(tmp_path, view, READ)

    async def go():
        await stream.start()
        got = 0
        async for _ in stream.pieces(unchecked):
            got += 1
            if got == 1:
                os.truncate(tmp_path / "data.parquet", 1000)

    with pytest.raises(SourceDiffers, match="written to"):
        run(go())
    assert not stream.stats.complete
    assert stream.stats.bytes > 0


def test_memory_over_the_limit_is_a_refusal_not_a_crash(folder, large):
    request = DataRequest("aggregate", group_by=("t",))
    with pytest.raises(EngineLimit):
        run(all_of(delivery(folder, large, request, memory_mb=8)))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM read_csv('{root}/other.csv')",
        "SELECT * FROM glob('{root}/*')",
        "COPY (SELECT 1) TO '{root}/out.csv'",
        "ATTACH '{root}/x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{root}/other.csv']",
        "SET threads = 64",
    ],
)
def test_the_engine_reaches_nothing_but_the_source(tmp_path, query):
    view = parquet(tmp_path, {"n": [1]})
    (tmp_path / "other.csv").write_text("a\n1\n")
    source = Sources(tmp_path).source("parquet", "data.parquet")
    read = delivery(tmp_path, view, DataRequest("read", ("n",))).plan.read
    with ExitStack() as held:
        engine = Engine(held.enter_context(source.open(read)), held, Limits(tmp_path, 64))
        held.callback(engine.close)
        session = held.enter_context(engine.session())
        assert session.execute(f"FROM {RELATION}").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            session.execute(query.replace("{root}", str(tmp_path))).fetchall()


def test_memory_stays_bounded_however_large_the_source(tmp_path):
    """Reads about 350 MB of Arrow in a process of its own; its peak grows by far less."""
    program = """
        import asyncio, resource, sys
        from pathlib import Path
        import duckdb
        from gateway.access.plan import DataRequest
        from gateway.catalog.model import Column, SourceRef, View
        from tests.access.small_data import delivery, unchecked
        folder = Path(sys.argv[1])
        names = [f"c{n}" for n in range(6)]
        columns = ", ".join(f"(hash(i + {n}) % 1000000000)::BIGINT AS c{n}" for n in range(6))
        def write(name, rows):
            with duckdb.connect(config={"threads": "1", "memory_limit": "200MB"}) as connection:
                connection.execute("SET enable_progress_bar = false")
                made = f"SELECT {columns} FROM range({rows}) t(i)"
                connection.execute(f"COPY ({made}) TO '{folder}/{name}' (FORMAT parquet)")
        async def drain(name):
            view = View(source=SourceRef(kind="parquet", path=name),
                        columns=tuple(Column(name=n, type="integer", role="plain") for n in names))
            stream = delivery(folder, view, DataRequest("read", tuple(names)), memory_mb=128)
            await stream.start()
            async for _ in stream.pieces(unchecked):
                pass
            return stream.stats.bytes
        write("small.parquet", 200_000); write("large.parquet", 7_000_000)
        asyncio.run(drain("small.parquet"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = asyncio.run(drain("large.parquet"))
        print(size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    size, growth = map(int, done.stdout.split())
    assert size > 300e6
    assert growth < 150e6
