"""What the rules refer to people: two of the provider's decide, neither seeing the other's vote, and it holds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.approvals.votes import TYPE, Question, Vote, sign_vote
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json
from gateway.crypto.signed import seal
from gateway.sdk.approval import check
from gateway.sdk.client import Client
from gateway.sdk.refusals import Refused
from tests.space import COLUMNS, HOSPITAL, INSTITUTE, PHARMA, Space, csv_text, data_space, registration, visits

# A use that touches vulnerable groups is for people to decide, whatever the dataset's permission says (rule DUO-90).
SENSITIVE = {"id": "P05", "flags": ["vulnerable"]}
ASKED = ["score", "sex"]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with data_space(tmp_path_factory.mktemp("reviews")) as made:
        for name in ("first", "second", "third"):
            made.enrol(HOSPITAL, "reviewer", name=name)
        made.source("own.csv", PHARMA).write_text(csv_text(visits(20)), encoding="utf-8", newline="")
        yield made


def referred(space: Space, **members: Any) -> tuple[str, str]:
    """A contract, and the review that a request under it opened."""
    contract = space.agree(space.datasets["csv"])
    return contract, refer(space, contract, **members)


def refer(space: Space, contract: str, **members: Any) -> str:
    response = space.ask(contract, **({"purpose": SENSITIVE} | members))
    assert response.status_code == 403, response.text
    problem = response.json()
    assert problem["type"].endswith("access-referred"), problem
    review: str = problem["review"]
    return review


def ballot(space: Space, review: str, who: str, vote: str, **members: Any) -> dict[str, Any]:
    """A vote on what the review shows, as its reviewer would sign it."""
    shown = space.agent(HOSPITAL, who).get(f"/v1/reviews/{review}")
    now = int(time.time())
    conditions = {"exp": now + 3600, "columns": shown["question"]["columns"], "obligations": []}
    if more := members.pop("conditions", {}):
        conditions |= more
    return {
        "ver": 1,
        "typ": "ReviewVote",
        "question": Question.model_validate(shown["question"]).digest,
        "reviewer": space.agent(HOSPITAL, who).agent.agent,
        "vote": vote,
        "reason": f"{who} thinks so",
        "iat": now,
        **({"conditions": conditions} if vote == "approve" else {}),
        **members,
    }


def signed(space: Space, body: dict[str, Any], who: str) -> dict[str, str]:
    content = Vote.model_validate(body)
    document: dict[str, str] = json.loads(sign_vote(content, space.agent(HOSPITAL, who).agent.key))
    return document


def cast(space: Space, review: str, who: str, vote: str = "approve", **members: Any) -> Any:
    body = signed(space, ballot(space, review, who, vote, **members), who)
    return space.agent(HOSPITAL, who).post(f"/v1/reviews/{review}/votes", body)


def refusal(client: Client, review: str, body: Any) -> str:
    with pytest.raises(Refused) as told:
        client.post(f"/v1/reviews/{review}/votes", body)
    return told.value.code


def test_two_people_approve_and_it_holds_for_what_was_asked(space: Space) -> None:
    contract, review = referred(space)
    # Asked again while it is open, it is the same review.
    assert refer(space, contract) == review
    assert refer(space, contract, columns=["sex"]) != review
    shown = cast(space, review, "first", conditions={"obligations": [{"kind": "cap_rows", "rows": 7}]})
    assert (shown["state"], shown["votes_in"]) == ("open", 1)
    assert refer(space, contract) == review
    assert cast(space, review, "second")["state"] == "approved"

    rows = space.read(contract, purpose=SENSITIVE)
    assert len(rows) == 7
    assert refer(space, contract, columns=["sex", "ward"])
    # What the committee was not shown it did not decide on: another flag, a longer use, another project.
    for unseen in (
        {"purpose": SENSITIVE | {"flags": ["illegal_behaviour"]}},
        {"purpose": SENSITIVE | {"flags": ["vulnerable", "migration"]}},
        {"months": 6},
        {"project": "PRJ-1"},
    ):
        assert refer(space, contract, **unseen) != review
    assert space.read(contract, purpose=SENSITIVE, filter={"column": "sex", "op": "eq", "value": "female"})
    assert refer(space, space.agree(space.datasets["csv"])) != review

    officer = space.agent(PHARMA, "officer")
    envelope, keys = (officer.raw(f"/v1/approvals/{review}/{part}") for part in ("envelope", "keys"))
    found = check(envelope, keys, now=int(time.time()))
    assert found["approved"]
    assert found["rules"] == ["DUO-90"]
    assert found["obligations"] == [{"kind": "cap_rows", "rows": 7}]

    space.agent(HOSPITAL, "officer").post(f"/v1/approvals/{review}/withdraw", {})
    assert refer(space, contract) not in ("", review)


def test_the_committee_sees_what_was_asked_on_what_and_why(space: Space) -> None:
    _, review = referred(space)
    committee = space.agent(HOSPITAL, "first").get(f"/v1/reviews/{review}")
    assert {reason["code"] for reason in committee["reasons"]} == {"DUO-90"}
    assert committee["input"]["request"]["purpose"]["flags"] == ["vulnerable"]
    assert committee["question"]["columns"] == ASKED
    consumer = space.agent(PHARMA, "researcher").get(f"/v1/reviews/{review}")
    assert (consumer["reasons"], consumer["input"]) == (None, None)
    assert consumer["question"] == committee["question"]
    for client in (space.agent(INSTITUTE, "reviewer"), space.operator):
        with pytest.raises(Refused) as told:
            client.get(f"/v1/reviews/{review}")
        assert told.value.code == "not-found"
        assert review not in {one["id"] for one in client.get("/v1/reviews")}


def test_nobody_sees_a_vote_before_both_are_in(space: Space) -> None:
    _, review = referred(space)
    cast(space, review, "first", "refuse", reason="They did not say for whom.")
    everyone = [space.agent(HOSPITAL, who) for who in ("second", "officer", "admin")] + [space.agent(PHARMA, "officer")]
    for client in everyone:
        shown = client.raw(f"/v1/reviews/{review}")
        assert json.loads(shown)["votes"] == []
        assert b"They did not say" not in shown
    assert len(space.agent(HOSPITAL, "first").get(f"/v1/reviews/{review}")["votes"]) == 1
    # Nor in the log, where the provider's officer reads: only that a vote was cast.
    told = space.entries(type="review.vote")[0]
    assert told["event"]["outcome"] == "success"
    assert set(told["facts"]) == {"vote"}
    assert cast(space, review, "second")["state"] == "refused"
    for client in everyone:
        votes = client.get(f"/v1/reviews/{review}")["votes"]
        assert {one["reason"] for one in votes} == {"They did not say for whom.", "second thinks so"}
    entry = space.entries(type="review.decision")[0]
    assert entry["event"]["outcome"] == "deny"
    assert "They did not say" not in json.dumps(space.entries(limit=500))


def test_one_refusal_refuses_and_opens_the_way_to_ask_again(space: Space) -> None:
    contract, review = referred(space)
    cast(space, review, "first")
    assert cast(space, review, "second", "refuse")["state"] == "refused"
    assert refer(space, contract) != review
    late = signed(space, ballot(space, review, "third", "approve"), "third")
    assert refusal(space.agent(HOSPITAL, "third"), review, late) == "review-closed"


def test_one_person_is_not_two(space: Space) -> None:
    contract, review = referred(space)
    cast(space, review, "first")
    again = signed(space, ballot(space, review, "first", "approve", reason="again"), "first")
    assert refusal(space.agent(HOSPITAL, "first"), review, again) == "not-a-reviewer"
    # A vote of one's own under another's name, or another's sent in: neither is a second person.
    second = space.agent(HOSPITAL, "second").agent.agent
    borrowed = ballot(space, review, "first", "approve", reviewer=second)
    assert refusal(space.agent(HOSPITAL, "second"), review, signed(space, borrowed, "first")) == "vote-refused"
    theirs = signed(space, ballot(space, review, "third", "approve"), "third")
    assert refusal(space.agent(HOSPITAL, "second"), review, theirs) == "vote-refused"
    assert refer(space, contract) == review


def test_who_is_not_of_the_committee_does_not_vote(space: Space) -> None:
    _, review = referred(space)
    body = signed(space, ballot(space, review, "first", "approve"), "first")
    for did, role, code in (
        (PHARMA, "officer", "not-found"),
        (INSTITUTE, "reviewer", "not-found"),
        (HOSPITAL, "provider", "role-needed"),
        (PHARMA, "researcher", "role-needed"),
    ):
        assert refusal(space.agent(did, role), review, body) == code
    assert refusal(space.operator, review, body) == "not-found"


BAD_VOTES: dict[str, dict[str, Any]] = {
    "another question": {"question": "sha256:" + "0" * 64},
    "a column that was not asked for": {"conditions": {"columns": [*ASKED, "note"]}},
    "no column": {"conditions": {"columns": []}},
    "over before it begins": {"conditions": {"exp": 1}},
    "dated long ago": {"iat": 1000, "conditions": {"exp": int(time.time()) + 3600}},
    "a band of texts": {
        "conditions": {"obligations": [{"kind": "generalise", "column": "sex", "method": "band", "width": 5}]}
    },
    "a column that is not there": {"conditions": {"obligations": [{"kind": "drop", "column": "nobody"}]}},
    "nothing left": {"conditions": {"obligations": [{"kind": "drop", "column": c} for c in ASKED]}},
    "longer than a year": {"conditions": {"exp": int(time.time()) + 400 * 86_400}},
    "dated tomorrow": {"iat": int(time.time()) + 86_400, "conditions": {"exp": int(time.time()) + 2 * 86_400}},
    "an obligation nobody can meet": {"conditions": {"obligations": [{"kind": "cap_rows", "rows": "few"}]}},
}


@pytest.mark.parametrize("name", BAD_VOTES)
def test_a_vote_that_is_none_is_refused_and_costs_nothing(space: Space, name: str) -> None:
    _, review = referred(space)
    body = signed(space, ballot(space, review, "first", "approve", **BAD_VOTES[name]), "first")
    assert refusal(space.agent(HOSPITAL, "first"), review, body) == "vote-refused"
    assert cast(space, review, "first")["votes_in"] == 1


@pytest.mark.parametrize(
    "members",
    [
        {"vote": "refuse"},
        {"reason": ""},
        {"reason": "x" * 2001},
        {"conditions": {"exp": 1, "columns": ASKED, "obligations": [{"kind": "reveal"}]}},
        {"waives": ["PIPL-01"]},
        {"vote": "abstain"},
        {"conditions": None},
    ],
)
def test_what_cannot_be_signed_is_refused_when_it_comes_signed(space: Space, members: dict[str, Any]) -> None:
    """Nobody's own program has to keep to the form: the gateway judges it."""
    _, review = referred(space)
    honest = signed(space, ballot(space, review, "first", "approve"), "first")
    payload = json.loads(b64url_decode(honest["payload"])) | members
    key, reviewer = space.agent(HOSPITAL, "first").agent.key, payload["reviewer"]
    body = json.loads(seal(payload, key, reviewer, typ=TYPE, iat=payload["iat"]))
    assert refusal(space.agent(HOSPITAL, "first"), review, body) == "vote-refused"
    other = b64url_encode(canonical_json(json.loads(b64url_decode(honest["payload"])) | {"reason": "no"}))
    unsigned = honest | {"payload": other}
    assert refusal(space.agent(HOSPITAL, "first"), review, unsigned) == "vote-refused"


def test_the_two_agree_on_the_strictest(space: Space) -> None:
    contract, review = referred(space, columns=["sex", "score", "age"])
    cast(space, review, "first", conditions={"columns": ["age", "sex"]})
    cast(space, review, "second", conditions={"columns": ["score", "sex"]})
    assert space.read(contract, purpose=SENSITIVE, columns=["sex"])
    assert refer(space, contract, columns=["sex", "score"])
    assert refer(space, contract, columns=["age"])


def test_two_that_agree_on_nothing_refuse(space: Space) -> None:
    _, review = referred(space)
    cast(space, review, "first", conditions={"columns": ["sex"]})
    assert cast(space, review, "second", conditions={"columns": ["score"]})["state"] == "refused"


def test_a_committee_lifts_no_denial(space: Space) -> None:
    contract, review = referred(space)
    cast(space, review, "first")
    cast(space, review, "second")
    denied = space.ask(contract, purpose={"id": "P06", "flags": ["vulnerable"]})
    assert denied.status_code == 403
    assert denied.json()["type"].endswith("access-denied")
    assert "review" not in denied.json()


def test_a_contract_has_so_many_open_reviews(space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    asked = [[a, b] for a in COLUMNS for b in COLUMNS if a < b][:21]
    answers = [space.ask(contract, purpose=SENSITIVE, columns=columns).json() for columns in asked]
    reviews = [answer["review"] for answer in answers]
    assert None not in reviews[:20]
    assert len(set(reviews[:20])) == 20
    assert reviews[20] is None
    assert "ask again once some are decided" in answers[20]["detail"]
    assert "ask again once" not in answers[19]["detail"]


def test_nobody_takes_the_name_of_a_review(space: Space) -> None:
    """A recipient learns the review's id with the referral; an approval of its own under it would bar the decision."""
    _, review = referred(space)
    dataset = space.publish(registration(source={"kind": "csv", "path": "own.csv"}), did=PHARMA)["id"]
    body = space.signed(space.approval(PHARMA, "pia", id=review, datasets=[dataset], recipients=[HOSPITAL]))
    with pytest.raises(Refused) as told:
        space.agent(PHARMA, "researcher").post("/v1/approvals", body)
    assert told.value.code == "conflict"
    cast(space, review, "first")
    assert cast(space, review, "second")["state"] == "approved"


def test_who_was_shut_out_before_the_other_vote_has_not_decided(space: Space) -> None:
    _, review = referred(space)
    leaving = space.enrol(HOSPITAL, "reviewer", name="leaving")
    cast(space, review, "leaving")
    space.agent(HOSPITAL, "admin").post(f"/v1/agents/{leaving.agent.agent}/suspend", {})
    assert cast(space, review, "first")["state"] == "open"
    assert cast(space, review, "second")["state"] == "approved"


def test_decisions_on_many_contracts_do_not_push_one_another_out(space: Space) -> None:
    contracts = []
    for _ in range(21):
        contract, review = referred(space)
        cast(space, review, "first")
        cast(space, review, "second")
        contracts.append(contract)
    assert space.read(contracts[0], purpose=SENSITIVE)


def test_what_the_rules_were_asked_on_is_for_the_committee_and_the_look_is_an_entry(space: Space) -> None:
    _, review = referred(space)
    for role, sees in (("reviewer", True), ("officer", True), ("researcher", False), ("provider", False)):
        shown = space.agent(HOSPITAL, role).get(f"/v1/reviews/{review}")
        assert (shown["input"] is not None) is sees, role
        assert (shown["reasons"] is not None) is sees, role
    space.agent(HOSPITAL, "officer").token()
    size = space.log_size()
    space.agent(HOSPITAL, "officer").get(f"/v1/reviews/{review}")
    assert space.log_size() == size + 1
