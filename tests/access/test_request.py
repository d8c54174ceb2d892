"""A request means what it says: a number is a number, yes and no are booleans."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.access.request import AccessRequest
from gateway.participants.model import Facts
from tests.space import NEVER_WAS, wanted


@pytest.mark.parametrize("limit", ["1", True, 1e3, 1.0, 0, 2**53])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(ValidationError, match="limit"):
        AccessRequest.model_validate(wanted(NEVER_WAS, limit=limit))


@pytest.mark.parametrize("answer", ["yes", "true", 1, 0, 1.0])
@pytest.mark.parametrize("question", ["commercial", "research", "methods", "ancestry", "genetic"])
def test_an_answer_about_the_purpose_is_true_or_false(question: str, answer: Any) -> None:
    with pytest.raises(ValidationError, match=question):
        AccessRequest.model_validate(wanted(NEVER_WAS, purpose={"id": "P05", question: answer}))


def test_lists_and_values_of_json_are_read() -> None:
    body = wanted(NEVER_WAS, limit=5, purpose={"id": "P05", "commercial": True, "disease_terms": ["MONDO:0004992"]})
    request = AccessRequest.model_validate(body)
    assert (request.limit, request.columns, request.purpose.commercial) == (5, ("sex", "score"), True)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("for_profit", "no"),
        ("blocked", 0),
        ("identity_verified", "true"),
        ("foreign_equity_pct", "40"),
        ("foreign_equity_pct", True),
        ("mlps_level", 3.0),
        ("sites", [{"location": "CN-BJ", "secure_environment": "yes"}]),
    ],
)
def test_facts_about_a_participant_are_of_their_type(member: str, value: Any) -> None:
    facts = {"kind": "pharma", "country": "CN", "sites": [{"location": "CN-BJ", "secure_environment": True}]}
    Facts.model_validate(facts)
    with pytest.raises(ValidationError, match=member):
        Facts.model_validate({**facts, member: value})
