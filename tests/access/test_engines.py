"""Engines that are used again: only for the same content in the same form, and with nothing of the delivery before."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from connectors.base import Read, SourceChanged, SourceColumn
from connectors.registry import Sources
from gateway.access.delivery import Delivery
from gateway.access.engine import Engine, Limits
from gateway.access.engines import Engines
from gateway.access.errors import SourceAway, SourceDiffers, TooManyGroups
from gateway.access.plan import DataRequest
from gateway.catalog.model import View
from tests.access.small_data import csv, delivered, delivery, parquet, rows, unchecked

READ = DataRequest("read", ("n", "t"))
NARROW = Read((SourceColumn("n", "integer"),))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Every engine that is made, in order."""
    found: list[Engine] = []
    make = Engine.__init__

    def noted(self: Engine, *args: Any) -> None:
        make(self, *args)
        found.append(self)

    monkeypatch.setattr(Engine, "__init__", noted)
    return found


@pytest.fixture
def engines(tmp_path: Path, clock: Clock, made: list[Engine]) -> Iterator[Engines]:
    pool = Engines(Limits(tmp_path, 256), most_idle=2, idle_s=60, clock=clock)
    yield pool
    pool.close()
    assert scratches(tmp_path) == []
    assert not any(alive(engine) for engine in made)


@pytest.fixture(params=["csv", "parquet"])
def view(request: pytest.FixtureRequest, tmp_path: Path) -> View:
    return small(tmp_path, request.param, "a")


def small(folder: Path, kind: str, text: str, name: str = "data") -> View:
    if kind == "parquet":
        return parquet(folder, {"n": [1, 2], "t": [text, "x"]}, name=f"{name}.parquet")
    return csv(folder, f"n,t\n1,{text}\n2,x\n", {"n": "integer", "t": "string"}, name=f"{name}.csv")


def scratches(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith("delivery-")]


def alive(engine: Engine) -> bool:
    try:
        engine.session().close()
    except duckdb.ConnectionException:
        return False
    return True


def test_a_second_read_of_the_same_content_makes_no_new_engine(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    first = rows(tmp_path, view, READ, engines=engines)
    assert first == rows(tmp_path, view, READ, engines=engines) == [{"n": 1, "t": "a"}, {"n": 2, "t": "x"}]
    assert len(made) == 1


def test_reads_and_counts_over_the_same_columns_share_an_engine(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    rows(tmp_path, view, DataRequest("read", ("t",)), engines=engines)
    counts = rows(tmp_path, view, DataRequest("aggregate", group_by=("t",)), engines=engines)
    assert [row["count"] for row in counts] == [1, 1]
    assert len(made) == 1


def test_a_file_replaced_between_two_deliveries_gives_the_new_content(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    rows(tmp_path, view, READ, engines=engines)
    path = tmp_path / view.source.path
    small(tmp_path, view.source.kind, "b", name="next")
    (tmp_path / "next").with_suffix(path.suffix).replace(path)
    assert rows(tmp_path, view, READ, engines=engines)[0]["t"] == "b"
    assert len(made) == 2


def test_a_file_overwritten_in_place_gives_the_new_content(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    rows(tmp_path, view, READ, engines=engines)
    small(tmp_path, view.source.kind, "b")
    os.utime(tmp_path / view.source.path, ns=(1, 1))  # whatever the clock's grain
    assert rows(tmp_path, view, READ, engines=engines)[0]["t"] == "b"
    assert len(made) == 2


def test_the_same_bytes_in_another_file_are_not_the_same_file(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    rows(tmp_path, view, READ, engines=engines)
    path = tmp_path / view.source.path
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    rows(tmp_path, view, READ, engines=engines)
    assert len(made) == 2


def test_a_file_that_vanished_or_shrank_is_told_though_an_engine_holds_it(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    rows(tmp_path, view, READ, engines=engines)
    path = tmp_path / view.source.path
    path.rename(path.with_name("aside"))
    with pytest.raises(SourceAway):
        delivered(tmp_path, view, READ, engines=engines)
    path.with_name("aside").rename(path)
    os.truncate(path, 5)
    with pytest.raises(SourceDiffers):
        delivered(tmp_path, view, READ, engines=engines)
    assert len(made) == 1


def test_a_source_written_to_while_a_used_engine_reads_it_breaks_the_stream(tmp_path: Path, engines: Engines) -> None:
    size = 300_000
    view = parquet(tmp_path, {"n": list(range(size)), "t": [f"text {n}" for n in range(size)]})

    async def go() -> None:
        for cut in (False, True):
            stream = delivery(tmp_path, view, READ, engines=engines)
            await stream.start()
            async for _ in stream.pieces(unchecked):
                if cut:
                    os.truncate(tmp_path / "data.parquet", 1000)

    with pytest.raises(SourceDiffers, match="written to"):
        asyncio.run(go())


def test_other_columns_another_order_or_another_file_get_another_engine(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    other = small(tmp_path, view.source.kind, "a", name="other")
    rows(tmp_path, view, READ, engines=engines)
    for read in (DataRequest("read", ("n",)), DataRequest("read", ("t",)), DataRequest("read", ("t", "n"))):
        rows(tmp_path, view, read, engines=engines)
    rows(tmp_path, other, READ, engines=engines)
    assert len(made) == 5


def test_the_same_file_beneath_another_providers_root_gets_another_engine(tmp_path: Path, made: list[Engine]) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    view = small(ours, "parquet", "a")
    (theirs / "data.parquet").hardlink_to(ours / "data.parquet")
    engines = Engines(Limits(tmp_path, 256))
    for root in (ours, theirs):
        rows(root, view, READ, engines=engines)
    assert len(made) == 2
    engines.close()


def test_engines_of_other_limits_are_never_shared(tmp_path: Path, view: View, made: list[Engine]) -> None:
    pools = [Engines(Limits(tmp_path, memory)) for memory in (128, 256)]
    for pool in pools:
        rows(tmp_path, view, READ, engines=pool)
    with made[0].session() as small_one, made[1].session() as large_one:
        told = [s.execute("SELECT current_setting('memory_limit')").fetchall() for s in (small_one, large_one)]
    assert len(made) == 2
    assert told[0] != told[1]
    for pool in pools:
        pool.close()


async def broken_off(stream: Delivery) -> None:
    async def check() -> None:
        raise PermissionError

    await stream.start()
    with pytest.raises(PermissionError):
        [piece async for piece in stream.pieces(check)]


async def left(stream: Delivery) -> None:
    await stream.start()
    pieces = stream.pieces(unchecked)
    await anext(pieces)
    await pieces.aclose()


async def given_up(stream: Delivery) -> None:
    await stream.start()
    await stream.aclose()


async def interrupted(stream: Delivery) -> None:
    begun = asyncio.create_task(stream.start())
    while stream._producer._session is None:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    await stream.aclose()
    await asyncio.gather(begun, return_exceptions=True)


@pytest.mark.parametrize("how", [broken_off, left, given_up, interrupted])
def test_an_engine_whose_delivery_did_not_reach_its_end_is_closed(
    tmp_path: Path, engines: Engines, made: list[Engine], how: Any
) -> None:
    view = parquet(tmp_path, {"n": pa.array(range(300_000)), "t": pa.array([f"t{n}" for n in range(300_000)])})
    owed = [{"kind": "pseudonymise", "column": "t"}]  # sorted: long enough to be interrupted
    asyncio.run(how(delivery(tmp_path, view, READ, owed, engines=engines)))
    assert [alive(engine) for engine in made] == [False]
    assert scratches(tmp_path) == []


def test_an_engine_whose_delivery_failed_is_closed(tmp_path: Path, engines: Engines, made: list[Engine]) -> None:
    view = parquet(tmp_path, {"n": pa.array(range(20_000)), "t": pa.array(["a"] * 20_000)})
    with pytest.raises(TooManyGroups):
        delivered(tmp_path, view, DataRequest("aggregate", group_by=("n",)), engines=engines)
    assert [alive(engine) for engine in made] == [False]


def test_deliveries_at_once_have_engines_of_their_own(tmp_path: Path, made: list[Engine]) -> None:
    view = small(tmp_path, "parquet", "a")
    engines = Engines(Limits(tmp_path, 64))

    async def eight() -> None:
        streams = [delivery(tmp_path, view, READ, engines=engines) for _ in range(8)]
        await asyncio.gather(*(stream.start() for stream in streams))
        for stream in streams:
            [piece async for piece in stream.pieces(unchecked)]

    asyncio.run(eight())
    assert len(made) == 8
    asyncio.run(eight())
    assert len(made) == 8
    engines.close()
    assert not any(alive(engine) for engine in made)


def test_no_more_than_so_many_are_idle_and_the_oldest_goes_first(
    tmp_path: Path, engines: Engines, made: list[Engine]
) -> None:
    for name in "abc":
        rows(tmp_path, small(tmp_path, "parquet", name, name=name), READ, engines=engines)
    assert [alive(engine) for engine in made] == [False, True, True]


def test_an_engine_that_was_idle_for_too_long_is_closed(
    tmp_path: Path, engines: Engines, made: list[Engine], clock: Clock
) -> None:
    rows(tmp_path, small(tmp_path, "csv", "a"), READ, engines=engines)
    clock.now = 59.9
    engines.expire()
    assert alive(made[0])
    clock.now = 60.0
    engines.expire()
    assert not alive(made[0])


def test_when_all_is_closed_no_file_no_thread_and_no_scratch_is_left(tmp_path: Path) -> None:
    views = [small(tmp_path, kind, "a") for kind in ("csv", "parquet")]
    rows(tmp_path, views[0], READ)  # whatever stays open from the first use of a library
    for thread in delivery_threads():
        thread.join(5)
    files = len(os.listdir("/proc/self/fd"))
    engines = Engines(Limits(tmp_path, 256))
    for view in views:
        rows(tmp_path, view, READ, engines=engines)
    assert len(scratches(tmp_path)) == 2
    assert len(os.listdir("/proc/self/fd")) > files
    assert len(delivery_threads()) == 1  # the second delivery had the first one's
    engines.close()
    assert len(os.listdir("/proc/self/fd")) == files
    assert (scratches(tmp_path), delivery_threads()) == ([], [])


def delivery_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("delivery")]


def test_a_closed_delivery_does_nothing_more_in_a_thread_that_may_be_anothers(tmp_path: Path, engines: Engines) -> None:
    async def go() -> None:
        stream = delivery(tmp_path, small(tmp_path, "csv", "a"), READ, engines=engines)
        await stream.start()
        await stream.aclose()
        for again in (stream.open(), stream.start(), anext(stream.pieces(unchecked))):
            with pytest.raises(RuntimeError, match="closed"):
                await again

    asyncio.run(go())


def test_an_engine_given_back_after_the_end_is_closed(tmp_path: Path, engines: Engines, made: list[Engine]) -> None:
    view = small(tmp_path, "parquet", "a")

    async def go() -> None:
        stream = delivery(tmp_path, view, READ, engines=engines)
        await stream.start()
        engines.close()
        assert len([piece async for piece in stream.pieces(unchecked)]) == 1

    asyncio.run(go())
    assert [alive(engine) for engine in made] == [False]


def test_what_one_contract_owes_does_not_reach_another_contracts_read(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    masked = [{"kind": "pseudonymise", "column": "t"}]
    contracts = [f"urn:uuid:019a0000-0000-7000-8000-00000000000{n}" for n in range(2)]
    alone = [rows(tmp_path, view, READ, masked, contract=contract) for contract in contracts]
    plain = rows(tmp_path, view, READ)
    made.clear()
    for _ in range(2):
        for contract, expected in zip(contracts, alone, strict=True):
            assert rows(tmp_path, view, READ, masked, contract=contract, engines=engines) == expected
            assert rows(tmp_path, view, READ, engines=engines) == plain
    assert len(made) == 1
    assert alone[0] != alone[1]


def test_a_delivery_leaves_nothing_in_its_engine(
    tmp_path: Path, view: View, engines: Engines, made: list[Engine]
) -> None:
    rows(tmp_path, view, READ, [{"kind": "pseudonymise", "column": "t"}], engines=engines)
    rows(tmp_path, view, DataRequest("aggregate", group_by=("n", "t")), engines=engines)
    with made[0].session() as session:
        left = {
            what: session.execute(f"FROM {what}()").fetchall()
            for what in ("duckdb_tables", "duckdb_temporary_files", "duckdb_prepared_statements", "duckdb_variables")
        }
        views = session.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        cached = session.execute("SELECT count(*) FROM duckdb_external_file_cache()").fetchall()
    assert not any(left.values()), left
    assert (views, cached) == ([("source",)], [(0,)])


def test_what_a_session_makes_is_gone_with_it(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    with engine.session() as session:
        session.execute("CREATE TEMP TABLE kept AS SELECT 1")
        session.execute("SET VARIABLE kept = 1")
    with engine.session() as session:
        assert session.execute("SELECT getvariable('kept')").fetchall() == [(None,)]
        with pytest.raises(duckdb.CatalogException):
            session.execute("FROM kept")
    engine.close()


def test_every_session_is_locked_and_draws_nothing(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    for _ in range(2):
        with engine.session() as session:
            names = ("enable_external_access", "enable_progress_bar", "enable_external_file_cache")
            told = [session.execute(f"SELECT current_setting('{name}')").fetchall() for name in names]
            assert told == [[(False,)]] * 3
            with pytest.raises(duckdb.Error):
                session.execute("SET threads = 64")
            with pytest.raises(duckdb.Error):
                session.execute("SELECT * FROM read_text('/proc/self/environ')")
    engine.close()


def test_an_engine_with_something_in_its_scratch_is_not_used_again(tmp_path: Path) -> None:
    engine = opened(tmp_path)
    (scratch,) = scratches(tmp_path)
    (tmp_path / scratch / "spilled").write_bytes(b"of a patient")
    engines = Engines(Limits(tmp_path, 64))
    engines.give_back(engine)
    assert not alive(engine)
    assert scratches(tmp_path) == []


def test_an_engine_that_cannot_be_made_leaves_the_source_to_who_opened_it(tmp_path: Path) -> None:
    small(tmp_path, "parquet", "a")
    with ExitStack() as held:
        source = held.enter_context(Sources(tmp_path).source("parquet", "data.parquet").open(NARROW))
        with pytest.raises(FileNotFoundError):
            Engines(Limits(tmp_path / "nowhere", 64)).take(source, held)
        source.verify()


def test_a_source_written_to_after_its_digest_was_taken_is_told(tmp_path: Path) -> None:
    small(tmp_path, "parquet", "a")
    source = Sources(tmp_path).source("parquet", "data.parquet")
    with source.open(NARROW) as before:
        os.utime(tmp_path / "data.parquet", ns=(1, 1))
        with pytest.raises(SourceChanged):
            before.verify()
        with source.open(NARROW) as after:
            assert after.identity != before.identity
            after.verify()


def opened(folder: Path) -> Engine:
    small(folder, "parquet", "a")
    held = ExitStack()
    source = held.enter_context(Sources(folder).source("parquet", "data.parquet").open(NARROW))
    return Engine(source, held, Limits(folder, 64))
