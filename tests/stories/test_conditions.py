"""A dataset with conditions of use: promises are in the entry of the grant, and without them nothing is granted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.space import Space, registration

PROMISES: dict[str, Any] = {"months": 6, "accepts": {"publish": True, "return_derived": True}}
PROJECT: dict[str, Any] = {"project": "PRJ-1", "collaboration_ref": "letter-1", "research_types": ["cohort"]}


@pytest.fixture(scope="module")
def contract(space: Space) -> str:
    body = registration("parquet")
    body["governance"]["duo"] = [
        {"id": "DUO:0000042"},
        {"id": "DUO:0000012", "types": ["cohort"]},
        {"id": "DUO:0000019"},
        {"id": "DUO:0000020"},
        {"id": "DUO:0000022", "regions": ["CN"]},
        {"id": "DUO:0000024", "date": "2027-06-30"},
        {"id": "DUO:0000025", "months": 12},
        {"id": "DUO:0000027", "projects": ["PRJ-1", "PRJ-SECRET"]},
        {"id": "DUO:0000029"},
    ]
    return space.agree(space.publish(body)["id"])


def test_what_is_promised_is_in_the_entry_of_the_grant(space: Space, contract: str) -> None:
    response = space.ask(contract, **PROMISES, **PROJECT)
    assert response.status_code == 200, response.text
    (entry,) = [entry for entry in space.entries() if entry["entry"] == response.headers["corridor-entry"]]
    owed = entry["decision"]["obligations"]
    for promise in (
        {"kind": "publish_results"},
        {"kind": "no_publication_before", "date": "2027-06-30"},
        {"kind": "return_derived_data"},
        {"kind": "delete_at_end", "months": 6},
    ):
        assert promise in owed


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ({}, {"DUO-19", "DUO-20", "DUO-25", "DUO-27", "DUO-29", "DUO-12"}),
        ({**PROJECT, **PROMISES, "months": 13}, {"DUO-25"}),
        ({**PROJECT, **PROMISES, "accepts": {"publish": True}}, {"DUO-29"}),
        ({**PROJECT, **PROMISES, "project": "PRJ-2"}, {"DUO-27"}),
        ({**PROJECT, **PROMISES, "research_types": ["trial"]}, {"DUO-12"}),
    ],
)
def test_what_is_not_promised_is_not_granted(
    space: Space, contract: str, said: dict[str, Any], codes: set[str]
) -> None:
    response = space.ask(contract, **said)
    assert response.status_code == 403
    assert {reason["code"] for reason in response.json()["reasons"]} == codes
    assert "PRJ-SECRET" not in response.text
