"""A purpose says what the use is; what it leaves open must be answered."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.terms.errors import PurposeUnclear
from gateway.terms.purposes import FLAGS, GRANTABLE, PURPOSES, purpose_facts

ASKED = {"P03", "P04", "P07", "P08", "P10", "P11", "P13", "P14", "P15", "P16", "P17", "P23"}
COMMERCIAL = {"P05", "P06", "P09", "P12"}
NO_RESEARCH = {"P01", "P18", "P19", "P20", "P21", "P22"}


def facts(purpose: str, **answers: Any) -> dict[str, Any]:
    needed: dict[str, Any] = {"commercial": False} if purpose in ASKED else {}
    if purpose == "P03":
        needed["disease_terms"] = ["MONDO:0004992"]
    if purpose == "P13":
        needed["research"] = True
    return purpose_facts(purpose, **{**needed, **answers})


def test_there_are_29_purposes_and_23_can_be_granted() -> None:
    assert len(PURPOSES) == 29
    assert {f"P{n:02}" for n in range(1, 24)} == GRANTABLE


def test_the_facts_of_a_plain_purpose() -> None:
    assert purpose_facts("P05") == {
        "id": "P05",
        "research": True,
        "health": True,
        "commercial": True,
        "methods": False,
        "ancestry": False,
        "genetic": False,
        "clinical_care": False,
        "disease_terms": [],
        "flags": [],
    }


@pytest.mark.parametrize("purpose", sorted(ASKED))
def test_what_the_vocabulary_asks_must_be_answered(purpose: str) -> None:
    with pytest.raises(PurposeUnclear, match="commercial"):
        facts(purpose, commercial=None)
    assert facts(purpose, commercial=True)["commercial"] is True


@pytest.mark.parametrize("purpose", sorted(GRANTABLE - ASKED))
def test_what_the_vocabulary_settles_cannot_be_answered_otherwise(purpose: str) -> None:
    settled = purpose in COMMERCIAL
    assert facts(purpose)["commercial"] is facts(purpose, commercial=settled)["commercial"] is settled
    with pytest.raises(PurposeUnclear):
        facts(purpose, commercial=not settled)


@pytest.mark.parametrize("purpose", sorted(GRANTABLE))
def test_research_is_what_the_vocabulary_says(purpose: str) -> None:
    assert facts(purpose)["research"] is (purpose not in NO_RESEARCH)


@pytest.mark.parametrize(
    ("purpose", "fact"),
    [("P04", "genetic"), ("P11", "methods"), ("P12", "methods"), ("P14", "methods"), ("P16", "ancestry")],
)
def test_what_a_purpose_sets_cannot_be_denied(purpose: str, fact: str) -> None:
    assert facts(purpose)[fact] is True
    with pytest.raises(PurposeUnclear, match=fact):
        facts(purpose, **{fact: False})


@pytest.mark.parametrize("fact", ["methods", "ancestry", "genetic"])
def test_more_can_be_declared_than_the_purpose_sets(fact: str) -> None:
    assert facts("P02", **{fact: True})[fact] is True
    assert facts("P02")[fact] is False


def test_only_patient_care_is_clinical_care() -> None:
    assert [purpose for purpose in sorted(GRANTABLE) if facts(purpose)["clinical_care"]] == ["P01"]


def test_labelling_inherits_research_from_its_principal() -> None:
    with pytest.raises(PurposeUnclear, match="research"):
        purpose_facts("P13", commercial=False)
    assert facts("P13", research=False)["research"] is False


def test_disease_research_names_its_diseases() -> None:
    with pytest.raises(PurposeUnclear, match="disease_terms"):
        purpose_facts("P03", commercial=False)
    assert facts("P03", disease_terms=["MONDO:2", "MONDO:1", "MONDO:2"])["disease_terms"] == ["MONDO:1", "MONDO:2"]


@pytest.mark.parametrize("terms", [["cancer"], ["MONDO:"], ["MONDO:1'; --"], ["MONDO:1"] * 51])
def test_disease_terms_are_codes(terms: list[str]) -> None:
    with pytest.raises(PurposeUnclear):
        facts("P03", disease_terms=terms)


def test_a_control_set_is_always_flagged() -> None:
    assert facts("P15")["flags"] == ["control_set"]
    assert facts("P15", flags=["paediatric"])["flags"] == ["control_set", "paediatric"]
    assert facts("P02", flags=sorted(FLAGS))["flags"] == sorted(FLAGS)


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(PurposeUnclear):
        facts("P02", flags=["harmless"])


@pytest.mark.parametrize("purpose", ["P00", "P24", "P29", "p05", "", "research", "X07"])
def test_an_unknown_purpose_is_refused(purpose: str) -> None:
    with pytest.raises(PurposeUnclear):
        purpose_facts(purpose)


@pytest.mark.parametrize("purpose", [f"X0{n}" for n in range(1, 7)])
def test_a_banned_use_can_be_named_and_claims_nothing(purpose: str) -> None:
    told = purpose_facts(purpose)
    assert (told["research"], told["health"], told["commercial"]) == (False, False, True)
    assert not PURPOSES[purpose].grantable
