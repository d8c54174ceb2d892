"""Pages of those who run it: organisations, agents, health and rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.crypto.private import generate, public_jwk
from gateway.home import Home
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.space import HOSPITAL, OPERATOR, PHARMA, Party, Space
from tests.ui.people import People, Person, text_of

MARKUP = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def operator(people: People) -> Person:
    return people.person(OPERATOR, OPERATOR).sign_in()


def admission(did: str, **fields: str | list[str]) -> dict[str, str | list[str]]:
    return {
        "id": did,
        "name": "Newly admitted",
        "kind": "research_institute",
        "country": "CN",
        "identity_verified": "yes",
        "secure_sites": "CN-BJ",
        "contract_key": json.dumps(public_jwk(dict(generate("Ed25519")))),
        "label": "the first one",
        "location": "CN-BJ",
        "roles": ["admin", "officer"],
        "key": json.dumps(public_jwk(dict(generate("ES256")))),
        **fields,
    }


def test_facts_are_put_down_by_the_operator_and_sites_stay(space: Space, people: People):
    did = "did:web:facts.example"
    space.admit(did, "hospital", sites=[{"location": "CN-SH"}, {"location": "CN-BJ", "secure_environment": True}])
    page = f"/organisations/{did}"
    operator = people.person(OPERATOR, OPERATOR).sign_in()
    own = people.person(did, "admin").sign_in()
    assert "Change them" not in text_of(own.open(page))
    assert own.open(f"{page}/facts").status_code == 403
    assert own.send(f"{page}/facts", kind="hospital", country="CN").status_code == 403
    form = operator.open(f"{page}/facts")
    assert 'value="CN-BJ"' in form.text
    assert '<option value="operator"' not in form.text
    wrong = operator.send(f"{page}/facts", kind="hospital", country="CN", mlps_level="9")
    assert (wrong.status_code, "mlps_level" in text_of(wrong)) == (422, True)
    fields = {"kind": "clinical_research_hospital", "country": "CN", "mlps_level": "3", "persons_held": "12000000"}
    answer = operator.send(f"{page}/facts", **fields, identity_verified="yes", secure_sites="CN-BJ")
    assert answer.headers["location"] == page
    facts = space.operator.get(f"/v1/participants/{did}")["facts"]
    assert (facts["kind"], facts["persons_held"], facts["for_profit"]) == (
        "clinical_research_hospital",
        12_000_000,
        False,
    )
    assert [site["location"] for site in facts["sites"]] == ["CN-SH", "CN-BJ"]
    assert "12,000,000" in text_of(own.open(page))
    entry = space.entries(type="participant.verified", participant=did)[0]["entry"]
    name = space.operator.get(f"/v1/participants/{did}")["name"]
    assert f"What it was done to Organisation {name}" in text_of(operator.open(f"/entries/{entry}"))
    assert operator.open("/organisations/did:web:nobody.example/facts").status_code == 404


def test_an_organisation_is_admitted_suspended_and_reinstated(space: Space, people: People, operator: Person) -> None:
    did = "did:web:new.example"
    page = f"/organisations/{did}"
    made = operator.send("/organisations/new", **admission(did))
    assert made.headers["location"] == page
    said = text_of(operator.open(page))
    assert "CN-BJ (secure environment)" in said
    assert "#contract-1" in said
    facts = operator.agent.get(f"/v1/participants/{did}")["facts"]
    assert (facts["identity_verified"], facts["for_profit"]) == (True, False)
    assert "Newly admitted" in text_of(operator.open("/organisations"))
    officer = people.person(HOSPITAL, "officer").sign_in()
    assert "Facts that rules read" not in text_of(officer.open(page))
    for verb, state in (("suspend", "suspended"), ("reinstate", "active")):
        assert officer.send(f"{page}/{verb}").status_code == 403
        assert operator.send(f"{page}/{verb}").status_code == 303
        assert state in text_of(officer.open(page))
    assert operator.send(f"{page}/reinstate").status_code == 409
    assert operator.open("/organisations/did:web:nobody.example").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"contract_key": "{"}, "JSON"),
        ({"contract_key": "[]"}, "JWK"),
        ({"key": "{}"}, "key"),
        ({"country": "China"}, "country"),
        ({"kind": "operator"}, "one operator"),
        ({"roles": []}, "at least one role"),
        ({"roles": ["king"]}, "A role is one"),
        ({"location": "here"}, "location"),
        ({"id": "hospital"}, "DID"),
        ({"id": HOSPITAL}, "admitted already"),
        ({"name": MARKUP, "country": MARKUP}, "country"),
    ],
)
def test_an_admission_that_cannot_be_is_said_to(operator: Person, fields: dict[str, Any], said: str) -> None:
    answer = operator.send("/organisations/new", **{**admission("did:web:never.example"), **fields})
    assert answer.status_code in (409, 422)
    assert said in text_of(answer)
    assert "the first one" in answer.text
    assert "<script>alert" not in answer.text


def test_a_private_key_is_not_taken(operator: Person) -> None:
    key = dict(generate("ES256"))
    answer = operator.send("/organisations/new", **admission("did:web:never.example", key=json.dumps(key)))
    assert answer.status_code == 422


def test_an_administrator_enrols_agents_and_shuts_them_out(space: Space, people: People) -> None:
    admin = people.person(HOSPITAL, "admin").sign_in()
    key = dict(generate("ES256"))
    form = {"label": "night shift", "location": "CN-BJ", "roles": ["officer"], "key": json.dumps(public_jwk(key))}
    assert admin.send("/agents", **form).status_code == 303
    (made,) = [one for one in admin.agent.get("/v1/agents") if one["label"] == "night shift"]
    assert "night shift" in text_of(admin.open("/agents"))
    party: Party = space.parties[HOSPITAL]
    with space.client(party, "night shift", made["id"], key) as itself:
        assert itself.get("/v1/me")["roles"] == ["officer"]
    again = admin.send("/agents", **form)
    assert again.status_code == 409
    officer = people.person(HOSPITAL, "officer").sign_in()
    assert "Enrol one" not in text_of(officer.open("/agents"))
    assert officer.send(f"/agents/{made['id']}/suspend").status_code == 403
    other = people.person(PHARMA, "admin").sign_in()
    assert other.send(f"/agents/{made['id']}/suspend").status_code == 404
    for verb in ("suspend", "reinstate", "suspend", "erase"):
        assert admin.send(f"/agents/{made['id']}/{verb}").status_code == 303
    assert "night shift" not in admin.open("/agents").text
    assert admin.send(f"/agents/{made['id']}/promote").status_code == 422
    assert admin.send("/agents", **{**form, "roles": ["operator"]}).status_code == 422


def test_health_is_tried_and_for_the_operator(space: Space, people: People, operator: Person) -> None:
    said = text_of(operator.open("/health"))
    for part in ("Log ready", "Database ready", "Policy engine ready"):
        assert part in said
    assert space.vkey in operator.open("/health").text.replace("&#43;", "+")
    officer = people.person(HOSPITAL, "officer").sign_in()
    assert officer.open("/health").status_code == 403
    assert officer.upload("/health/bundles", b"x", do="activate").status_code == 403


def test_a_bundle_is_tried_beside_and_made_the_active_one(space: Space, operator: Person, tmp_path: Path) -> None:
    unsigned = of_folder(POLICIES)
    before = operator.agent.get("/v1/policy/bundles")[0]["digest"]
    refused = operator.upload("/health/bundles", unsigned, do="activate")
    assert refused.status_code == 422
    assert "Another bundle" in text_of(refused)
    assert "Choose the bundle" in text_of(operator.upload("/health/bundles", b"", do="activate"))
    rules = shutil.copytree(POLICIES, tmp_path / "rules")
    (rules / "access/rules/core_data/core_data.rego").write_text(
        '# A rule.\npackage access.rules\n\nverdict["core_data"] := "ok" if input.dataset.core_data == true\n'
    )
    (rules / "access/rules/core_data/core_data_test.rego").write_text(
        "package access.rules_test.core_data_test\n\ntest_it if true\n"
    )
    archive = of_folder(rules, Home.load(space.settings.home, passphrase=None).bundle_key)
    begun = operator.upload("/health/bundles", archive, do="shadow")
    assert begun.status_code == 303, text_of(begun)
    assert "Beside them running" in text_of(operator.open("/health"))
    assert operator.send("/health/shadow/end").status_code == 303
    assert "Beside them ended" in text_of(operator.open("/health"))
    assert operator.upload("/health/bundles", archive, do="activate").status_code == 303
    assert operator.agent.get("/v1/policy/bundles")[0]["digest"] != before
    own = of_folder(POLICIES, Home.load(space.settings.home, passphrase=None).bundle_key)
    assert operator.upload("/health/bundles", own, do="activate").status_code == 303
