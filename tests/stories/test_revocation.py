"""What is taken away is gone with the answer: the next grant, and a stream under way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from gateway.sdk.refusals import Refused
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, registration, token_of, wanted

BIG_ROWS = 700_000
BIG_COLUMNS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def big(space: Space) -> str:
    """A dataset whose delivery is far longer than what sockets and queues hold: 22 MB of numbers."""
    write_big(space)
    return publish_big(space)


def write_big(space: Space) -> None:
    numbers = np.random.default_rng(7)
    table = pa.table({name: numbers.random(BIG_ROWS) for name in BIG_COLUMNS})
    pyarrow.parquet.write_table(table, space.source("big.parquet"), compression="none", row_group_size=100_000)


def publish_big(space: Space, **governance: Any) -> str:
    columns = [{"name": name, "type": "number", "role": "sensitive"} for name in BIG_COLUMNS]
    body = registration("parquet", columns=columns, person_column=None)
    body["governance"] |= governance
    identity: str = space.publish(body | {"source": {"kind": "parquet", "path": "big.parquet"}})["id"]
    return identity


def agree_big(space: Space, dataset: str, consumer: str = PHARMA, **members: Any) -> str:
    return space.agree(dataset, consumer=consumer, columns=BIG_COLUMNS, duties=[], **members)


@contextmanager
def under_way(space: Space, contract: str, did: str = PHARMA, role: str = "researcher") -> Iterator[httpx2.Response]:
    """A delivery that has begun, and whose reader has taken nothing but its head."""
    body = wanted(contract, columns=BIG_COLUMNS, format="arrow")
    headers = token_of(space.agent(did, role))
    with (
        httpx2.Client(base_url=space.url, timeout=30) as http,
        http.stream("POST", "/v1/access", json=body, headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        yield response


def rest(pieces: Iterator[bytes], got: int) -> tuple[int, bool]:
    """How many bytes arrived in all, and whether the answer was brought to its end."""
    try:
        for piece in pieces:
            got += len(piece)
    except httpx2.RemoteProtocolError:
        return got, False
    return got, True


def end_of(space: Space, entry: str, wait_s: float = 10) -> dict[str, Any]:
    """The entry that ends a grant; there is exactly one."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        ends = [e for e in space.entries(limit=200) if e["prior"] == entry]
        if ends:
            assert len(ends) == 1
            return ends[0]
        time.sleep(0.05)
    raise AssertionError("the delivery's end was not recorded")


def revoke_contract(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    space.agent(HOSPITAL, "provider").post(f"/v1/contracts/{contract}/revoke", {})
    return lambda: None


def revoke_as_consumer(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    space.agent(did, "admin").post(f"/v1/contracts/{contract}/revoke", {})
    return lambda: None


def revoke_as_operator(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    space.operator.post(f"/v1/contracts/{contract}/revoke", {})
    return lambda: None


def suspend_contract(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    provider = space.agent(HOSPITAL, "provider")
    provider.post(f"/v1/contracts/{contract}/suspend", {})
    return lambda: provider.post(f"/v1/contracts/{contract}/reinstate", {})


def lose_key(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    name = space.parties[did].key_name
    space.agent(did, "admin").post(f"/v1/participants/{did}/keys/{name}/compromise", {})
    return lambda: space.new_key(did)


def suspend_consumer(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    space.operator.post(f"/v1/participants/{did}/suspend", {})
    return lambda: space.operator.post(f"/v1/participants/{did}/reinstate", {})


def suspend_provider(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    space.operator.post(f"/v1/participants/{HOSPITAL}/suspend", {})
    return lambda: space.operator.post(f"/v1/participants/{HOSPITAL}/reinstate", {})


def suspend_agent(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    agent, admin = space.agent(did, "researcher").agent.agent, space.agent(did, "admin")
    admin.post(f"/v1/agents/{agent}/suspend", {})
    return lambda: admin.post(f"/v1/agents/{agent}/reinstate", {})


def withdraw_dataset(space: Space, contract: str, dataset: str, did: str) -> Callable[[], object]:
    space.agent(HOSPITAL, "provider").post(f"/v1/datasets/{dataset}/withdraw", {})
    return lambda: None


TAKEN_AWAY = {
    "the provider revokes the contract": (revoke_contract, 403),
    "the consumer revokes the contract": (revoke_as_consumer, 403),
    "the operator revokes the contract": (revoke_as_operator, 403),
    "the consumer is suspended": (suspend_consumer, 401),
    "the provider is suspended": (suspend_provider, 403),
    "the agent is suspended": (suspend_agent, 401),
    "the contract is suspended": (suspend_contract, 403),
    "the consumer's key is compromised": (lose_key, 403),
    "the dataset is withdrawn": (withdraw_dataset, 403),
}


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_the_next_grant_is_refused(space: Space, what: str) -> None:
    take_away, status = TAKEN_AWAY[what]
    dataset = space.publish(registration())["id"]
    contract = space.agree(dataset, consumer=INSTITUTE)
    assert space.ask(contract, did=INSTITUTE).status_code == 200
    give_back = take_away(space, contract, dataset, INSTITUTE)
    try:
        response = space.ask(contract, did=INSTITUTE)
        assert response.status_code == status, response.text
        # Not only for one who was refused before: again, and the same.
        assert space.ask(contract, did=INSTITUTE).status_code == status
        assert len(space.entries(contract=contract, type="access.decision", outcome="permit")) == 1
    finally:
        give_back()


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_a_stream_under_way_breaks_off_and_says_so_in_the_log(space: Space, big: str, what: str) -> None:
    take_away, _status = TAKEN_AWAY[what]
    dataset = big if take_away is not withdraw_dataset else publish_big(space)
    contract = agree_big(space, dataset, consumer=INSTITUTE)
    got = 0
    with under_way(space, contract, INSTITUTE) as response:
        pieces = response.iter_raw()
        got += len(next(pieces))
        give_back = take_away(space, contract, dataset, INSTITUTE)
        try:
            got, whole = rest(pieces, got)
        finally:
            give_back()
        end = end_of(space, response.headers["corridor-entry"])
    assert not whole
    size = BIG_ROWS * 8 * len(BIG_COLUMNS)
    assert 0 < got < size
    assert (end["event"]["type"], end["event"]["outcome"]) == ("data.transfer.broken_off", "failure")
    assert got <= end["result"]["bytes"] < size
    assert end["event"]["reason"].startswith("delivery-stopped")


def test_another_contracts_revocation_stops_nobody_else(space: Space, big: str) -> None:
    contract, other = agree_big(space, big), agree_big(space, big)
    with under_way(space, contract) as response:
        pieces = response.iter_raw()
        next(pieces)
        space.agent(HOSPITAL, "provider").post(f"/v1/contracts/{other}/revoke", {})
        for _ in pieces:
            pass
        end = end_of(space, response.headers["corridor-entry"])
    assert end["event"]["type"] == "data.transfer.completed"


def test_a_caller_who_hangs_up_is_recorded_and_gets_back_the_rows_it_did_not_take(space: Space, big: str) -> None:
    contract = agree_big(space, big, rows=2 * BIG_ROWS, uses=5)
    with under_way(space, contract) as response:
        pieces = response.iter_raw()
        next(pieces)
        entry = response.headers["corridor-entry"]
        assert space.left(contract)["rows"] == 0  # reserved: it asked for as many as there may be
    end = end_of(space, entry)
    assert end["event"]["type"] == "data.transfer.broken_off"
    assert 0 < end["result"]["rows"] < BIG_ROWS
    assert space.left(contract) == {"uses": 4, "rows": 2 * BIG_ROWS - end["result"]["rows"]}


def test_a_caller_who_hangs_up_before_reading_anything_is_recorded(space: Space, big: str) -> None:
    contract = agree_big(space, big)
    with under_way(space, contract) as response:
        entry = response.headers["corridor-entry"]
    assert end_of(space, entry)["event"]["type"] == "data.transfer.broken_off"


def test_slots_of_broken_deliveries_are_free_again(space: Space, big: str) -> None:
    contract = agree_big(space, big)
    for _ in range(space.settings.deliveries + 2):
        with under_way(space, contract) as response:
            entry = response.headers["corridor-entry"]
        end_of(space, entry)
    assert space.ask(contract, columns=BIG_COLUMNS, limit=1).status_code == 200


@pytest.mark.parametrize("party", [INSTITUTE, HOSPITAL])
def test_a_fact_that_changes_bites_at_once_also_on_a_stream(space: Space, big: str, party: str) -> None:
    contract = agree_big(space, big, consumer=INSTITUTE)
    before = space.operator.get(f"/v1/participants/{party}")["facts"]
    try:
        establish(space, party, before | {"mlps_level": 5 if before["mlps_level"] != 5 else 4})
        assert space.ask(contract, did=INSTITUTE, columns=BIG_COLUMNS, limit=5).status_code == 200
        with under_way(space, contract, INSTITUTE) as response:
            pieces = response.iter_raw()
            got = len(next(pieces))
            establish(space, party, before | {"blocked": True})
            got, whole = rest(pieces, got)
            entry = response.headers["corridor-entry"]
        assert not whole
        assert end_of(space, entry)["event"]["reason"].startswith("delivery-stopped")
        refused = space.ask(contract, did=INSTITUTE, columns=BIG_COLUMNS, limit=5)
        assert {reason["code"] for reason in refused.json()["reasons"]} == {"GEN-08"}
    finally:
        establish(space, party, before)
    assert space.ask(contract, did=INSTITUTE, columns=BIG_COLUMNS, limit=5).status_code == 200
    told = space.entries(type="participant.verified")[0]
    assert told["facts"] == {"changed": "blocked"}
    assert told["objects"][0]["id"] == party
    size = space.log_size()
    establish(space, party, before)
    assert space.log_size() == size  # nothing changed, and nothing is told


def establish(space: Space, did: str, facts: dict[str, Any]) -> None:
    assert space.operator.put(f"/v1/participants/{did}/facts", facts)["facts"] == facts


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "operator"}, "stays what it is"),
        ({"kind": "nobody"}, "kind"),
        ({"mlps_level": 9}, "mlps_level"),
        ({"persons_held": -1}, "persons_held"),
        ({"security_officer": "yes"}, "security_officer"),
        ({"country": "China"}, "country"),
        ({"nice": True}, "nice"),
    ],
)
def test_facts_that_are_none_are_refused(space: Space, changes: dict[str, Any], why: str) -> None:
    one = f"/v1/participants/{INSTITUTE}"
    before = space.operator.get(one)["facts"]
    with pytest.raises(Refused, match=why):
        space.operator.put(f"{one}/facts", before | changes)
    assert space.operator.get(one)["facts"] == before
    with pytest.raises(Refused, match="stays what it is"):
        space.operator.put(f"/v1/participants/{quote(space.parties['operator'].did, safe='')}/facts", before)


def test_a_reinstated_consumer_may_ask_again_and_a_revoked_contract_stays_revoked(space: Space) -> None:
    contract = space.agree(space.datasets["csv"], consumer=INSTITUTE)
    gone = space.agree(space.datasets["csv"], consumer=INSTITUTE)
    revoke_contract(space, gone, "", INSTITUTE)
    suspend_consumer(space, contract, "", INSTITUTE)()
    assert space.ask(contract, did=INSTITUTE).status_code == 200
    assert space.ask(gone, did=INSTITUTE).status_code == 403
    assert space.call(space.operator, "POST", f"/v1/contracts/{gone}/revoke").status_code == 409


def test_no_grant_is_left_without_its_end(space: Space) -> None:
    """Over everything that happened above: each permit has exactly one end."""
    entries, before = [], None
    while True:
        page = space.operator.get("/v1/audit/entries", limit=500, before=before)
        entries += [entry["record"] for entry in page["entries"]]
        before = page["next_before"]
        if before is None:
            break
    permits = {e["id"] for e in entries if (e["event"]["type"], e["event"]["outcome"]) == ("access.decision", "permit")}
    ends = Counter(e["prior"] for e in entries if e["event"]["type"].startswith("data.transfer."))
    assert permits
    assert ends == dict.fromkeys(permits, 1)
