"""Persons whose data leaves the country: counted as grants commit, exactly, against the year's thresholds."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from gateway.sdk.refusals import Refused
from tests.space import HOSPITAL, PHARMA, Space, data_space, registration
from tests.stories.test_reviews import cast
from tests.stories.test_revocation import BIG_ROWS, agree_big, end_of, publish_big, rest, under_way, write_big

AUTHORITY = "did:web:authority.example"
CLINIC = "did:web:clinic.example"
BRANCH = "did:web:branch.example"
"""A company in Beijing whose recipient is abroad."""


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    with data_space(tmp_path) as made:
        made.admit(BRANCH, "pharma", overseas_entity=True)
        made.admit(AUTHORITY, "regulator", for_profit=False, public_body=True)
        made.operator.post("/v1/issuers", {"participant": AUTHORITY, "kinds": ["export"]})
        yield made


def publish(space: Space, persons: int) -> str:
    body = registration()
    body["governance"]["persons"] = persons
    identity: str = space.publish(body)["id"]
    return identity


def allow(space: Space, mechanism: str, *datasets: str, lasts_s: int = 3600) -> str:
    end = int(time.time()) + lasts_s
    scope = {"datasets": list(datasets), "recipients": [BRANCH]}
    return space.approve(AUTHORITY, "export", did=BRANCH, mechanism=mechanism, exp=end, **scope)


def exported(space: Space) -> tuple[int, int]:
    found = space.agent(HOSPITAL, "officer").get("/v1/exports")
    return found["sensitive"], found["other"]


def codes(response: httpx2.Response) -> set[str]:
    assert response.status_code in (200, 403), response.text
    return set() if response.status_code == 200 else {reason["code"] for reason in response.json()["reasons"]}


def test_the_year_is_counted_to_the_threshold_and_not_beyond(space: Space) -> None:
    many, few, last = publish(space, 9_000), publish(space, 999), publish(space, 1)
    contracts = {dataset: space.agree(dataset, consumer=BRANCH) for dataset in (many, few, last)}
    assert codes(space.ask(contracts[many], did=BRANCH)) == {"XB-05"}
    assert exported(space) == (0, 0)
    allow(space, "scc", many, few, last)
    for _ in range(3):
        assert codes(space.ask(contracts[many], did=BRANCH)) == set()
    # The same persons again are the same persons, also under another contract.
    assert codes(space.ask(space.agree(many, consumer=BRANCH), did=BRANCH)) == set()
    assert exported(space) == (9_000, 0)
    # Within the country nothing is counted.
    assert codes(space.ask(space.agree(few), did=PHARMA)) == set()
    assert codes(space.ask(contracts[few], did=BRANCH)) == set()
    assert exported(space) == (9_999, 0)
    told = space.ask(contracts[last], did=BRANCH)
    assert codes(told) == {"XB-04"}
    assert "9999" not in told.text
    assert exported(space) == (9_999, 0)
    # What was counted before is counted no second time, so it is not refused either.
    assert codes(space.ask(contracts[few], did=BRANCH)) == set()
    allow(space, "assessment", last)
    assert codes(space.ask(contracts[last], did=BRANCH)) == set()
    assert exported(space) == (10_000, 0)


def test_a_contract_counts_the_persons_it_shows(space: Space) -> None:
    dataset = publish(space, 9_000)
    allow(space, "scc", dataset)
    assert codes(space.ask(space.agree(dataset, consumer=BRANCH, persons=20), did=BRANCH)) == set()
    assert exported(space) == (20, 0)
    assert codes(space.ask(space.agree(dataset, consumer=BRANCH, persons=30), did=BRANCH)) == set()
    assert exported(space) == (50, 0)
    assert codes(space.ask(space.agree(dataset, consumer=BRANCH), did=BRANCH)) == set()
    assert exported(space) == (9_000, 0)


def test_many_at_once_are_counted_one_after_the_other(space: Space) -> None:
    datasets = [publish(space, 2_600) for _ in range(6)]
    contracts = [space.agree(dataset, consumer=BRANCH) for dataset in datasets]
    allow(space, "scc", *datasets)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda contract: space.ask(contract, did=BRANCH), contracts))
    # Who lost its place to others too often was told to come again.
    while busy := [n for n, answer in enumerate(answers) if answer.status_code == 503]:
        answers[busy[0]] = space.ask(contracts[busy[0]], did=BRANCH)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 403, 403, 403]
    assert {code for answer in answers for code in codes(answer)} == {"XB-04"}
    assert exported(space) == (7_800, 0)


def test_an_approval_is_of_the_provider_whose_data_it_is_and_of_nobody_beside(space: Space) -> None:
    space.admit(CLINIC, "hospital", for_profit=False)
    dataset = publish(space, 10)
    contract = space.agree(dataset, consumer=BRANCH)
    allow(space, "scc", dataset)
    assert codes(space.ask(contract, did=BRANCH)) == set()
    assert space.agent(CLINIC, "officer").get("/v1/exports")["sensitive"] == 0
    for did, role in ((HOSPITAL, "researcher"), (BRANCH, "researcher")):
        with pytest.raises(Refused) as told:
            space.agent(did, role).get("/v1/exports")
        assert told.value.code == "role-needed"


@pytest.fixture
def stream(space: Space) -> tuple[str, str]:
    """A dataset far longer than what sockets hold, and a contract on it."""
    write_big(space)
    dataset = publish_big(space, persons=BIG_ROWS)
    return dataset, agree_big(space, dataset, consumer=BRANCH)


@pytest.mark.parametrize("how", ["withdrawn", "over"])
def test_a_stream_stops_with_the_approval_it_stood_on(space: Space, stream: tuple[str, str], how: str) -> None:
    dataset, contract = stream
    approval = allow(space, "assessment", dataset, lasts_s=3600 if how == "withdrawn" else 4)
    with under_way(space, contract, BRANCH) as response:
        entry, pieces = response.headers["corridor-entry"], response.iter_raw()
        got = len(next(pieces))
        if how == "withdrawn":
            space.operator.post(f"/v1/approvals/{approval}/withdraw", {})
        else:
            time.sleep(4.5)
        _, whole = rest(pieces, got)
    assert not whole
    ended = end_of(space, entry)
    assert ended["event"]["type"] == "data.transfer.broken_off"
    assert "delivery-stopped" in json.dumps(ended)
    assert codes(space.ask(contract, did=BRANCH, columns=["a"])) == {"XB-04"}


def test_a_stream_goes_on_when_another_approval_covers_it(space: Space, stream: tuple[str, str]) -> None:
    dataset, contract = stream
    first, _ = allow(space, "assessment", dataset), allow(space, "assessment", dataset)
    with under_way(space, contract, BRANCH) as response:
        entry, pieces = response.headers["corridor-entry"], response.iter_raw()
        got = len(next(pieces))
        space.operator.post(f"/v1/approvals/{first}/withdraw", {})
        _, whole = rest(pieces, got)
    assert whole
    assert end_of(space, entry)["event"]["type"] == "data.transfer.completed"


def test_no_more_persons_leave_than_are_counted(space: Space) -> None:
    """The source holds 150 persons, whatever the dataset declares."""
    dataset = publish(space, 7)
    allow(space, "scc", dataset)
    response = space.ask(space.agree(dataset, consumer=BRANCH), did=BRANCH, columns=["subject_id", "sex"])
    assert response.status_code == 200, response.text
    persons = {row["subject_id"] for row in csv.DictReader(io.StringIO(response.text))}
    assert 0 < len(persons) <= 7
    assert exported(space) == (7, 0)
    # Within the country the declaration bounds nothing.
    at_home = space.read(space.agree(dataset), columns=["subject_id", "sex"])
    assert len({row["subject_id"] for row in at_home}) == 150


def test_an_exempt_export_waits_until_people_have_confirmed_it(space: Space) -> None:
    space.enrol(HOSPITAL, "officer", name="colleague")
    dataset = publish(space, 12)
    contract, before = space.agree(dataset, consumer=BRANCH), exported(space)
    allow(space, "exempt_contract", dataset)
    told = space.ask(contract, did=BRANCH)
    assert codes(told) == {"XB-08"}
    assert told.json()["review"]
    assert exported(space) == before
    for who in ("officer", "colleague"):
        cast(space, told.json()["review"], who)
    assert codes(space.ask(contract, did=BRANCH)) == set()
