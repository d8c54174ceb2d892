"""An officer's ways into the log: what it asks by, counts, files for other programs, and entries as they come."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest
from fhir.resources.R4B.auditevent import AuditEvent as Resource

from gateway.api.live import OWN_PLACES
from gateway.sdk.client import Client
from gateway.sdk.refusals import Refused
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, token_of


@pytest.fixture(scope="module")
def refused(space: Space) -> str:
    """A contract under which two requests were refused by rules and one was permitted."""
    contract = space.agree(space.datasets["csv"])
    for purpose in ("P06", "P06"):
        assert space.ask(contract, purpose={"id": purpose}).status_code == 403
    space.read(contract)
    return contract


def test_entries_are_found_by_agent_and_by_rule(space: Space, refused: str) -> None:
    officer = space.agent(PHARMA, "officer")
    code = space.ask(refused, purpose={"id": "P06"}).json()["reasons"][0]["code"]
    for wanted in (code, code[:3] + "*"):
        found = officer.get("/v1/audit/entries", code=wanted, contract=refused)["entries"]
        assert len(found) == 3
        assert all(code in entry["record"]["decision"]["rules"] for entry in found)
    asker = space.agent(PHARMA, "researcher").agent.agent
    mine = officer.get("/v1/audit/entries", agent=asker, limit=500)["entries"]
    assert mine
    assert {entry["record"]["actor"]["user_id"] for entry in mine} == {asker}
    assert officer.get("/v1/audit/entries", agent="a-00000000000000000000")["entries"] == []
    for bad in ("*HGR", "a b", "x" * 80, "HGR-07;"):
        with pytest.raises(Refused):
            officer.get("/v1/audit/entries", code=bad)


def test_counts_are_those_of_the_entries(space: Space, refused: str) -> None:
    officer = space.agent(PHARMA, "officer")
    wanted = {"contract": refused, "type": "access.decision"}
    entries = officer.get("/v1/audit/entries", limit=500, **wanted)["entries"]
    found = officer.get("/v1/audit/counts", by=["outcome", "day"], **wanted)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert {tuple(one["values"]): one["entries"] for one in found} == {
        (outcome, day): sum(entry["record"]["event"]["outcome"] == outcome for entry in entries)
        for outcome in ("deny", "permit")
    }
    # A stranger counts nothing of it, and the look is an entry.
    assert space.agent(INSTITUTE, "officer").get("/v1/audit/counts", by="outcome", **wanted) == []
    assert space.entries(type="audit.read")[0]["facts"]["filter_contract"] == refused
    for bad in ([], ["body"], ["day", "type", "outcome"]):
        with pytest.raises(Refused):
            officer.get("/v1/audit/counts", by=bad)


def test_an_export_goes_on_where_it_stopped(space: Space, refused: str) -> None:
    officer = space.agent(PHARMA, "officer")

    def lines(**query: Any) -> list[dict[str, Any]]:
        with officer.download("/v1/audit/export", format="ndjson", **query) as response:
            assert response.headers["content-type"] == "application/x-ndjson"
            return [json.loads(line) for line in response.read().splitlines()]

    whole = lines(contract=refused)
    assert [line["index"] for line in whole] == sorted(line["index"] for line in whole)
    middle = whole[len(whole) // 2]["index"]
    assert lines(contract=refused, after=middle) == whole[len(whole) // 2 + 1 :]
    with pytest.raises(Refused):
        officer.get("/v1/audit/export", after=3)


def test_an_export_for_a_spreadsheet_and_for_a_fhir_server(space: Space, refused: str) -> None:
    officer = space.agent(PHARMA, "officer")
    rows = list(csv.DictReader(io.StringIO(text(officer, format="csv", contract=refused))))
    assert {row["contract"] for row in rows} == {refused}
    assert {row["outcome"] for row in rows} >= {"permit", "deny"}
    resources = [json.loads(x) for x in text(officer, format="fhir", contract=refused).splitlines()]
    assert len(resources) == len(rows)
    for resource in resources:
        Resource.model_validate(resource)
    assert [r["id"] for r in resources] == [row["id"] for row in rows]


def text(officer: Client, **query: Any) -> str:
    with officer.download("/v1/audit/export", **query) as response:
        return response.read().decode()


@contextmanager
def followed(space: Space, client: Client, **query: Any) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """The events of a stream: their id and what they hold."""
    headers = token_of(client) | query.pop("headers", {})
    with (
        httpx2.Client(base_url=space.url, timeout=20) as http,
        http.stream("GET", "/v1/audit/stream", params=query, headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield events(response)


def events(response: httpx2.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    identity, name = "", ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "id":
            identity = value
        elif field == "event":
            name = value
        elif field == "data":
            yield identity if name == "entry" else name, json.loads(value)


def later(action: Any) -> threading.Thread:
    """Do something once whoever follows has begun to listen."""
    thread = threading.Timer(1.5, action)
    thread.start()
    return thread


def test_new_entries_come_as_they_are_made_and_a_reader_that_comes_back_misses_none(space: Space, refused: str) -> None:
    officer = space.agent(PHARMA, "officer")
    with followed(space, officer, type="access.decision") as stream:
        asked = later(lambda: space.ask(refused, purpose={"id": "P06"}))
        identity, entry = next(stream)
        asked.join()
    assert entry["record"]["event"]["outcome"] == "deny"
    assert str(entry["index"]) == identity
    missed = [space.ask(refused, purpose={"id": "P06"}).json()["entry"] for _ in range(2)]
    with followed(space, officer, type="access.decision", headers={"last-event-id": identity}) as stream:
        assert [next(stream)[1]["id"] for _ in missed] == missed


def test_nobody_follows_what_is_anothers(space: Space, refused: str) -> None:
    with followed(space, space.agent(INSTITUTE, "officer"), after=0) as stream:
        seen = later(lambda: (space.ask(refused), space.agent(INSTITUTE, "officer").get("/v1/audit/entries")))
        for _, entry in stream:
            assert (entry["record"]["contract"] or {}).get("id") != refused
            if entry["record"]["event"]["type"] == "audit.read" and entry["record"]["facts"].get("found") is not None:
                break
        seen.join()
    with pytest.raises(Refused):
        space.agent(PHARMA, "researcher").get("/v1/audit/stream")


def test_a_stream_ends_with_its_agent(space: Space) -> None:
    client = space.enrol(HOSPITAL, "officer", name="leaving")
    with followed(space, client) as stream:
        leaving = later(lambda: space.agent(HOSPITAL, "admin").post(f"/v1/agents/{client.agent.agent}/suspend", {}))
        last = list(stream)[-1]
        leaving.join()
    assert last[0] == "end"


def test_one_organisation_leaves_places_for_the_others(space: Space) -> None:
    with ExitStack() as held:
        for _ in range(OWN_PLACES):
            held.enter_context(followed(space, space.agent(INSTITUTE, "officer")))
        with pytest.raises(Refused) as told:
            space.agent(INSTITUTE, "officer").get("/v1/audit/stream")
        assert told.value.code == "busy"
        held.enter_context(followed(space, space.agent(HOSPITAL, "officer")))


@pytest.mark.parametrize(
    "path", ["/v1/approvals/%00", "/v1/reviews?before=%00", "/v1/audit/counts?by=day&agent=%00", "/v1/contracts/a%00"]
)
def test_an_address_with_a_nul_is_no_bug_of_ours(space: Space, path: str) -> None:
    assert space.call(space.agent(PHARMA, "officer"), "GET", path).status_code == 422
