"""Each person's job on the pages, its refusals first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.space import HOSPITAL, INSTITUTE, NEVER_WAS, PHARMA, Space, registration
from tests.ui.people import People, Person, text_of, without_nonce

MARKUP = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def researcher(people: People) -> Person:
    return people.person(PHARMA, "researcher").sign_in()


@pytest.fixture(scope="module")
def provider(people: People) -> Person:
    return people.person(HOSPITAL, "provider").sign_in()


@pytest.fixture
def offer(space: Space) -> Iterator[str]:
    made = space.offer(space.datasets["csv"])["id"]
    yield made
    space.call(space.agent(HOSPITAL, "provider"), "POST", f"/v1/offers/{made}/withdraw", json={})


def asked(contract: str, **fields: str | list[str]) -> dict[str, str | list[str]]:
    form = {"contract": contract, "action": "read", "mode": "M5", "purpose": "P05", "columns": ["sex", "score"]}
    return {**form, "format": "csv", "do": "run", **fields}


# -- finding ---------------------------------------------------------------------------------------------------------


def test_data_is_found_by_words_category_provider_and_purpose(space: Space, researcher: Person, offer: str):
    for query in ({"text": "parquet-file"}, {"category": "Chronic diseases"}):
        said = text_of(researcher.open("/datasets", **query))
        assert "Visits to a clinic, as parquet" in said
        assert "Visits to a clinic, as csv" not in said
    assert "Visits to a clinic, as csv" in text_of(researcher.open("/datasets", purpose="P05", provider=HOSPITAL))
    assert "Nothing that you may find fits" in text_of(researcher.open("/datasets", text="moonshine"))
    assert researcher.open("/datasets", purpose="X").status_code == 422


def test_a_hidden_dataset_is_one_that_never_was(space: Space, researcher: Person):
    hidden = space.publish(registration(visibility={"participants": [INSTITUTE]}))["id"]
    for path in (
        "/datasets/{}",
        "/datasets/{}/withdraw",
        "/ask?contract={}",
        "/contracts/{}",
        "/contracts/{}/envelope",
    ):
        there, never = researcher.open(path.format(hidden)), researcher.open(path.format(NEVER_WAS))
        assert there.status_code == never.status_code
        assert without_nonce(there).replace(hidden, "") == without_nonce(never).replace(NEVER_WAS, "")
    assert hidden not in researcher.open("/datasets").text


def test_lists_go_on_where_they_left_off(space: Space, people: People):
    for n in range(23):
        space.publish(
            registration(metadata={**registration()["metadata"], "title": f"Paged {n:02}", "keyword": ["paged"]})
        )
    person = people.person(INSTITUTE, "researcher").sign_in()
    first = person.open("/datasets", text="paged")
    older = re.search(r'href="(/datasets\?[^"]*)" rel="next"', first.text)
    assert older is not None
    second = person.open(older[1].replace("&amp;", "&"))
    titles = [re.findall(r"Paged \d\d", text_of(page)) for page in (first, second)]
    assert [len(page) for page in titles] == [20, 3]
    assert len({*titles[0], *titles[1]}) == 23


def test_what_a_provider_writes_is_shown_as_text(space: Space, researcher: Person):
    metadata = {**registration()["metadata"], "title": MARKUP, "description": MARKUP, "health_category": [MARKUP]}
    columns = [{**one, "description": MARKUP} for one in registration()["columns"]]
    marked = space.publish(registration(metadata=metadata, columns=columns))["id"]
    for page in (researcher.open("/datasets"), researcher.open(f"/datasets/{marked}")):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text
    space.agent(HOSPITAL, "provider").post(f"/v1/datasets/{marked}/withdraw", {})


# -- agreeing --------------------------------------------------------------------------------------------------------


def test_from_an_offer_to_a_contract_in_force_and_out_of_it(
    space: Space, researcher: Person, provider: Person, offer: str
):
    dataset = space.datasets["csv"]
    assert "becomes bands of 10" in text_of(researcher.open(f"/datasets/{dataset}"))
    assert researcher.browser.post(f"/datasets/{dataset}/accept/{offer}").status_code == 403  # no form of ours
    drafted = researcher.send(f"/datasets/{dataset}/accept/{offer}")
    contract = drafted.headers["location"].rpartition("/")[2]
    assert "waits for your signature" in text_of(provider.open("/contracts"))
    assert "A contract to sign" in text_of(provider.open("/"))
    page = provider.open(f"/contracts/{contract}")
    assert space.agent(HOSPITAL, "provider").get(f"/v1/contracts/{contract}")["digest"] in page.text
    for wrong in ("", "{}", '{"protected": 1, "signature": "x"}', '{"protected": "e30", "signature": "x"}', "[]"):
        assert provider.send(f"/contracts/{contract}/sign", entry=wrong).status_code in (422, 400, 403)
    for person, did in ((provider, HOSPITAL), (researcher, PHARMA)):
        draft = person.agent.get(f"/v1/contracts/{contract}")
        signed = person.send(f"/contracts/{contract}/sign", entry=json.dumps(space.parties[did].sign(draft)))
        assert signed.status_code == 303
    assert "FINALIZED" in text_of(researcher.open(f"/contracts/{contract}"))
    assert researcher.open(f"/contracts/{contract}/envelope").json()["signatures"]
    # A researcher revokes nothing; a provider sees first what it stops.
    assert researcher.open(f"/contracts/{contract}/revoke").status_code == 403
    assert researcher.send(f"/contracts/{contract}/revoke").status_code == 403
    assert "Nothing is granted under it any more" in text_of(provider.open(f"/contracts/{contract}/revoke"))
    assert provider.send(f"/contracts/{contract}/revoke").status_code == 303
    assert "REVOKED" in text_of(provider.open(f"/contracts/{contract}"))
    assert provider.send(f"/contracts/{contract}/revoke").status_code == 409
    assert space.ask(contract).status_code == 403


def test_a_draft_is_declined(space: Space, researcher: Person, provider: Person, offer: str):
    drafted = researcher.send(f"/datasets/{space.datasets['csv']}/accept/{offer}")
    contract = drafted.headers["location"].rpartition("/")[2]
    assert provider.send(f"/contracts/{contract}/decline").status_code == 303
    assert "TERMINATED" in text_of(researcher.open(f"/contracts/{contract}"))
    assert "Sign it" not in text_of(researcher.open(f"/contracts/{contract}"))


def test_an_offer_to_somebody_else_is_accepted_by_nobody_else(space: Space, researcher: Person, provider: Person):
    elsewhere = space.offer(space.datasets["csv"], consumer=INSTITUTE)["id"]
    path = f"/datasets/{space.datasets['csv']}/accept/{elsewhere}"
    assert researcher.send(path).status_code == 404
    assert provider.send(path).status_code == 403  # has no role that accepts
    other = space.offer(space.datasets["parquet"])["id"]
    assert researcher.send(f"/datasets/{space.datasets['csv']}/accept/{other}").status_code == 404


def test_a_provider_sees_who_uses_its_data_and_takes_it_out(space: Space, researcher: Person, provider: Person):
    dataset = space.publish(registration())["id"]
    contract = space.agree(dataset)
    space.read(contract)
    said = text_of(provider.open(f"/datasets/{dataset}"))
    assert re.search(r"pharma\.example 1 1 300", said)
    assert "Who uses it" not in text_of(researcher.open(f"/datasets/{dataset}"))
    assert researcher.open(f"/datasets/{dataset}/withdraw").status_code == 403
    assert "pharma.example" in text_of(provider.open(f"/datasets/{dataset}/withdraw"))
    assert provider.send(f"/datasets/{dataset}/withdraw").status_code == 303
    assert researcher.open(f"/datasets/{dataset}").status_code == 404
    assert space.ask(contract).status_code == 403


def test_a_provider_withdraws_an_offer(space: Space, researcher: Person, provider: Person):
    offer = space.offer(space.datasets["csv"])["id"]
    path = f"/datasets/{space.datasets['csv']}/offers/{offer}/withdraw"
    assert researcher.send(path).status_code == 403
    assert provider.send(path).status_code == 303
    assert researcher.send(f"/datasets/{space.datasets['csv']}/accept/{offer}").status_code in (409, 422)


# -- asking ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contract(space: Space) -> str:
    return space.agree(space.datasets["csv"], uses=50)


def test_rows_come_as_a_file_whose_grant_is_in_the_log(space: Space, researcher: Person, contract: str):
    answer = researcher.send("/ask", **asked(contract))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.text.splitlines()) == 301
    newest = space.entries(type="data.transfer.completed")[0]
    assert newest["result"]["bytes"] == len(answer.content)


def test_counts_are_shown_with_what_is_suppressed(researcher: Person, contract: str):
    answer = researcher.send("/ask", **asked(contract, action="aggregate", mode="M3", group_by=["ward"]))
    said = text_of(answer)
    assert "groups." in said
    assert "suppressed" in said.partition("What to do")[0].rpartition("count")[2]


def test_rows_are_counted_where_persons_would_overlap(researcher: Person, contract: str):
    overlapping = {"action": "aggregate", "mode": "M3", "group_by": ["score"]}
    said = text_of(researcher.send("/ask", **asked(contract, **overlapping)))
    assert "Persons are in several of the groups" in said
    assert "Count rows instead" in said
    assert "groups." in text_of(researcher.send("/ask", **asked(contract, **overlapping, count="rows")))


def test_would_it_pass_grants_nothing(space: Space, researcher: Person, contract: str):
    before = space.left(contract)
    said = text_of(researcher.send("/ask", **asked(contract, do="explain", mode="M3")))
    assert "refused" in said
    assert "GEN-11" in said
    assert "What would pass: Ask in mode M5." in said
    assert "permitted" in text_of(researcher.send("/ask", **asked(contract, do="explain")))
    assert space.left(contract) == before


def test_a_refusal_says_why_and_keeps_what_was_typed(researcher: Person, contract: str):
    form = asked(contract, mode="M3", column0="score", op0="ge", value0="1.5", limit="7", disease_terms="MONDO:0005148")
    answer = researcher.send("/ask", **form)
    assert answer.status_code == 403
    assert "GEN-11" in text_of(answer)
    for kept in (
        'value="1.5"',
        'value="7"',
        'value="MONDO:0005148"',
        'value="sex" checked',
        '<option value="ge" selected',
    ):
        assert kept in answer.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"column0": "score", "op0": "ge", "value0": "much"}, "holds numbers"),
        ({"column0": "subject_id", "op0": "eq", "value0": "1.5"}, "whole number"),
        ({"limit": "few"}, "whole number"),
        ({"purpose": "everything"}, "purpose"),
        ({"action": "steal"}, "action"),
        ({"disease_terms": "flu"}, "disease_terms"),
        ({"column0": "score", "op0": "like", "value0": "1"}, "op"),
        ({"limit": MARKUP}, "whole number"),
    ],
)
def test_bad_input_is_said_beside_the_form(researcher: Person, contract: str, fields: dict[str, str], said: str):
    answer = researcher.send("/ask", **asked(contract, **fields))
    assert answer.status_code in (422, 403)
    assert said in text_of(answer)
    assert "<script>alert" not in answer.text
    assert 'name="do" value="run"' in answer.text


def test_conditions_hold_together(researcher: Person, contract: str):
    form = asked(contract, column0="score", op0="lt", value0="0", column1="sex", op1="eq", value1="female")
    rows = researcher.send("/ask", **form).text.splitlines()[1:]
    assert rows
    assert all(row.startswith('"female",-') for row in rows)


def test_asking_is_for_researchers_under_their_own_contract(
    space: Space, people: People, provider: Person, contract: str
):
    assert provider.open(f"/ask?contract={contract}").status_code == 403
    assert provider.send("/ask", **asked(contract)).status_code == 403
    seller = people.person(HOSPITAL, "researcher").sign_in()
    assert seller.open(f"/ask?contract={contract}").status_code == 404  # a party, and not the one who may ask
    stranger = people.person(INSTITUTE, "researcher").sign_in()
    assert stranger.open(f"/ask?contract={contract}").status_code == 404


def test_what_is_referred_leads_to_its_review(researcher: Person, contract: str):
    answer = researcher.send("/ask", **asked(contract, flags=["vulnerable"]))
    found = re.search(r'href="(/reviews/[^"]+)"', answer.text)
    assert found is not None
    assert "DUO-90" in text_of(researcher.open(found[1]))


def test_my_requests_are_mine(space: Space, people: People, researcher: Person, contract: str):
    space.read(contract)
    newest = space.entries(type="access.decision")[0]["entry"]
    page = researcher.open("/receipts")
    assert newest in page.text
    assert researcher.open(f"/entries/{newest}/receipt").json()["entry"]
    space.enrol(PHARMA, "researcher", name="colleague")
    assert newest not in people.person(PHARMA, "colleague").sign_in().open("/receipts").text
    assert people.person(HOSPITAL, "officer").sign_in().open("/receipts").status_code == 403
    assert "300" in text_of(researcher.open("/receipts", kind="data.transfer.completed"))


# -- rules and alerts ------------------------------------------------------------------------------------------------


def test_rules_are_found_and_say_what_they_can_say(researcher: Person):
    said = text_of(researcher.open("/rules", text="NDSR purpose"))
    assert "GEN-03" in said
    assert "DUO-01" not in said
    one = text_of(researcher.open("/rules/contract_purpose"))
    assert "State a purpose of the contract" in one
    assert "%" not in text_of(researcher.open("/rules/duo_permission"))
    assert researcher.open("/rules/moonshine").status_code == 404


def test_an_officer_subscribes_to_alerts_and_ends_them(space: Space, people: People, researcher: Person):
    officer = people.person(HOSPITAL, "officer").sign_in()
    assert researcher.open("/alerts").status_code == 403
    refused = officer.send("/alerts", address="ftp://x.example/", kinds="log.trouble")
    assert refused.status_code == 422
    assert 'value="ftp://x.example/"' in refused.text
    assert "Choose what" in text_of(officer.send("/alerts", address="http://127.0.0.1:9/"))
    assert officer.send("/alerts", address="http://127.0.0.1:9/hook", kinds="log.trouble").status_code == 303
    one = officer.agent.get("/v1/alerts")[0]["id"]
    assert "Trouble of the log" in text_of(officer.open("/alerts"))
    other = people.person(PHARMA, "officer").sign_in()
    assert other.send(f"/alerts/{one}/end").status_code == 404
    assert other.send(f"/alerts/{one}/test").status_code == 404
    assert officer.send(f"/alerts/{one}/test").status_code == 303
    assert officer.send(f"/alerts/{one}/end").status_code == 303
    assert officer.agent.get("/v1/alerts") == []
