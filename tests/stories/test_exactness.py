"""Quotas are exact however many ask at once, and what was not used comes back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.space import INSTITUTE, PHARMA, ROWS, Space, token_of, wanted

CLIENTS = 64


def at_once(count: int, ask: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    """`ask` from so many threads, each let go at the same moment."""
    gate = threading.Barrier(count)

    def one(number: int) -> httpx2.Response:
        gate.wait(timeout=30)
        return ask(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def codes(responses: list[httpx2.Response]) -> Counter[str]:
    return Counter("granted" if r.status_code == 200 else r.json()["type"].rpartition("/")[2] for r in responses)


def settled(space: Space, contract: str) -> Counter[str]:
    """What the log says of a contract: how many entries of each type and outcome."""
    return Counter(f"{e['event']['type']} {e['event']['outcome']}" for e in space.entries(contract=contract))


def test_of_64_clients_racing_for_10_uses_exactly_10_succeed_and_54_are_recorded_as_exhausted(space: Space) -> None:
    contract = space.agree(space.datasets["csv"], uses=10)
    headers = token_of(space.agent(PHARMA, "researcher"))
    body = wanted(contract, limit=20)
    responses = at_once(CLIENTS, lambda _n: space.http.post("/v1/access", json=body, headers=headers))
    assert codes(responses) == {"granted": 10, "contract-exhausted": 54}
    assert space.left(contract)["uses"] == 0
    recorded = settled(space, contract)
    assert recorded["access.decision permit"] == 10
    assert recorded["access.exhausted deny"] == 54
    assert recorded["data.transfer.completed success"] == 10
    refused = [r.json() for r in responses if r.status_code != 200]
    assert all(r["spent"] == "uses" for r in refused)
    entries = {e["entry"] for e in space.entries(type="access.exhausted", contract=contract)}
    assert {r["entry"] for r in refused} == entries


def test_a_rows_quota_shared_by_concurrent_reads_is_never_exceeded(space: Space) -> None:
    contract = space.agree(space.datasets["parquet"], rows=1000)
    headers = token_of(space.agent(PHARMA, "researcher"))
    body = wanted(contract, limit=90)
    responses = at_once(32, lambda _n: space.http.post("/v1/access", json=body, headers=headers))
    granted = [r for r in responses if r.status_code == 200]
    rows = sum(len(r.text.splitlines()) - 1 for r in granted)
    assert codes(responses).keys() == {"granted", "contract-exhausted"}
    assert rows == 1000
    assert space.left(contract)["rows"] == 0


def test_a_read_that_needs_fewer_rows_than_it_reserved_gives_the_rest_back(space: Space) -> None:
    contract = space.agree(space.datasets["csv"], rows=1000)
    assert len(space.read(contract)) == ROWS
    assert space.left(contract)["rows"] == 1000 - ROWS
    # Reserved while it ran: two reads of all that is left never overlap into more than there is.
    assert len(space.read(contract)) == ROWS
    assert len(space.read(contract)) == ROWS
    assert len(space.read(contract)) == 1000 - 3 * ROWS
    assert space.ask(contract).json()["spent"] == "rows"


def test_an_aggregate_takes_a_use_and_no_rows(space: Space) -> None:
    contract = space.agree(space.datasets["csv"], rows=1000, uses=3)
    space.read(contract, action="aggregate", mode="M3", columns=None, group_by=["sex"])
    assert space.left(contract) == {"uses": 2, "rows": 1000}


def test_persons_are_the_same_few_whatever_is_asked(space: Space) -> None:
    contract = space.agree(space.datasets["csv"], persons=10)
    shown = set()
    for filter in (None, {"column": "sex", "op": "eq", "value": "male"}, {"column": "score", "op": "gt", "value": 1.5}):
        columns = ["subject_id", "sex", "score"]
        shown |= {row["subject_id"] for row in space.read(contract, columns=columns, filter=filter)}
    assert 1 <= len(shown) <= 10


REFUSED: dict[str, tuple[str, dict[str, Any], int]] = {
    "a purpose that is not granted": (PHARMA, {"purpose": {"id": "P09"}}, 403),
    "an action that is not granted": (PHARMA, {"action": "train"}, 422),
    "a mode that is not granted": (PHARMA, {"mode": "M4"}, 403),
    "a column that is not in the contract": (PHARMA, {"columns": ["note"]}, 403),
    "a column that is nowhere": (PHARMA, {"columns": ["nothing"]}, 403),
    "a filter on a column that is not released": (
        PHARMA,
        {"filter": {"column": "ward", "op": "eq", "value": "ward A"}},
        403,
    ),
    "a filter that is none": (PHARMA, {"filter": {"column": "sex", "op": "like", "value": "m%"}}, 422),
    "a filter of another type": (PHARMA, {"filter": {"column": "sex", "op": "eq", "value": 1}}, 422),
    "a column twice": (PHARMA, {"columns": ["sex", "sex"]}, 422),
    "no column": (PHARMA, {"columns": []}, 403),
    "a purpose that asks back": (PHARMA, {"purpose": {"id": "P13"}}, 422),
    "a stranger": (INSTITUTE, {}, 404),
}


@pytest.fixture(scope="module")
def narrow(space: Space) -> str:
    return space.agree(
        space.datasets["csv"],
        uses=5,
        rows=500,
        actions=["read"],
        delivery_modes=["M5"],
        columns=["sex", "score", "age"],
    )


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_a_refused_request_takes_nothing(space: Space, narrow: str, what: str) -> None:
    did, members, status = REFUSED[what]
    response = space.ask(narrow, did=did, **members)
    assert response.status_code == status, response.text
    assert space.left(narrow) == {"uses": 5, "rows": 500}
