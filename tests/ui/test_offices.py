"""Pages of those who decide and run: committees, those who publish, officers who try rules."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.archive import MAX_ARCHIVE_BYTES
from gateway.sdk.verify import export as verified
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.space import HOSPITAL, INSTITUTE, NEVER_WAS, OPERATOR, PHARMA, Space
from tests.stories.test_reviews import ballot, refer, signed
from tests.ui.people import People, Person, text_of

MARKUP = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def provider(people: People) -> Person:
    return people.person(HOSPITAL, "provider").sign_in()


@pytest.fixture(scope="module")
def researcher(people: People) -> Person:
    return people.person(PHARMA, "researcher").sign_in()


@pytest.fixture(scope="module")
def operator(people: People) -> Person:
    return people.person(OPERATOR, OPERATOR).sign_in()


# -- the committee ---------------------------------------------------------------------------------------------------


@pytest.fixture
def review(space: Space) -> str:
    return refer(space, space.agree(space.datasets["csv"]), columns=["score", "sex"])


def test_two_decide_and_neither_sees_the_others_vote_first(
    space: Space, people: People, researcher: Person, review: str
) -> None:
    for name in ("first", "second"):
        space.parties[HOSPITAL].agents.get(name) or space.enrol(HOSPITAL, "reviewer", name=name)
    first, second = (people.person(HOSPITAL, name).sign_in() for name in ("first", "second"))
    page = f"/reviews/{review}"
    assert "Look at it" in text_of(first.open("/"))
    said = text_of(first.open(page))
    assert "DUO-90" in said
    assert "Your vote" in said
    entry = json.dumps(signed(space, ballot(space, review, "first", "approve", reason="well founded"), "first"))
    assert second.send(f"{page}/vote", entry=entry).status_code == 422  # signed by somebody else than who sends it
    assert first.send(f"{page}/vote", entry=entry).status_code == 303
    assert "well founded" in text_of(first.open(page))
    assert "well founded" not in second.open(page).text
    assert "Your vote stands" in text_of(first.open(page))
    again = first.send(f"{page}/vote", entry=entry)
    assert again.status_code == 403
    assert "You have voted" in text_of(again)
    entry = json.dumps(signed(space, ballot(space, review, "second", "approve"), "second"))
    assert second.send(f"{page}/vote", entry=entry).status_code == 303
    assert "well founded" in text_of(second.open(page))
    assert "approved" in text_of(researcher.open("/reviews", state="approved"))
    assert "committee" in text_of(researcher.open("/approvals"))
    assert researcher.open(f"/approvals/{review}/envelope").json()["votes"]


def test_what_the_rules_said_is_for_the_committee(
    space: Space, people: People, researcher: Person, review: str
) -> None:
    page = f"/reviews/{review}"
    said = text_of(researcher.open(page))
    assert "Why the rules ask people" not in said
    assert "Everything the rules were asked on" not in said
    assert "Your vote" not in said
    assert researcher.send(f"{page}/vote", entry="{}").status_code == 403
    stranger = people.person(INSTITUTE, "reviewer").sign_in()
    assert stranger.open(page).status_code == 404
    assert stranger.send(f"{page}/vote", entry="{}").status_code == 404
    looked = space.log_size()
    people.person(HOSPITAL, "officer").sign_in().open(page)
    assert space.log_size() > looked  # the look is an entry


@pytest.mark.parametrize(
    "entry", ["", "{}", "[]", "x" * 100_000, '{"payload": "e30", "protected": "e30", "signature": "x"}']
)
def test_what_is_no_vote_is_refused_beside_the_form(people: People, review: str, entry: str) -> None:
    reviewer = people.person(HOSPITAL, "reviewer").sign_in()
    answer = reviewer.send(f"/reviews/{review}/vote", entry=entry)
    assert answer.status_code in (403, 422)
    assert "Your vote" in text_of(answer)


def test_an_approval_is_handed_in_as_a_file_and_withdrawn_by_its_issuer(
    space: Space, people: People, researcher: Person
) -> None:
    content = space.approval(HOSPITAL, "pia", datasets=[space.datasets["csv"]])
    document = json.dumps(space.signed(content)).encode()
    refused = researcher.upload("/approvals", b"{}")
    assert refused.status_code in (403, 422)
    assert 'role="alert"' in refused.text
    assert "Choose the file" in text_of(researcher.upload("/approvals", b""))
    assert researcher.upload("/approvals", document).status_code == 303
    assert "impact assessment" in text_of(researcher.open("/approvals"))
    assert researcher.send(f"/approvals/{content.id}/withdraw").status_code == 403
    officer = people.person(HOSPITAL, "officer").sign_in()
    assert officer.send(f"/approvals/{content.id}/withdraw").status_code == 303
    assert "withdrawn" in text_of(officer.open("/approvals"))
    stranger = people.person(INSTITUTE, "officer").sign_in()
    assert stranger.open(f"/approvals/{content.id}/envelope").status_code == 404
    assert content.id not in stranger.open("/approvals").text


# -- publishing ------------------------------------------------------------------------------------------------------


def declared(page: str, **fields: str | list[str]) -> dict[str, str | list[str]]:
    """The form as the look at the source fills it in, with what only the provider can say."""
    form: dict[str, str | list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page):
        form[name] = value
    for n in range(8):
        ticked = re.search(rf'name="keep{n}" value="yes"( checked)?', page)
        if ticked and ticked[1]:
            form[f"keep{n}"] = "yes"
        for select in ("type", "role"):
            found = re.search(rf'name="{select}{n}".*?</select>', page, re.DOTALL)
            chosen = found and re.search(r'<option(?: value="(\w+)")? selected>(\w*)', found[0])
            if chosen:
                form[f"{select}{n}"] = chosen[1] or chosen[2]
    form.pop("form_token", None)
    return form | {
        "title": "Registered by hand",
        "description": "What a person says of it.",
        "licence": "made by a test",
        "health_category": "Infectious diseases, Chronic diseases",
        "persons": "150",
        "origin": "CN",
        "identifiability": "deidentified",
        "level": "3",
        "source_level": "4",
        "deidentification_report": "report-7",
        "provenance_statement": "statement-7",
        "contains": ["health"],
        "duo": ["DUO:0000042"],
        "basis": "statute",
        "who": "everyone",
        **fields,
    }


def test_a_source_is_looked_at_registered_and_offered(space: Space, provider: Person, researcher: Person) -> None:
    assert "visits.csv" in text_of(provider.open("/datasets/new"))
    size = space.log_size()
    looked = provider.send("/datasets/look", path="visits.csv")
    assert "300 rows" in text_of(looked)
    assert space.log_size() == size
    # What is called like an identifier is not proposed for publication, and everything else is taken for sensitive.
    form = declared(looked.text)
    proposed = {form[f"name{n}"]: (f"keep{n}" in form, form[f"role{n}"]) for n in range(8) if f"name{n}" in form}
    assert proposed["subject_id"] == (False, "direct_identifier")
    assert proposed["score"] == (True, "sensitive")
    assert proposed["seen"] == (True, "quasi_identifier")
    made = provider.send("/datasets/register", **form)
    assert made.status_code == 303, text_of(made)
    dataset = made.headers["location"].rpartition("/")[2]
    assert "Registered by hand" in text_of(researcher.open(f"/datasets/{dataset}"))

    terms = {
        "consumer": PHARMA,
        "days": "30",
        "actions": ["aggregate", "read"],
        "delivery_modes": ["M3", "M5"],
        "purposes": ["P05"],
        "prohibitions": ["distribute", "reidentify"],
        "processing_locations": "CN-BJ, CN-SH",
        "columns": ["age", "score", "seen"],
        "does:age": "band:10",
        "does:seen": "month",
        "threshold": "9",
        "uses": "3",
    }
    page = f"/datasets/{dataset}/offer"
    assert "Offer terms" in text_of(provider.open(page))
    assert provider.send(page, **terms).status_code == 303
    (offer,) = researcher.agent.get("/v1/offers", dataset=dataset)
    assert offer["terms"]["uses"] == 3
    assert [duty["kind"] for duty in offer["terms"]["duties"]] == ["generalise", "generalise", "suppress_small_cells"]
    said = text_of(researcher.open(f"/datasets/{dataset}"))
    assert "becomes bands of 10" in said
    assert "becomes its month" in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"persons": "many"}, "whole number"),
        ({"title": ""}, "title"),
        ({"duo": []}, "duo"),
        ({"origin": "China"}, "origin"),
        ({"level": "5"}, "higher level than its source"),
        ({"deidentification_report": ""}, "needs `deidentification_report`"),
        ({"type0": "number", "keep0": "yes", "role0": "plain"}, "subject_id"),
        ({"title": MARKUP, "persons": MARKUP}, "whole number"),
    ],
)
def test_what_cannot_be_registered_is_said_and_nothing_is_lost(
    provider: Person, fields: dict[str, Any], said: str
) -> None:
    form = declared(provider.send("/datasets/look", path="visits.csv").text, description="Kept as it was", **fields)
    answer = provider.send("/datasets/register", **form)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "Kept as it was" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "path", ["", "../elsewhere.csv", "/etc/passwd", "missing.csv", "a\\b", MARKUP, "visits.parquet/x"]
)
def test_a_path_that_leads_nowhere_is_said_to(provider: Person, path: str) -> None:
    answer = provider.send("/datasets/look", path=path)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<script>alert" not in answer.text


def test_only_files_of_ones_own_folder_are_named(space: Space, people: People, provider: Person) -> None:
    space.source("theirs.csv", PHARMA).write_text("a\n1\n")
    link = space.source("linked.csv")
    link.symlink_to(space.source("theirs.csv", PHARMA))
    said = text_of(provider.open("/datasets/new"))
    assert "visits.parquet" in said
    assert "theirs.csv" not in said
    assert "linked.csv" not in said
    link.unlink()
    assert people.person(PHARMA, "provider").sign_in().send("/datasets/look", path="visits.csv").status_code == 422


def test_publishing_is_for_providers_of_their_own(space: Space, people: People, researcher: Person) -> None:
    for path in ("/datasets/new", f"/datasets/{space.datasets['csv']}/offer"):
        assert researcher.open(path).status_code == 403
    for path in ("/datasets/look", "/datasets/register", f"/datasets/{space.datasets['csv']}/offer"):
        assert researcher.send(path, path="visits.csv").status_code == 403
    other = people.person(PHARMA, "provider").sign_in()
    for dataset in (space.datasets["csv"], NEVER_WAS):
        assert other.open(f"/datasets/{dataset}/offer").status_code == 404
        assert other.send(f"/datasets/{dataset}/offer", days="1").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "days"),
        ({"days": "30"}, "actions"),
        ({"days": "30", "actions": "read", "purposes": "P99"}, "purposes"),
        ({"days": "1" * 16}, "whole number"),
        ({"days": "30", "uses": "-1"}, "whole number"),
    ],
)
def test_terms_that_cannot_be_offered_are_said_beside_the_form(
    space: Space, provider: Person, fields: dict[str, str], said: str
) -> None:
    answer = provider.send(f"/datasets/{space.datasets['csv']}/offer", **fields)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "Offer them" in text_of(answer)


# -- trying rules, taking the log along ------------------------------------------------------------------------------


def draft(folder: Path) -> bytes:
    """The rules with one purpose fewer."""
    rules = shutil.copytree(POLICIES, folder / "draft")
    table = rules / "access/rules/purpose_prohibited/data.json"
    text = table.read_text()
    assert '"P05",\n' in text
    table.write_text(text.replace('"P05",\n', ""))
    return of_folder(rules)


def test_decisions_are_made_again_and_a_draft_shows_whose_would_change(
    space: Space, people: People, operator: Person, tmp_path: Path
) -> None:
    contract = space.agree(space.datasets["csv"])
    space.read(contract)
    permitted = space.entries(type="access.decision", outcome="permit")[0]["entry"]
    officer = people.person(HOSPITAL, "officer").sign_in()
    proved = officer.send("/rules/try", contract=contract)
    assert "Every decision came out as it was recorded, byte for byte." in text_of(proved)
    assert "<progress" in proved.text
    assert officer.upload("/rules/try", draft(tmp_path), contract=contract).status_code == 403
    changed = operator.upload("/rules/try", draft(tmp_path / "2"), contract=contract)
    assert f"/entries/{permitted}" in changed.text
    assert "GEN-01" in text_of(changed)
    assert "By organisation" in text_of(changed)
    assert space.entries(type="policy.tried")


def test_what_is_no_bundle_is_refused_beside_the_form(operator: Person) -> None:
    for content in (b"!", b"\x1f\x8b" + b"x" * 100):
        answer = operator.upload("/rules/try", content)
        assert answer.status_code == 422
        assert "Decide again" in text_of(answer)
    assert operator.upload("/rules/try", b"x" * (MAX_ARCHIVE_BYTES + 300_000)).status_code == 413
    assert operator.upload("/rules/try", b"x" * (MAX_ARCHIVE_BYTES + 1)).status_code in (413, 422)
    assert operator.send("/rules/try", since="yesterday").status_code == 422


def test_trying_rules_is_for_officers(researcher: Person) -> None:
    assert researcher.open("/rules/try").status_code == 403
    assert researcher.send("/rules/try").status_code == 403


@pytest.mark.parametrize("format", ["corridor", "csv", "ndjson", "fhir"])
def test_what_the_list_shows_is_taken_along(space: Space, people: People, researcher: Person, format: str) -> None:
    officer = people.person(HOSPITAL, "officer").sign_in()
    address = f"/entries/export?type=dataset.registered&format={format}"
    assert address.replace("&", "&amp;") in officer.open("/entries", type="dataset.registered").text
    answer = officer.open(address)
    assert answer.headers["content-disposition"].startswith("attachment")
    if format == "corridor":
        assert verified(answer.content, space.vkey).valid
    assert answer.content.count(b"dataset.registered") >= 2
    assert researcher.open(address).status_code == 403
    assert officer.open("/entries/export?format=exe").status_code == 422
