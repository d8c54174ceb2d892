"""Why, and what would pass; every decision made again; rules tried before they are law."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.archive import packed
from gateway.sdk.client import Client
from gateway.sdk.refusals import Refused
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, data_space, wanted


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Space, str, list[str]]]:
    """A space, a contract, and the entries of a permit and two refusals under it."""
    with data_space(tmp_path_factory.mktemp("space")) as space:
        contract = space.agree(space.datasets["csv"])
        entries = [space.ask(contract).headers["corridor-entry"]]
        for members in ({"purpose": {"id": "P09"}}, {"mode": "M3"}):
            entries.append(space.ask(contract, **members).json()["entry"])
        yield space, contract, entries


def question(contract: str, **members: Any) -> dict[str, Any]:
    return wanted(contract, **members)


def uses(space: Space, contract: str) -> Any:
    return space.agent(PHARMA, "researcher").get(f"/v1/contracts/{contract}")["left"]


def streamed(client: Client, path: str, body: dict[str, Any] | bytes, **query: str) -> list[dict[str, Any]]:
    with client.stream(path, body, **query) as response:
        return [json.loads(line) for line in response.iter_lines()]


def report(client: Client, path: str, body: dict[str, Any] | bytes, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = streamed(client, path, body, **query)[-1]["report"]
    return found


def test_a_question_is_answered_like_the_request_and_grants_nothing(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, _ = asked
    researcher = space.agent(PHARMA, "researcher")
    before = uses(space, contract)
    answer = researcher.post("/v1/policy/explain", question(contract))
    assert answer["result"] == "permit"
    assert answer["would_pass"] == []
    refused = researcher.post("/v1/policy/explain", question(contract, purpose={"id": "P09"}))
    assert (refused["result"], [r["code"] for r in refused["reasons"]]) == ("deny", ["GEN-03"])
    assert uses(space, contract) == before


def test_a_question_is_an_entry_of_its_own_and_only_who_asked_sees_it(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, _ = asked
    entry = space.agent(PHARMA, "researcher").post("/v1/policy/explain", question(contract))["entry"]
    record = space.agent(PHARMA, "officer").get(f"/v1/audit/entries/{entry}")["record"]
    assert (record["event"]["type"], record["event"]["outcome"]) == ("policy.asked", "permit")
    with pytest.raises(Refused) as told:
        space.agent(HOSPITAL, "officer").get(f"/v1/audit/entries/{entry}")
    assert told.value.members["status"] == 404


def test_a_question_about_no_contract_is_recorded_too(asked: tuple[Space, str, list[str]]) -> None:
    space, _, _ = asked
    with pytest.raises(Refused):
        space.agent(PHARMA, "researcher").post("/v1/policy/explain", question("urn:uuid:never"))
    newest = space.agent(PHARMA, "officer").get("/v1/audit/entries", type="policy.asked")["entries"][0]["record"]
    assert (newest["event"]["outcome"], newest["event"]["reason"].split(":")[0]) == ("deny", "not-found")


def test_a_refusal_says_what_would_pass(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, _ = asked
    refused = space.ask(contract, purpose={"id": "P09"}).json()
    texts = [[change["text"] for change in together] for together in refused["would_pass"]]
    assert ["State purpose P05 (Drug discovery and development), if it is truly yours."] in texts


def test_what_is_said_to_pass_passes(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, _ = asked
    researcher = space.agent(PHARMA, "researcher")
    offered = researcher.post("/v1/policy/explain", question(contract, mode="M3"))["would_pass"]
    assert [{"kind": "mode", "text": "Ask in mode M5."}] in offered
    assert researcher.post("/v1/policy/explain", question(contract, mode="M5"))["result"] == "permit"


def test_an_officer_asks_why_of_a_recorded_decision(asked: tuple[Space, str, list[str]]) -> None:
    space, _, entries = asked
    for who in (HOSPITAL, PHARMA):
        answer = space.agent(who, "officer").get(f"/v1/policy/decisions/{entries[1]}")
        assert (answer["result"], answer["entry"]) == ("deny", entries[1])
        assert [reason["code"] for reason in answer["reasons"]] == ["GEN-03"]
        assert answer["would_pass"]


def test_a_strangers_question_and_decision_are_as_if_they_never_were(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, entries = asked
    never = "019a0000-0000-7000-8000-000000000001"
    officer, researcher = space.agent(INSTITUTE, "officer"), space.agent(INSTITUTE, "researcher")
    one, other = (space.call(officer, "GET", f"/v1/policy/decisions/{entry}") for entry in (entries[1], never))
    assert (one.status_code, one.content) == (404, other.content)
    one, other = (
        space.call(researcher, "POST", "/v1/policy/explain", json=question(asked_of))
        for asked_of in (contract, f"urn:uuid:{never}")
    )
    assert (one.status_code, one.content) == (404, other.content)


def test_every_decision_comes_out_the_same_again(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, _ = asked
    found = report(space.agent(PHARMA, "officer"), "/v1/policy/replay", {"contract": contract})
    assert found["decided"] >= 3
    assert found["identical"] == found["decided"]
    assert (found["different"], found["unanswered"], found["changed_input"]) == (0, 0, 0)


def test_an_input_that_was_changed_is_noticed(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, entries = asked
    log = space.settings.home / "corridor.sqlite3"
    with sqlite3.connect(log) as database:
        kept = database.execute("SELECT document FROM decision_input WHERE entry = ?", (entries[2],)).fetchone()[0]
        bent = kept.replace(b'"mode":"M3"', b'"mode":"M4"')
        assert bent != kept
        database.execute("UPDATE decision_input SET document = ? WHERE entry = ?", (bent, entries[2]))
    found = report(space.agent(PHARMA, "officer"), "/v1/policy/replay", {"contract": contract})
    assert found["changed_input"] == 1
    assert found["identical"] == found["decided"] - 1
    with pytest.raises(Refused) as told:
        space.agent(PHARMA, "officer").get(f"/v1/policy/decisions/{entries[2]}")
    assert told.value.members["status"] == 409
    with sqlite3.connect(log) as database:
        database.execute("UPDATE decision_input SET document = ? WHERE entry = ?", (kept, entries[2]))


def candidate(tmp_path: Path, old: str, new: str, file: str) -> bytes:
    folder = shutil.copytree(POLICIES, tmp_path / "draft")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return of_folder(folder)


def test_a_draft_shows_whose_requests_it_would_have_changed(
    asked: tuple[Space, str, list[str]], tmp_path: Path
) -> None:
    space, contract, entries = asked
    draft = candidate(tmp_path, '"P05",\n', "", "access/rules/purpose_prohibited/data.json")
    found = report(space.operator, "/v1/policy/what-if", draft, contract=contract)
    changed = {each["entry"]: each for each in found["differences"]}
    assert changed[entries[0]]["before"] == "permit"
    assert changed[entries[0]]["after"] == "deny"
    assert changed[entries[0]]["new"] == ["GEN-01"]
    assert entries[1] not in changed  # refused for its purpose already
    assert found["by_consumer"] == {PHARMA: found["different"]}
    assert {"before": "permit", "after": "deny"}.items() <= found["results"][-1].items()


def test_a_draft_that_changes_nothing_says_so(asked: tuple[Space, str, list[str]]) -> None:
    space, contract, _ = asked
    found = report(space.operator, "/v1/policy/what-if", of_folder(POLICIES), contract=contract)
    assert (found["different"], found["identical"]) == (0, found["decided"])


@pytest.mark.parametrize(
    "draft",
    [packed({"a.rego": b"x"}), packed({"access/decision/decision.rego": b"package access.decision\n"}), b"!", b""],
)
def test_what_is_no_bundle_is_refused(asked: tuple[Space, str, list[str]], draft: bytes) -> None:
    space, _, _ = asked
    with pytest.raises(Refused) as told:
        report(space.operator, "/v1/policy/what-if", draft)
    assert told.value.members["status"] == 422


def test_only_the_operators_officer_tries_rules_on_everybody(asked: tuple[Space, str, list[str]]) -> None:
    space, _, _ = asked
    for role in ("officer", "researcher"):
        with pytest.raises(Refused) as told:
            space.agent(PHARMA, role).upload("/v1/policy/what-if", b"!")
        assert told.value.members["status"] == 403


def test_few_at_a_time_make_decisions_again(asked: tuple[Space, str, list[str]]) -> None:
    space, _, _ = asked
    path, officer = "/v1/policy/replay", space.agent(PHARMA, "officer")
    for _ in range(4):  # places are given back
        assert report(officer, path, {})["decided"]
    with ThreadPoolExecutor(8) as pool:
        answers = [
            call.result() for call in [pool.submit(space.call, officer, "POST", path, json={}) for _ in range(8)]
        ]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 1
    assert report(officer, path, {})["decided"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"filter": {"column": "subject_id", "op": "eq", "value": 1001}}, "filter-not-permitted"),
        ({"limit": 5, "action": "compute", "mode": "M3"}, "action-not-offered"),
        ({"columns": ["sex", "sex"]}, "columns-malformed"),
    ],
)
def test_what_the_rules_permit_and_nobody_carries_out_is_said(space: Space, members: dict[str, Any], code: str) -> None:
    contract = space.agree(space.datasets["csv"], actions=["read", "aggregate", "compute"])
    answer = space.agent(PHARMA, "researcher").post("/v1/policy/explain", question(contract, **members))
    assert answer["result"] == "permit", answer
    assert answer["hindrance"]["code"] == code
    told = space.ask(contract, **members)
    assert told.json()["type"].endswith(code)


def test_what_is_carried_out_has_no_hindrance(space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    assert space.agent(PHARMA, "researcher").post("/v1/policy/explain", question(contract))["hindrance"] is None
