"""What enrolment and registration can hold, the policy's input can hold: no fact is refused for its form alone."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from gateway.catalog.registration import Registration
from gateway.identity.caller import AgentRole
from gateway.participants.model import Facts, Kind, Participant, Site
from gateway.policy.document import schema, validate
from gateway.terms.profile import Action, DeliveryMode
from tests.policy.documents import document


def _full_registration() -> dict[str, Any]:
    return {
        "metadata": {"title": "T", "description": "D", "health_category": ["H"], "licence": "L"},
        "source": {"kind": "csv", "path": "t.csv"},
        "columns": [
            {"name": name, "type": name, "role": role}
            for name, role in zip(
                ("string", "integer", "number", "boolean", "date", "datetime"),
                ("direct_identifier", "quasi_identifier", "sensitive", "plain", "plain", "plain"),
                strict=True,
            )
        ],
        "person_column": "string",
        "governance": {
            "origin": ["CN", "US"],
            "identifiability": "limited",
            "contains": ["health", "genetic", "biometric", "imaging", "free_text", "location", "financial", "other"],
            "persons": 0,
            "under_14": True,
            "classification": {"scheme": "GB/T 39725-2020", "level": 3},
            "source_level": 4,
            "deidentification_report": "report-1",
            "core_data": True,
            "important_data": True,
            "hgr": {"information": True, "seq": "exome", "persons": 501, "important_pedigree": True},
            "duo": [
                {"id": "DUO:0000007", "disease_terms": ["MONDO:0004992"]},
                {"id": "DUO:00000044"},
                {"id": "DUO:0000012", "types": ["cohort", "DUO:0000037"]},
                {"id": "DUO:0000022", "regions": ["CN", "CN-BJ"]},
                {"id": "DUO:0000024", "date": "2028-02-29"},
                {"id": "DUO:0000025", "months": 1200},
                {"id": "DUO:0000026", "users": ["a-0123456789abcdef0123"]},
                {"id": "DUO:0000027", "projects": ["Project 7 / 2026 #1"]},
                {"id": "DUO:0000028", "institutions": ["did:web:a.example"]},
            ],
            "consent": {
                "basis": "consent",
                "separate": True,
                "recipients": ["did:web:a.example"],
                "purposes": ["P05"],
                "overseas": True,
                "guardian": True,
                "withdrawals_applied_at": 1_795_392_000,
                "sharing_clause": False,
            },
            "provenance_statement": "source-1",
        },
        "visibility": {"everyone": True},
    }


def test_whatever_can_be_registered_is_of_the_published_form() -> None:
    full = document()
    full["dataset"] = Registration.model_validate(_full_registration()).as_policy_input(full["dataset"]["id"])
    assert validate(full) == []


@pytest.mark.parametrize("basis", ["consent", "statute", "public_interest", "contract", "public_data"])
def test_every_basis_of_processing_is_known_to_the_policy(basis: str) -> None:
    registration = _full_registration()
    registration["governance"]["consent"]["basis"] = basis
    full = document()
    full["dataset"] = Registration.model_validate(registration).as_policy_input(full["dataset"]["id"])
    assert validate(full) == []


def _enum(*path: str) -> set[str]:
    node: Any = schema()
    definitions = node["$defs"]
    for name in path:
        while "$ref" in node:
            node = definitions[node["$ref"].removeprefix("#/$defs/")]
        node = node["properties"][name] if "properties" in node else node[name]
    while "$ref" in node:
        node = definitions[node["$ref"].removeprefix("#/$defs/")]
    return set(node["enum"])


def test_kinds_of_participants_are_the_same_in_enrolment_and_policy() -> None:
    assert _enum("participant", "kind") == {kind.value for kind in Kind}


def test_facts_of_a_participant_are_the_same_in_enrolment_and_policy() -> None:
    full = document()
    facts = Facts(kind=Kind.OTHER, country="DE", sites=(Site(location="DE-BE", secure_environment=True),))
    owner = Participant(id="did:web:a.example", name="A", facts=facts, state="active", admitted_at=0)
    full["participant"] = owner.as_policy_input()
    assert validate(full) == []


@pytest.mark.parametrize("role", sorted(AgentRole))
def test_every_role_of_an_agent_is_known_to_the_policy(role: AgentRole) -> None:
    full = document()
    full["user"]["roles"] = [role.value]
    assert validate(full) == []


@pytest.mark.parametrize("action", get_args(Action))
def test_every_action_that_terms_can_grant_is_known_to_the_policy(action: str) -> None:
    full = document()
    full["contract"]["actions"], full["request"]["action"] = [action], action
    assert validate(full) == []


@pytest.mark.parametrize("mode", get_args(DeliveryMode))
def test_every_mode_that_terms_can_grant_is_known_to_the_policy(mode: str) -> None:
    full = document()
    full["contract"]["delivery_modes"], full["request"]["mode"] = [mode], mode
    assert validate(full) == []
