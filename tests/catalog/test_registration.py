"""What a provider may say of a data use condition, and that saying nothing more keeps a dataset's version."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.catalog.registration import PARAMETERS, DuoCode, Registration
from tests.space import registration

SAID: dict[str, Any] = {
    "types": ["cohort"],
    "regions": ["CN-BJ"],
    "date": "2027-06-30",
    "months": 12,
    "users": ["a-0123456789abcdef0123"],
    "projects": ["PRJ-1"],
    "institutions": ["did:web:pharma.example"],
}


@pytest.mark.parametrize(("code", "parameter"), PARAMETERS.items())
def test_a_parameter_is_kept_and_belongs_to_its_code(code: str, parameter: str) -> None:
    said = {parameter: SAID[parameter]}
    kept = DuoCode.model_validate({"id": code, **said}).model_dump(mode="json")
    assert kept == {"id": code, "disease_terms": [], **said}
    with pytest.raises(ValidationError, match=code):
        DuoCode.model_validate({"id": "DUO:0000042", **said})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("DUO:0000012", {"types": ["all of them"]}),
        ("DUO:0000022", {"regions": ["Beijing"]}),
        ("DUO:0000024", {"date": "2027-02-30"}),
        ("DUO:0000024", {"date": "2027-6-3"}),
        ("DUO:0000024", {"date": 1_795_392_000}),
        ("DUO:0000025", {"months": 0}),
        ("DUO:0000025", {"months": "12"}),
        ("DUO:0000025", {"months": True}),
        ("DUO:0000026", {"users": ["everybody at all"]}),
        ("DUO:0000027", {"projects": [""]}),
        ("DUO:0000028", {"institutions": ["Pharma Ltd"]}),
        ("DUO:0000042", {"unless": "asked nicely"}),
    ],
)
def test_what_is_no_parameter_is_refused(code: str, said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DuoCode.model_validate({"id": code, **said})


def _governed(duo: list[dict[str, Any]]) -> str:
    body = registration()
    body["governance"]["duo"] = duo
    return Registration.model_validate(body).governance_version


def test_a_version_from_before_there_were_parameters_still_stands() -> None:
    """Contracts are about a version: it may not move because the form of what is registered grew."""
    assert (
        _governed([{"id": "DUO:0000042"}]) == "sha256:19c1f5fdbe78eb3ab67ea9c44c488bb4bcd6f07940211c907e72f9a453f09523"
    )


def test_an_answer_on_the_consent_form_makes_a_version_and_none_makes_none() -> None:
    def version(**answer: bool | None) -> str:
        body = registration()
        body["governance"]["consent"] = {"basis": "consent", **answer}
        return Registration.model_validate(body).governance_version

    assert version() == version(sharing_clause=None)
    assert len({version(), version(sharing_clause=True), version(sharing_clause=False)}) == 3


def test_a_parameter_makes_a_version() -> None:
    versions = [_governed([{"id": "DUO:0000042"}, {"id": "DUO:0000025", "months": months}]) for months in (12, 13)]
    assert len(set(versions)) == 2
