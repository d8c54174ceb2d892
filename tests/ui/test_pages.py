"""What pages show, to whom, and that nothing anybody sets can run in them."""

from __future__ import annotations

import re
import sqlite3

import pytest

from gateway.audit.event_types import TYPES
from gateway.ui.happenings import NAMES
from tests.space import HOSPITAL, NO_ENTRY, OPERATOR, PHARMA, Space, token_of, wanted
from tests.ui.people import People, Person, text_of, without_nonce

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>'\"}}{{7*7}}"


@pytest.fixture(scope="module")
def officer(space: Space, people: People) -> Person:
    """The hospital's officer, after a permit, a refusal and a referral."""
    contract = space.agree(space.datasets["csv"])
    space.read(contract)
    assert space.ask(contract, purpose={"id": "P09", "commercial": True}).status_code == 403
    return people.person(HOSPITAL, "officer").sign_in()


def decisions(space: Space, outcome: str) -> str:
    """The newest decision's entry with this outcome."""
    return str(space.entries(type="access.decision", outcome=outcome)[0]["entry"])


def test_an_officer_sees_the_day_at_a_glance(space: Space, officer: Person):
    said = text_of(officer.open("/overview"))
    assert "permitted 1" in said
    assert "refused 1" in said
    assert "GEN-03" in said
    for span in ("month", "year"):
        assert "permitted 1" in text_of(officer.open("/overview", span=span))


def test_what_an_address_of_the_overview_shows_is_what_was_counted(space: Space, officer: Person):
    page = officer.open("/overview").text
    address = re.search(r'href="(/entries\?[^"]*code=GEN-03)"', page)
    assert address is not None
    said = text_of(officer.open(address[1].replace("&amp;", "&")))
    assert said.count("Access decided") == 1 + 1  # in the list of types, and in the one line


def test_a_refusal_is_told_with_its_rule_its_law_and_what_would_pass(space: Space, officer: Person):
    said = text_of(officer.open(f"/entries/{decisions(space, 'deny')}"))
    for part in ("GEN-03", "The contract does not permit this purpose.", "NDSR 12", "What would pass now", "P05"):
        assert part in said


def test_a_refusal_is_told_in_the_readers_language(space: Space, officer: Person):
    deny = decisions(space, "deny")
    pages = [f"/entries/{deny}", "/overview", "/rules", "/rules/contract_purpose"]
    officer.browser.cookies.set("corridor-language", "zh")
    try:
        answers = {page: officer.open(page) for page in pages}
    finally:
        officer.browser.cookies.delete("corridor-language")
    said = text_of(answers[pages[0]])
    for part in ("GEN-03", "合同不准许此目的。", "NDSR 12", "若确属贵方目的"):
        assert part in said
    for page in pages:
        assert "合同" in text_of(answers[page])
        assert '<span lang="en">The ' not in answers[page].text
    # What a law is called stays, and says in which language.
    assert '<span lang="en">NDSR 12' in answers[pages[0]].text


def test_a_page_that_fails_is_a_page_and_says_nothing_of_why(space: Space, people: People):
    """Facts that nothing can read, as no gateway writes them."""
    did = "did:web:unreadable.example"
    space.admit(did, "hospital")
    operator = people.person(OPERATOR, OPERATOR).sign_in()
    with sqlite3.connect(space.settings.home / "corridor.sqlite3") as database:
        database.execute("UPDATE participant SET facts = ? WHERE id = ?", ('{"kind": "nobody"}', did))
    try:
        answer = operator.open(f"/organisations/{did}")
        over_the_api = space.http.get("/v1/participants", headers=token_of(space.operator))
    finally:
        with sqlite3.connect(space.settings.home / "corridor.sqlite3") as database:
            database.execute("DELETE FROM participant WHERE id = ?", (did,))
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    said = text_of(answer)
    assert "Something went wrong inside the gateway" in said
    assert answer.headers["x-request-id"] in said
    assert "validation" not in answer.text
    assert over_the_api.status_code == 500
    assert over_the_api.json()["type"].endswith("/internal-error")


def test_a_permit_is_told_with_what_left(space: Space, officer: Person):
    said = text_of(officer.open(f"/entries/{decisions(space, 'permit')}"))
    assert "Delivery completed" in said
    assert "300 rows" in said


def test_a_strangers_entry_is_one_that_never_was(space: Space, officer: Person):
    strange = next(e["entry"] for e in space.entries() if e["actor"]["org_id"] not in (HOSPITAL, PHARMA))
    for rest in ("", "/receipt"):
        hidden, never = officer.open(f"/entries/{strange}{rest}"), officer.open(f"/entries/{NO_ENTRY}{rest}")
        assert hidden.status_code == never.status_code == 404
        assert without_nonce(hidden).replace(strange, "") == without_nonce(never).replace(NO_ENTRY, "")


@pytest.mark.parametrize("path", ["/overview", "/entries", f"/entries/{NO_ENTRY}"])
def test_pages_of_the_log_are_for_officers(space: Space, people: People, path: str):
    researcher = people.person(PHARMA, "researcher").sign_in()
    answer = researcher.open(path)
    assert answer.status_code == 403
    assert "officer" in text_of(answer)


def test_a_look_is_an_entry(space: Space, officer: Person):
    officer.open("/entries", code="GEN-03")
    newest = space.entries(type="audit.read")[0]
    assert newest["actor"]["user_id"] == officer.agent.agent.agent
    assert newest["facts"]["filter_code"] == "GEN-03"


def test_filters_and_place_live_in_the_address(space: Space, officer: Person):
    first = officer.open("/entries", participant=HOSPITAL)
    if (older := re.search(r'href="(/entries\?[^"]*before=[^"]*)" rel="next"', first.text)) is not None:
        assert "participant=" in older[1]
    for wrong in ({"code": "a b"}, {"since": "yesterday"}, {"before": "-1"}, {"before": "x"}):
        answer = officer.open("/entries", **wrong)
        assert answer.status_code == 422
        assert "<html" in answer.text


@pytest.mark.parametrize("path", ["/", "/overview", "/entries", "/sign-in"])
def test_nothing_in_a_page_runs_but_what_came_with_it(officer: Person, path: str):
    page = officer.open(path)
    policy = page.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce is not None
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page.text)
    for script in re.findall(r"<script[^>]*>", page.text):
        assert f'nonce="{nonce[1]}"' in script
        assert " src=" in script
    assert nonce[1] not in officer.open(path).text


def test_injected_markup_is_shown_as_text(space: Space, officer: Person):
    for name in ("type", "outcome", "participant", "dataset", "contract", "agent"):
        page = officer.open("/entries", **{name: MARKUP})
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in text_of(page)
    refused = officer.open("/entries/" + "%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "<script>alert" not in refused.text


def test_a_receipt_kept_from_a_page_is_the_one_of_the_api(space: Space, officer: Person):
    entry = decisions(space, "permit")
    kept = officer.open(f"/entries/{entry}/receipt")
    assert kept.headers["content-disposition"].startswith("attachment")
    assert kept.json()["entry"] == officer.agent.get(f"/v1/receipts/{entry}")["entry"]


def test_without_a_contract_nothing_is_explained_away(space: Space, officer: Person):
    body = wanted("urn:uuid:00000000-0000-7000-8000-000000000000")
    assert space.call(space.agent(HOSPITAL, "researcher"), "POST", "/v1/access", json=body).status_code == 404
    said = text_of(officer.open(f"/entries/{decisions(space, 'deny')}"))
    assert "not-found" in said


def test_everything_that_happens_has_a_name_for_people():
    assert NAMES.keys() == TYPES.keys()
    assert len(set(NAMES.values())) == len(NAMES)
