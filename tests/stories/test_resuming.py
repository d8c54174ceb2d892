"""A delivery that broke off is taken up where it broke off: no use, no row twice, the same bytes, or nothing at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from gateway.access import resuming
from gateway.sdk import Corridor
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, data_space, registration, token_of, wanted
from tests.stories.test_revocation import BIG_COLUMNS, BIG_ROWS, agree_big, end_of, publish_big, under_way, write_big

ROWS = BIG_ROWS


@pytest.fixture(scope="module")
def big(space: Space) -> str:
    write_big(space)
    return publish_big(space)


def whole(space: Space, contract: str, **members: Any) -> bytes:
    """The same answer, had in one piece by a use of its own."""
    return space.ask(contract, columns=BIG_COLUMNS, format="arrow", **members).content


def broken(space: Space, contract: str, least: int) -> tuple[str, bytes]:
    """A delivery whose reader hangs up after so many bytes: its entry, and what came."""
    came = b""
    with under_way(space, contract) as response:
        for piece in response.iter_raw():
            came += piece
            if len(came) >= least:
                break
        entry = response.headers["corridor-entry"]
    return entry, came


def proof(entry: str, came: bytes, **other: Any) -> dict[str, Any]:
    return {"entry": entry, "bytes": len(came), "sha256": hashlib.sha256(came).hexdigest(), **other}


def ask(
    space: Space, contract: str, resume: dict[str, Any], *, did: str = PHARMA, role: str = "researcher", **members: Any
) -> httpx2.Response:
    body = wanted(contract, **{"columns": BIG_COLUMNS, "format": "arrow", **members}) | {"resume": resume}
    headers = token_of(space.agent(did, role))
    deadline = time.monotonic() + 20
    while True:
        answer = space.http.post("/v1/access", json=body, headers=headers)
        if code(answer) != "delivery-running" or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def code(answer: httpx2.Response) -> str:
    return "" if answer.status_code == 200 else str(answer.json()["type"]).rpartition("/")[2]


def taken_up(space: Space, contract: str) -> str:
    """The newest grant that took another up."""
    granted = space.entries(type="access.decision", outcome="permit", contract=contract)
    return next(str(e["entry"]) for e in granted if "resumes" in e["facts"])


@pytest.mark.parametrize("least", [1, 3_000_000])
def test_the_rest_follows_what_came_and_takes_no_use(space: Space, big: str, least: int) -> None:
    contract = agree_big(space, big, uses=2, rows=2 * ROWS)
    expected = whole(space, contract)
    entry, came = broken(space, contract, least)
    assert 0 < len(came) < len(expected)
    first = end_of(space, entry)
    answer = ask(space, contract, proof(entry, came))
    assert answer.status_code == 200, answer.text
    assert came + answer.content == expected
    again = answer.headers["corridor-entry"]
    assert again != entry
    # Both uses were had by the two that asked anew; each row was counted once for each of them.
    assert space.left(contract) == {"uses": 0, "rows": 0}
    end = end_of(space, again)
    assert end["event"]["outcome"] == "success"
    assert first["result"]["rows"] + end["result"]["rows"] == ROWS
    assert end["result"]["bytes"] == len(answer.content)
    assert end["facts"]["begins"] == len(came)
    assert end["result"]["output_digest"] == "sha256:" + hashlib.sha256(expected).hexdigest()
    granted = next(e for e in space.entries(type="access.decision", contract=contract) if e["entry"] == again)
    assert granted["facts"]["resumes"] == entry
    # What was taken up is not to be had a second time.
    assert code(ask(space, contract, proof(entry, came))) == "nothing-to-resume"


def test_what_broke_off_twice_is_taken_up_twice(space: Space, big: str) -> None:
    contract = agree_big(space, big, uses=2, rows=2 * ROWS)
    expected = whole(space, contract)
    entry, came = broken(space, contract, 1_000_000)
    end_of(space, entry)
    body = wanted(contract, columns=BIG_COLUMNS, format="arrow") | {"resume": proof(entry, came)}
    headers = token_of(space.agent(PHARMA, "researcher"))
    with (
        httpx2.Client(base_url=space.url, timeout=30) as http,
        http.stream("POST", "/v1/access", json=body, headers=headers) as part,
    ):
        assert part.status_code == 200
        for piece in part.iter_raw():
            came += piece
            if len(came) > 6_000_000:
                break
        entry = part.headers["corridor-entry"]
    answer = ask(space, contract, proof(entry, came))
    assert came + answer.content == expected
    assert space.left(contract) == {"uses": 0, "rows": 0}


def test_all_of_it_came_and_only_its_end_did_not(space: Space, big: str) -> None:
    contract = agree_big(space, big, uses=1)
    answer = space.ask(contract, columns=BIG_COLUMNS, format="arrow")
    entry, came = answer.headers["corridor-entry"], answer.content
    for lost in (0, 1, 300_000, len(came)):
        rest = ask(space, contract, proof(entry, came[: len(came) - lost]))
        assert rest.status_code == 200, rest.text
        assert rest.content == came[len(came) - lost :]
        entry = rest.headers["corridor-entry"]
    assert space.left(contract)["uses"] == 0


def test_a_running_delivery_is_ended_by_who_wants_its_rest(space: Space, big: str) -> None:
    contract = agree_big(space, big)
    with under_way(space, contract) as response:
        entry, pieces = response.headers["corridor-entry"], response.iter_raw()
        came = next(pieces)
        body = wanted(contract, columns=BIG_COLUMNS, format="arrow") | {"resume": proof(entry, came)}
        first = space.http.post("/v1/access", json=body, headers=token_of(space.agent(PHARMA, "researcher")))
        assert (first.status_code, code(first)) == (409, "delivery-running")
        # It reads on, and is broken off all the same.
        with pytest.raises(httpx2.RemoteProtocolError):
            for _ in pieces:
                pass
    assert end_of(space, entry)["event"]["reason"].startswith("reader-stalled")
    assert ask(space, contract, proof(entry, came)).status_code == 200


def others(space: Space, big: str, entry: str, came: bytes, contract: str) -> Iterator[tuple[str, httpx2.Response]]:
    """Everything that is not the rest of this delivery, and the name of what it is refused as."""
    elsewhere = agree_big(space, big)
    abroad = agree_big(space, big, consumer=INSTITUTE)
    yield "delivery-differs", ask(space, contract, proof(entry, came), columns=BIG_COLUMNS[:2])
    yield "delivery-differs", ask(space, contract, proof(entry, came), limit=5)
    yield "delivery-differs", ask(space, contract, proof(entry, came), format="csv")
    yield "nothing-to-resume", ask(space, elsewhere, proof(entry, came))
    yield "nothing-to-resume", ask(space, abroad, proof(entry, came), did=INSTITUTE)
    yield "nothing-to-resume", ask(space, contract, proof("0" * 36, came))
    space.enrol(PHARMA, "researcher", name="colleague")
    yield "nothing-to-resume", ask(space, contract, proof(entry, came), role="colleague")
    yield "malformed", ask(space, contract, proof(entry, came, bytes=-1))
    yield "malformed", ask(space, contract, proof(entry, came, sha256="0"))
    yield "malformed", ask(space, contract, proof(entry, came, more=1))


def test_another_question_another_asker_and_other_bytes_get_nothing(space: Space, big: str) -> None:
    contract = agree_big(space, big, uses=1)
    entry, came = broken(space, contract, 100_000)
    end_of(space, entry)
    for expected, answer in others(space, big, entry, came, contract):
        assert code(answer) == expected, answer.text
    assert ask(space, contract, proof(entry, came)).status_code == 200
    # What is found only by making it again costs an attempt, and sends nothing.
    for wrong in ({"sha256": "0" * 64}, {"bytes": len(came) - 1}, {"bytes": 2**40}):
        refused = ask(space, contract, proof(taken_up(space, contract), came, **wrong))
        assert (refused.status_code, code(refused)) == (409, "delivery-differs")
        assert end_of(space, taken_up(space, contract))["result"]["bytes"] == 0
    assert space.left(contract)["uses"] == 0


def test_a_revoked_contract_gives_no_rest(space: Space, big: str) -> None:
    contract = agree_big(space, big)
    entry, came = broken(space, contract, 100_000)
    end_of(space, entry)
    space.agent(HOSPITAL, "provider").post(f"/v1/contracts/{contract}/revoke", {})
    assert ask(space, contract, proof(entry, came)).status_code == 403


def test_rows_that_others_took_meanwhile_are_not_there(space: Space, big: str) -> None:
    contract = agree_big(space, big, rows=ROWS)
    entry, came = broken(space, contract, 100_000)
    end_of(space, entry)
    assert space.ask(contract, columns=BIG_COLUMNS, limit=1000).status_code == 200
    refused = ask(space, contract, proof(entry, came))
    assert (code(refused), refused.json()["spent"]) == ("contract-exhausted", "rows")


def test_other_content_is_another_delivery(space: Space) -> None:
    path = space.source("renewed.parquet")

    def write(seed: int) -> None:
        numbers = np.random.default_rng(seed)
        table = pa.table({name: numbers.random(BIG_ROWS) for name in BIG_COLUMNS})
        pyarrow.parquet.write_table(table, path, compression="none")

    write(1)
    columns = [{"name": name, "type": "number", "role": "sensitive"} for name in BIG_COLUMNS]
    body = registration("parquet", columns=columns, person_column=None)
    dataset = space.publish(body | {"source": {"kind": "parquet", "path": path.name}})["id"]
    contract = agree_big(space, dataset, uses=1)
    entry, came = broken(space, contract, 100_000)
    end_of(space, entry)
    write(2)
    for claimed in (came, b""):
        refused = ask(space, contract, proof(entry, claimed))
        assert (refused.status_code, code(refused)) == (409, "delivery-differs")
        assert "other content" in refused.json()["detail"]


def test_so_often_and_no_more(space: Space, big: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "TIMES", 2)
    contract = agree_big(space, big, uses=1)
    answer = space.ask(contract, columns=BIG_COLUMNS, limit=10, format="arrow")
    for _ in range(2):
        answer = ask(space, contract, proof(answer.headers["corridor-entry"], b""), limit=10)
        assert answer.status_code == 200
    refused = ask(space, contract, proof(answer.headers["corridor-entry"], b""), limit=10)
    assert code(refused) == "nothing-to-resume"
    assert "2 times already" in refused.json()["detail"]


def test_so_long_and_no_longer(space: Space, big: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "WHOLE_S", 0)
    contract = agree_big(space, big, uses=1)
    answer = space.ask(contract, columns=BIG_COLUMNS, limit=10, format="arrow")
    end_of(space, answer.headers["corridor-entry"])
    assert code(ask(space, contract, proof(answer.headers["corridor-entry"], b""), limit=10)) == "nothing-to-resume"


@contextmanager
def gateway(space: Space) -> Iterator[subprocess.Popen[bytes]]:
    """The space's gateway as a process of its own, ready to answer; killed in the end."""
    command = [str(Path(sys.executable).with_name("corridor")), "serve", "--port", str(space.port)]
    environment = {
        **os.environ,
        "CORRIDOR_HOME": str(space.settings.home),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    process = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(httpx2.TransportError):
                if httpx2.get(f"{space.url}/readyz").status_code == 200:
                    break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_gateway_that_was_killed_gives_the_rest_when_it_is_back(tmp_path: Path) -> None:
    with data_space(tmp_path) as space:
        write_big(space)
        contract = agree_big(space, publish_big(space), uses=1, rows=BIG_ROWS)
        key_file = space.parties[PHARMA].files["researcher"]
    with Corridor(key_file, receipts=tmp_path / "receipts") as corridor:
        with gateway(space) as first:
            answer = corridor.read(contract, BIG_COLUMNS)
            batches = answer.batches()
            rows = next(batches).num_rows
            begun = answer.entry
            first.kill()
        with gateway(space):
            rows += sum(batch.num_rows for batch in batches)
            assert rows == BIG_ROWS
            assert answer.receipt.record["facts"]["resumes"] == begun
            # What was reserved may all have left; it is counted, once, and so is the use.
            assert corridor.contract(contract).left == {"uses": 0, "rows": 0}
