"""Kill whole gateways while they deliver data, and judge the log and the state beside it after each restart."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet
import uvicorn

from gateway.app import create_app
from gateway.audit.log import PATIENCE_S
from gateway.audit.note import parse_vkey
from gateway.audit.receipt import verify_receipt
from gateway.db import Database
from gateway.settings import Settings
from tests.audit.harness.disk import ENOSPC, WRITE, Control, Place, mother
from tests.audit.harness.kills import STARTS_IN_S, Figures, kill, victims
from tests.audit.harness.logs import judge
from tests.space import PHARMA, Space, data_space, registration, token_of, visits, wanted

CALLERS = 4
LARGE_ROWS = 400_000
ENDS = {"data.transfer.completed", "data.transfer.broken_off"}


def serve(settings: Settings, port: int) -> None:
    """The victim: a gateway, until it is killed."""
    uvicorn.run(create_app(settings), host="127.0.0.1", port=port, access_log=False, log_level="critical")


class Load:
    """Callers of one gateway: short reads by some, and one that takes its time over a large one."""

    def __init__(self, space: Space, small: str, large: str) -> None:
        self.told: list[str] = []
        self._stop = threading.Event()
        self._space = space
        headers = token_of(space.agent(PHARMA, "researcher"))
        slow = wanted(large, columns=["subject_id", "sex", "ward", "score"], format="arrow")
        asked = [(wanted(small), 0.0)] * CALLERS + [(slow, 0.2)]
        self._threads = [threading.Thread(target=self._call, args=(body, pause, headers)) for body, pause in asked]
        for thread in self._threads:
            thread.start()

    def _call(self, body: dict[str, Any], pause: float, headers: dict[str, str]) -> None:
        with httpx2.Client(base_url=self._space.url, timeout=10, headers=headers) as http:
            while not self._stop.is_set():
                # The gateway is killed under it: whatever was not answered is nobody's promise.
                with suppress(httpx2.TransportError), http.stream("POST", "/v1/access", json=body) as response:
                    assert response.status_code == 200, response.read()
                    self.told.append(response.headers["corridor-entry"])
                    for _ in response.iter_raw(64 * 1024):
                        if self._stop.wait(pause):
                            break

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(STARTS_IN_S)


def kill_gateways(folder: Path, rounds: int, *, seed: int, **settings: Any) -> Figures:
    """Kill a gateway under load `rounds` times; the figures. Raises AssertionError when a promise does not hold."""
    figures, random_numbers, context = Figures(), random.Random(seed), victims()
    with data_space(folder, **settings) as space:
        pyarrow.parquet.write_table(visits(LARGE_ROWS), space.source("large.parquet"))
        large = registration("parquet") | {"source": {"kind": "parquet", "path": "large.parquet"}}
        contracts = [space.agree(space.datasets["csv"]), space.agree(space.publish(large)["id"])]
        token_of(space.agent(PHARMA, "researcher"))
        token_of(space.operator)
    told: list[str] = []
    for _ in range(rounds):
        victim = context.Process(target=serve, args=(space.settings, space.port), daemon=True)
        victim.start()
        _wait_until_ready(space, victim)
        _receipts_hold(space, random_numbers.sample(told, min(20, len(told))))
        load = Load(space, *contracts)
        while len(load.told) < CALLERS:
            time.sleep(0.005)
        time.sleep(random_numbers.uniform(0, 0.8))
        kill(victim)
        load.stop()
        told += load.told
        figures.open_deliveries += _open(space)
        figures.rounds += 1
    # One more start closes what the last kill left open.
    victim = context.Process(target=serve, args=(space.settings, space.port), daemon=True)
    victim.start()
    _wait_until_ready(space, victim)
    _receipts_hold(space, told)
    kill(victim)
    figures.acknowledged = len(told)
    _judge(space, told, contracts, figures)
    return figures


def _wait_until_ready(space: Space, victim: BaseProcess) -> None:
    deadline = time.monotonic() + STARTS_IN_S
    while time.monotonic() < deadline:
        assert victim.is_alive(), "the gateway did not start again"
        if _answers(space):
            return
        time.sleep(0.02)
    raise AssertionError("the gateway did not become ready")


def _receipts_hold(space: Space, entries: list[str]) -> None:
    key, headers = parse_vkey(space.vkey), token_of(space.agent(PHARMA, "researcher"))
    with httpx2.Client(base_url=space.url, timeout=10, headers=headers) as http:
        for entry in entries:
            answer = http.get(f"/v1/receipts/{entry}")
            assert answer.status_code == 200, answer.text
            assert verify_receipt(answer.content, key).record["id"] == entry


def _open(space: Space) -> int:
    db = Database(space.settings.database)
    with db.reading_tx() as tx:
        (count,) = tx.execute("SELECT count(*) FROM delivery").fetchone()
    db.close()
    return int(count)


def _judge(space: Space, told: list[str], contracts: list[str], figures: Figures) -> None:
    assert _open(space) == 0
    db = Database(space.settings.database)
    records = judge(db, parse_vkey(space.vkey))
    with db.reading_tx() as tx:
        uses = dict(tx.execute("SELECT contract, uses FROM contract_usage").fetchall())
    db.close()
    figures.committed = len(records)
    figures.lost = len(set(told) - {record["id"] for record in records})
    granted = [r for r in records if r["event"]["type"] == "access.decision" and r["event"]["outcome"] == "permit"]
    ends = [record for record in records if record["event"]["type"] in ENDS]
    # Every grant has exactly one end, and no end is of anything else.
    assert Counter(end["prior"] for end in ends) == Counter(grant["id"] for grant in granted)
    unknown = [end for end in ends if end["facts"].get("end") == "unknown"]
    assert len(unknown) == figures.open_deliveries
    given_back = {
        end["prior"]
        for end in ends
        if end["event"]["type"] == "data.transfer.broken_off" and end not in unknown and not end["result"]["bytes"]
    }
    taken = Counter(grant["contract"]["id"] for grant in granted if grant["id"] not in given_back)
    assert {contract: uses[contract] for contract in contracts} == {c: taken[c] for c in contracts}


def serve_from(place: Place, home: str, port: int) -> None:
    """The same on a disk that can fail."""
    serve(Settings(home=Path(home)), port)


def fill_the_disk(shim: Path, folder: Path) -> None:
    """Fill the disk under a gateway's database while it is asked for data, and empty it again."""
    place = Place(folder / "full")
    with data_space(place.home) as space:
        contract = space.agree(space.datasets["csv"])
        headers = token_of(space.agent(PHARMA, "researcher"))
    with (
        mother(shim, __name__) as start,
        closing(Control(place.control)) as control,
        start(place, serve_from, str(space.settings.home), space.port) as gateway,
        httpx2.Client(base_url=space.url, timeout=30, headers=headers) as http,
    ):
        deadline = time.monotonic() + STARTS_IN_S
        while not _answers(space):
            assert gateway.lives, "the gateway did not start"
            assert time.monotonic() < deadline, "the gateway did not become ready"
            time.sleep(0.05)
        before = http.post("/v1/access", json=wanted(contract))
        assert before.status_code == 200, before.text
        control.fail(WRITE, ENOSPC)
        for _ in range(3):
            refused = http.post("/v1/access", json=wanted(contract))
            assert refused.status_code == 503, refused.text
            assert refused.json()["type"].endswith("/log-unavailable"), refused.text
            assert refused.elapsed.total_seconds() < PATIENCE_S, "a full disk is no reason to wait"
            assert "corridor-entry" not in refused.headers
        assert http.get("/healthz").status_code == 200
        assert http.get("/readyz").status_code == 503
        assert control.failed
        control.heal()
        after = http.post("/v1/access", json=wanted(contract))
        assert (after.status_code, after.text) == (200, before.text)
        _receipts_hold(space, [answer.headers["corridor-entry"] for answer in (before, after)])
    db = Database(space.settings.database)
    records = judge(db, parse_vkey(space.vkey))
    db.close()
    granted = [r["id"] for r in records if r["event"]["type"] == "access.decision"]
    assert granted == [answer.headers["corridor-entry"] for answer in (before, after)]
    assert Counter(record["event"]["type"] for record in records)["audit.gap"] == 1


def _answers(space: Space) -> bool:
    with suppress(httpx2.TransportError):
        return httpx2.get(f"{space.url}/readyz").status_code == 200
    return False
