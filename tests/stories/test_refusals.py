"""Requests ask, they do not probe; and whoever is refused can act on why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.space import COLUMNS, OVERSEAS, PHARMA, Space, terms


def where(column: str, value: Any, op: str = "eq") -> dict[str, Any]:
    return {"column": column, "op": op, "value": value}


@pytest.fixture(scope="module")
def contract(space: Space) -> str:
    columns = [name for name in COLUMNS if name != "ward"]
    duties = [*terms()["duties"], {"kind": "drop", "column": "seen"}]
    return space.agree(space.datasets["csv"], columns=columns, duties=duties, uses=500)


PROBES: dict[str, dict[str, Any]] = {
    "a column that is not asked for": {"columns": ["sex"], "filter": where("score", 1.5)},
    "a column not in the contract": {"columns": ["sex"], "filter": where("ward", "tropical")},
    "a column of the source that is not published": {"columns": ["sex"], "filter": where("full_name", "Westerling 1")},
    "a pseudonymised column": {"columns": ["subject_id"], "filter": where("subject_id", 1001)},
    "a pseudonym": {"columns": ["subject_id"], "filter": where("subject_id", "p-00")},
    "a pseudonymised column, in an or": {
        "columns": ["subject_id", "sex"],
        "filter": {"or": [where("sex", "male"), where("subject_id", 1001)]},
    },
    "a pseudonymised column, negated deep inside": {
        "columns": ["subject_id", "sex"],
        "filter": {"not": {"and": [{"not": where("subject_id", 1001)}, where("sex", "male")]}},
    },
    "whether a pseudonymised column is empty": {
        "columns": ["subject_id"],
        "filter": {"column": "subject_id", "op": "is_null"},
    },
    "a dropped column": {"columns": ["seen", "sex"], "filter": where("seen", "2020-01-05")},
    "a group of a pseudonymised column": {
        "action": "aggregate",
        "mode": "M3",
        "columns": None,
        "group_by": ["subject_id"],
    },
    "a group of a dropped column": {"action": "aggregate", "mode": "M3", "columns": None, "group_by": ["seen"]},
    "a group of a column not in the contract": {
        "action": "aggregate",
        "mode": "M3",
        "columns": None,
        "group_by": ["ward"],
    },
    "a column in another case": {"columns": ["SEX"]},
    "SQL for a column": {"columns": ['sex" FROM s; --']},
}


@pytest.mark.parametrize("what", PROBES)
def test_a_probe_is_refused_and_recorded_and_shows_no_value(space: Space, contract: str, what: str) -> None:
    size, left = space.log_size(), space.left(contract)
    response = space.ask(contract, **PROBES[what])
    assert response.status_code in (403, 422), response.text
    problem = response.json()
    assert space.log_size() == size + 1
    newest = space.entries(limit=1)[0]
    assert (problem["entry"], newest["event"]["outcome"]) == (newest["entry"], "deny")
    assert space.left(contract) == left
    assert "tropical" not in response.text
    assert "Westerling" not in response.text


def test_a_banded_column_is_filtered_by_its_bands_only(space: Space, contract: str) -> None:
    rows = space.read(contract, columns=["age"], filter=where("age", "20-29"))
    assert {row["age"] for row in rows} == {"20-29"}
    assert space.ask(contract, columns=["age"], filter=where("age", 23)).status_code in (403, 422)
    assert space.ask(contract, columns=["age"], filter=where("age", "20-29", "lt")).status_code in (403, 422)
    assert space.read(contract, columns=["age"], filter=where("age", "23")) == []


def test_a_dropped_column_is_left_out_and_alone_it_is_nothing(space: Space, contract: str) -> None:
    assert list(space.read(contract, columns=["sex", "seen"])[0]) == ["sex"]
    assert space.ask(contract, columns=["seen"]).json()["type"].endswith("/nothing-released")


def test_a_filter_speaks_no_sql(space: Space, contract: str) -> None:
    for value in ("' OR '1'='1", "male'; DROP TABLE visits; --", "%", "_ale"):
        assert space.read(contract, columns=["sex"], filter=where("sex", value)) == []


def test_formulas_in_text_cells_are_escaped_and_negative_numbers_are_not(space: Space, contract: str) -> None:
    rows = space.read(contract, columns=["note", "score"])
    notes = {row["note"] for row in rows}
    assert {"'=1+1", "'@SUM(A1)", "-2.5", "well", '\'=cmd|" /C calc"!A0', "'+49 30 1", "", "a,b"} == notes
    assert any(row["score"].startswith("-") for row in rows)
    arrow = space.ask(contract, columns=["note"], format="parquet")
    assert b"'=1+1" not in arrow.content


POLICY: dict[str, tuple[str, dict[str, Any]]] = {
    "contract_purpose": (PHARMA, {"purpose": {"id": "P09"}}),
    "contract_mode": (PHARMA, {"mode": "M4"}),
    "contract_columns": (PHARMA, {"columns": ["ward"]}),
    "recipient_abroad": (OVERSEAS, {}),
}


@pytest.mark.parametrize("rule", POLICY)
def test_a_refusal_by_policy_says_why_on_what_and_what_would_pass(space: Space, contract: str, rule: str) -> None:
    did, members = POLICY[rule]
    if did == OVERSEAS:
        contract = space.agree(space.datasets["csv"], consumer=OVERSEAS, processing_locations=["CN-BJ", "DE"])
    response = space.ask(contract, did=did, **members)
    assert response.status_code == 403
    problem = response.json()
    reasons = {reason["rule"]: reason for reason in problem["reasons"]}
    assert rule in reasons
    for reason in problem["reasons"]:
        assert set(reason) == {"rule", "code", "effect", "text", "facts", "source", "remedy"}
        assert all(reason[part] for part in ("code", "effect", "text", "facts", "source", "remedy"))
        assert reason["effect"] in ("deny", "refer")
    slug = "access-denied" if "deny" in {r["effect"] for r in reasons.values()} else "access-referred"
    assert problem["type"].endswith("/" + slug)
    entry = next(e for e in space.entries(contract=contract, limit=5) if e["entry"] == problem["entry"])
    assert entry["index"] == problem["index"]
    assert set(entry["decision"]["rules"]) == {reason["code"] for reason in problem["reasons"]}
    for whose in (did, "did:web:hospital.example"):
        assert space.agent(whose, "officer").get(f"/v1/audit/entries/{problem['entry']}")["id"] == problem["entry"]


def test_a_stranger_is_refused_without_an_entry_id_and_recorded_all_the_same(space: Space, contract: str) -> None:
    size = space.log_size()
    response = space.ask(contract, did=OVERSEAS)
    assert response.status_code == 404
    assert "entry" not in response.json()
    assert space.log_size() == size + 1
    newest = space.entries(limit=1)[0]
    assert newest["actor"]["org_id"] == OVERSEAS
    assert newest["contract"] is None
