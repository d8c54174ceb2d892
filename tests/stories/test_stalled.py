"""Readers who stop reading cost themselves their answer, and nobody else a thing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from gateway import streams
from gateway.access import slots
from gateway.api import health
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Source
from gateway.audit.log import Log, Outcome, Record
from gateway.cli.demo import free_port, serving
from gateway.db import Database
from gateway.home import Home
from gateway.problems import Problem
from gateway.runtime import Runtime
from gateway.sdk.client import Client
from gateway.settings import Settings
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, registration, token_of, wanted

ENTRIES = 1500
ROWS = 200_000
COLUMNS = ["a", "b", "c", "d"]
READERS = 20


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """Room for two deliveries, and a log whose export is longer than what sockets hold."""
    folder = tmp_path_factory.mktemp("space")
    settings = Settings(home=folder / "gateway", deliveries=2)
    made = Space(folder, settings, free_port())
    lengthen(settings)
    with serving(settings, made.port):
        made.populate()
        yield made
        close(made)


def close(space: Space) -> None:
    space.http.close()
    for party in space.parties.values():
        for client in party.agents.values():
            client.close()


def lengthen(settings: Settings) -> None:
    home, db = Home.load(settings.home, passphrase=None), Database(settings.database)
    log = Log(db, signer=home.log, clock=time.time)
    log.start()
    deed = Deed(Actor("gateway", home.did), Source(home.origin, site=home.did), time.time())
    events = [deed.event("audit.read", facts={"found": n}) for n in range(ENTRIES)]
    log.record(lambda _tx: Outcome(tuple(Record(event, (home.operator,)) for event in events)))
    log.close()
    db.close()


@pytest.fixture(scope="module")
def dataset(space: Space) -> str:
    numbers = np.random.default_rng(7)
    table = pa.table({name: numbers.random(ROWS) for name in COLUMNS})
    pyarrow.parquet.write_table(table, space.source("long.parquet"), compression="none", row_group_size=50_000)
    columns = [{"name": name, "type": "number", "role": "sensitive"} for name in COLUMNS]
    body = registration("parquet", columns=columns, person_column=None)
    identity: str = space.publish(body | {"source": {"kind": "parquet", "path": "long.parquet"}})["id"]
    return identity


@pytest.fixture(scope="module")
def contracts(space: Space, dataset: str) -> dict[str, str]:
    return {
        did: space.agree(dataset, consumer=did, columns=COLUMNS, duties=[], rows=10 * ROWS)
        for did in (PHARMA, INSTITUTE)
    }


def unread(held: ExitStack, space: Space, client: Client, method: str, path: str, body: Any = None) -> bytes:
    """The head of an answer of which nothing more is read while `held` lasts. Little fits into its socket."""
    content = b"" if body is None else json.dumps(body).encode()
    reader = held.enter_context(socket.socket())
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    reader.settimeout(20)
    reader.connect(("127.0.0.1", space.port))
    headers = {"host": "gateway", "content-type": "application/json", "content-length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in (headers | token_of(client)).items()), "", ""]
    reader.sendall("\r\n".join(lines).encode() + content)
    head = b""
    while b"\r\n\r\n" not in head:
        head += reader.recv(256)
    return head


def status(head: bytes) -> int:
    return int(head.split()[1])


def unread_delivery(held: ExitStack, space: Space, contract: str, did: str) -> str:
    """The entry of a grant whose data nobody reads."""
    body = wanted(contract, columns=COLUMNS, format="arrow")
    head = unread(held, space, space.agent(did, "researcher"), "POST", "/v1/access", body)
    assert status(head) == 200, head
    fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n\r\n")[0].split("\r\n")[1:])
    return fields["corridor-entry"]


def end_of(space: Space, entry: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ends = [e for e in space.entries(limit=50) if e["prior"] == entry]
        if ends:
            assert len(ends) == 1
            return ends[0]
        time.sleep(0.1)
    raise AssertionError("the delivery's end was not recorded")


def small(space: Space, contract: str, did: str) -> httpx2.Response:
    return space.ask(contract, did=did, columns=COLUMNS, limit=1)


@contextmanager
def answers_at_once() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 2


def still_served(space: Space) -> None:
    with answers_at_once():
        assert space.call(space.agent(PHARMA, "researcher"), "GET", "/v1/me").status_code == 200
    with answers_at_once():  # this one reads from the database in any case
        assert space.log_size() > ENTRIES
    with answers_at_once():
        assert space.http.get("/readyz").json()["database"] == "ready"


def whole_export(space: Space) -> httpx2.Response:
    return space.call(space.operator, "GET", "/v1/audit/export")


def test_exports_that_nobody_reads_hold_no_database_connection(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_places", threading.BoundedSemaphore(READERS))
    with ExitStack() as held:
        for _ in range(READERS):
            assert status(unread(held, space, space.operator, "GET", "/v1/audit/export")) == 200
        assert whole_export(space).status_code == 503  # all of them are under way still
        still_served(space)


def test_a_fifth_export_is_told_to_come_back_and_is_not_said_to_have_been_made(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_places", threading.BoundedSemaphore(streams.EXPORTS))
    with ExitStack() as held:
        for _ in range(streams.EXPORTS):
            assert status(unread(held, space, space.operator, "GET", "/v1/audit/export")) == 200
        before = space.log_size()
        refused = whole_export(space)
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (503, "busy")
        assert space.log_size() == before
        still_served(space)


def test_an_export_that_nobody_reads_is_broken_off_and_its_place_comes_back(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(streams, "STALLED_S", 0.5)
    with ExitStack() as held:
        assert status(unread(held, space, space.operator, "GET", "/v1/audit/export")) == 200
        assert whole_export(space).status_code == 503
        time.sleep(1)
        answer = whole_export(space)  # while the first reader's socket is open still
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content.splitlines()[-1].startswith(b'{"seal"')


def test_an_export_leaves_no_file_and_no_place_behind(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_places", threading.BoundedSemaphore(1))
    scratch = space.settings.home / "scratch"
    assert scratch.stat().st_mode & 0o777 == 0o700
    before = set(scratch.iterdir())  # engines that are idle have theirs there
    for _ in range(2):
        assert whole_export(space).status_code == 200
        assert set(scratch.iterdir()) <= before
    scratch.rename(scratch.with_name("away"))
    try:
        assert whole_export(space).status_code == 503
    finally:
        scratch.with_name("away").rename(scratch)
    assert whole_export(space).status_code == 200


def test_what_fails_while_it_is_written_away_is_refused_whole(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"one\n"
        raise Problem("the second cannot be read")

    file = streams.Spool(tmp_path)
    with pytest.raises(Problem, match="second"):
        file.write(lines())
    file.close()
    file.close()  # again, and no place is given back twice


def test_a_reader_who_stalls_is_cut_off_and_recorded_and_others_get_its_place(
    space: Space, contracts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STALLED_S", 0.5)
    with ExitStack() as held:
        entry = unread_delivery(held, space, contracts[PHARMA], PHARMA)
        end = end_of(space, entry)
        assert (end["event"]["type"], end["event"]["outcome"]) == ("data.transfer.broken_off", "failure")
        assert end["event"]["reason"].startswith("reader-stalled")
        assert 0 < end["result"]["rows"] < ROWS
        # Its only place is free again, while its socket is open still.
        assert small(space, contracts[PHARMA], PHARMA).status_code == 200


def test_a_slow_reader_is_not_a_stalled_one(
    space: Space, contracts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STALLED_S", 1.0)
    body = wanted(contracts[PHARMA], columns=COLUMNS, format="arrow")
    headers = token_of(space.agent(PHARMA, "researcher"))
    begun, got = time.monotonic(), 0
    with space.http.stream("POST", "/v1/access", json=body, headers=headers) as response:
        for piece in response.iter_raw(128 * 1024):
            got += len(piece)
            time.sleep(0.04)
    assert got > ROWS * 8 * len(COLUMNS)
    assert time.monotonic() - begun > 1.5 * streams.STALLED_S
    assert end_of(space, response.headers["corridor-entry"])["event"]["type"] == "data.transfer.completed"


def test_one_participant_cannot_take_all_slots(
    space: Space, contracts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "WAIT_S", 0.2)
    with ExitStack() as held:
        entry = unread_delivery(held, space, contracts[PHARMA], PHARMA)
        for _ in range(3):
            refused = small(space, contracts[PHARMA], PHARMA)
            assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (503, "busy")
        # Those who waited in vain have taken nothing from the others.
        assert small(space, contracts[INSTITUTE], INSTITUTE).status_code == 200
        other = unread_delivery(held, space, contracts[INSTITUTE], INSTITUTE)
        assert space.ask(contracts[PHARMA], did=HOSPITAL).status_code == 503  # none is left, for anybody
    for ended in (entry, other):
        assert end_of(space, ended)["event"]["type"] == "data.transfer.broken_off"
    assert small(space, contracts[PHARMA], PHARMA).status_code == 200


def test_a_gateway_that_cannot_read_is_not_ready(tmp_path: Path) -> None:
    async def asked(settings: Settings) -> tuple[Any, Any]:
        gateway = Runtime(settings)
        await gateway.start()
        try:
            with ExitStack() as held:
                for _ in range(15):  # as many as the pool has
                    held.enter_context(gateway.db.reading_tx())
                taken = await health.readyz(gateway)
            return taken, await health.readyz(gateway)
        finally:
            await gateway.close()

    made = Space(tmp_path, Settings(home=tmp_path / "gateway"), free_port())
    close(made)
    taken, free = asyncio.run(asked(made.settings))
    assert (taken.status_code, free.status_code) == (503, 200)
    assert json.loads(taken.body) == {
        "status": "not ready",
        "log": "ready",
        "database": "no answer",
        "policy": "ready",
    }
