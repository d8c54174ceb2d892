"""Tenants do not see one another: what is another's answers byte for byte like what never was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.space import HOSPITAL, INSTITUTE, OVERSEAS, PHARMA, ROLES, Space, registration, terms, wanted

Call = tuple[str, str, dict[str, Any]]

# Every operation that takes the id of something a tenant may have for itself, and how to ask it for that id.
BY_ID: dict[str, tuple[str, Callable[[str], Call]]] = {
    "GET /v1/datasets/{dataset}": ("dataset", lambda i: ("GET", f"/v1/datasets/{i}", {})),
    "GET /v1/datasets/{dataset}/dcat": ("dataset", lambda i: ("GET", f"/v1/datasets/{i}/dcat", {})),
    "POST /v1/datasets/{dataset}/withdraw": ("dataset", lambda i: ("POST", f"/v1/datasets/{i}/withdraw", {})),
    "GET /v1/datasets": ("dataset", lambda i: ("GET", "/v1/datasets", {"params": {"after": i}})),
    "POST /v1/offers": (
        "dataset",
        lambda i: ("POST", "/v1/offers", {"json": {"dataset": i, "terms": terms(valid_from=1)}}),
    ),
    "GET /v1/offers": ("dataset", lambda i: ("GET", "/v1/offers", {"params": {"dataset": i}})),
    "POST /v1/offers/{offer}/withdraw": ("offer", lambda i: ("POST", f"/v1/offers/{i}/withdraw", {})),
    "POST /v1/contracts": ("offer", lambda i: ("POST", "/v1/contracts", {"json": {"offer": i}})),
    "GET /v1/contracts": ("contract", lambda i: ("GET", "/v1/contracts", {"params": {"before": i}})),
    "GET /v1/contracts/{contract}": ("contract", lambda i: ("GET", f"/v1/contracts/{i}", {})),
    "GET /v1/contracts/{contract}/envelope": ("contract", lambda i: ("GET", f"/v1/contracts/{i}/envelope", {})),
    "GET /v1/contracts/{contract}/keys": ("contract", lambda i: ("GET", f"/v1/contracts/{i}/keys", {})),
    "POST /v1/contracts/{contract}/signatures": (
        "contract",
        lambda i: ("POST", f"/v1/contracts/{i}/signatures", {"json": {"protected": "e30", "signature": "AAAA"}}),
    ),
    "POST /v1/contracts/{contract}/decline": ("contract", lambda i: ("POST", f"/v1/contracts/{i}/decline", {})),
    "POST /v1/contracts/{contract}/revoke": ("contract", lambda i: ("POST", f"/v1/contracts/{i}/revoke", {})),
    "POST /v1/contracts/{contract}/suspend": ("contract", lambda i: ("POST", f"/v1/contracts/{i}/suspend", {})),
    "POST /v1/contracts/{contract}/reinstate": ("contract", lambda i: ("POST", f"/v1/contracts/{i}/reinstate", {})),
    "GET /v1/approvals": ("dataset", lambda i: ("GET", "/v1/approvals", {"params": {"dataset": i}})),
    "GET /v1/approvals/{approval}": ("approval", lambda i: ("GET", f"/v1/approvals/{i}", {})),
    "GET /v1/approvals/{approval}/envelope": ("approval", lambda i: ("GET", f"/v1/approvals/{i}/envelope", {})),
    "GET /v1/approvals/{approval}/keys": ("approval", lambda i: ("GET", f"/v1/approvals/{i}/keys", {})),
    "POST /v1/approvals/{approval}/withdraw": ("approval", lambda i: ("POST", f"/v1/approvals/{i}/withdraw", {})),
    "GET /v1/reviews": ("review", lambda i: ("GET", "/v1/reviews", {"params": {"before": i}})),
    "GET /v1/reviews/{review_id}": ("review", lambda i: ("GET", f"/v1/reviews/{i}", {})),
    "POST /v1/reviews/{review_id}/votes": (
        "review",
        lambda i: (
            "POST",
            f"/v1/reviews/{i}/votes",
            {"json": {"payload": "e30", "protected": "e30", "signature": "AAAA"}},
        ),
    ),
    "POST /v1/access": ("contract", lambda i: ("POST", "/v1/access", {"json": wanted(i)})),
    "GET /v1/audit/entries": ("contract", lambda i: ("GET", "/v1/audit/entries", {"params": {"contract": i}})),
    "GET /v1/audit/entries/{entry}": ("entry", lambda i: ("GET", f"/v1/audit/entries/{i}", {})),
    "GET /v1/receipts/{entry}/end": ("entry", lambda i: ("GET", f"/v1/receipts/{i}/end", {})),
    "GET /v1/receipts/{entry}": ("entry", lambda i: ("GET", f"/v1/receipts/{i}", {})),
    "POST /v1/policy/explain": ("contract", lambda i: ("POST", "/v1/policy/explain", {"json": wanted(i)})),
    "GET /v1/policy/decisions/{entry}": ("entry", lambda i: ("GET", f"/v1/policy/decisions/{i}", {})),
    "POST /v1/policy/replay": ("contract", lambda i: ("POST", "/v1/policy/replay", {"json": {"contract": i}})),
    "DELETE /v1/alerts/{subscription}": ("subscription", lambda i: ("DELETE", f"/v1/alerts/{i}", {})),
    "POST /v1/alerts/{subscription}/test": ("subscription", lambda i: ("POST", f"/v1/alerts/{i}/test", {})),
    "POST /v1/agents/{agent}/suspend": ("agent", lambda i: ("POST", f"/v1/agents/{i}/suspend", {})),
    "POST /v1/agents/{agent}/erase": ("agent", lambda i: ("POST", f"/v1/agents/{i}/erase", {})),
    "POST /v1/agents/{agent}/reinstate": ("agent", lambda i: ("POST", f"/v1/agents/{i}/reinstate", {})),
}
# Organisations are listed to all who are admitted; an export shows the filter it was made with (see below).
OPEN = {
    "GET /v1/participants/{participant}",
    "GET /v1/participants/{participant}/keys",
    "PUT /v1/participants/{participant}/facts",
    "POST /v1/participants/{participant}/suspend",
    "POST /v1/participants/{participant}/reinstate",
    "POST /v1/participants/{participant}/keys/{name}/approve",  # these two are for the operator
    "POST /v1/participants/{participant}/keys/{name}/refuse",
    "POST /v1/participants/{participant}/keys/{name}/compromise",  # tests/stories/test_keys.py
    "POST /v1/keys",
    "POST /v1/participants",
    "GET /v1/participants",
    "POST /v1/agents",
    "POST /v1/datasets",
    "POST /v1/token",
    "POST /v1/alerts",
    "POST /v1/sign-in-links",
    "POST /v1/issuers",
    "POST /v1/approvals",  # takes a document signed by somebody whose key the sender has not
    "GET /v1/exports",
    "GET /v1/audit/consistency",
    "GET /v1/audit/export",
    "GET /v1/audit/counts",  # and what others may follow: tests/stories/test_reviewing.py
    "GET /v1/audit/stream",
    "POST /v1/policy/what-if",  # for the operator's officer, who sees every entry
    "POST /v1/policy/bundles",  # these two are for the operator
    "POST /v1/policy/shadow",
}


@pytest.fixture(scope="module")
def things(space: Space) -> dict[str, list[str]]:
    """Ids of what is hidden from the institute: unlisted or withdrawn, offered to another, in force, drafted, ended."""
    unlisted = space.publish(registration(visibility={"participants": [PHARMA]}))["id"]
    kinds = space.publish(registration(visibility={"kinds": ["pharma"]}))["id"]
    withdrawn = space.publish(registration())["id"]
    in_force = space.agree(unlisted)
    space.read(in_force)
    draft = space.accept(space.offer(unlisted)["id"])["id"]
    revoked = space.agree(unlisted)
    space.agent(HOSPITAL, "provider").post(f"/v1/contracts/{revoked}/revoke", {})
    space.agent(HOSPITAL, "provider").post(f"/v1/datasets/{withdrawn}/withdraw", {})
    open_offer = space.offer(unlisted, consumer=None)["id"]
    named_offer = space.offer(space.datasets["csv"])["id"]
    gone_offer = space.offer(space.datasets["csv"])["id"]
    space.agent(HOSPITAL, "provider").post(f"/v1/offers/{gone_offer}/withdraw", {})
    entries = space.agent(PHARMA, "officer").get("/v1/audit/entries", contract=in_force)["entries"]
    referred = space.ask(in_force, purpose={"id": "P05", "flags": ["vulnerable"]}).json()["review"]
    body = {"address": "http://127.0.0.1:9/", "kinds": ["log.trouble"]}
    told = space.agent(HOSPITAL, "officer").post("/v1/alerts", body)["id"]
    assessed = space.approve(HOSPITAL, "pia", datasets=[unlisted])
    agents = [space.agent(did, role).agent.agent for did in (PHARMA, HOSPITAL) for role in ("researcher", "officer")]
    shut_out = space.enrol(PHARMA, "researcher", name="shut out").agent.agent
    space.agent(PHARMA, "admin").post(f"/v1/agents/{shut_out}/suspend", {})
    return {
        "dataset": [unlisted, kinds, withdrawn],
        "contract": [in_force, draft, revoked],
        "offer": [open_offer, named_offer, gone_offer],
        "entry": [entry["id"] for entry in entries[:3]],
        "agent": [*agents, shut_out],
        "approval": [assessed],
        "review": [referred],
        "subscription": [told],
    }


def never_was(real: str) -> str:
    """An id of the same form and nearly the same age that nobody has."""
    return real[:-1] + ("0" if real[-1] != "0" else "1")


def seen(response: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that an answer says, but what is of the one request: its id, the clock's time, and the body's own length."""
    own = {"x-request-id", "date", "content-length", "corridor-entry", "corridor-index"}
    return response.status_code, [pair for pair in response.headers.items() if pair[0] not in own], response.content


def test_every_operation_that_takes_an_id_is_compared_here(space: Space) -> None:
    document = httpx2.get(space.url + "/openapi.json").json()
    takes = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/v1/") and ("{" in path or operation.get("parameters") or "requestBody" in operation)
    }
    assert takes == BY_ID.keys() | OPEN


@pytest.mark.parametrize("operation", sorted(BY_ID))
def test_what_is_anothers_answers_like_what_never_was(
    space: Space, things: dict[str, list[str]], operation: str
) -> None:
    kind, call = BY_ID[operation]
    statuses = set()
    for real in things[kind]:
        for role in ROLES:
            stranger = space.agent(INSTITUTE, role)
            answers = []
            for identity in (real, never_was(real)):
                method, path, body = call(identity)
                answers.append(space.call(stranger, method, path, **body))
            assert seen(answers[0]) == seen(answers[1]), f"{role}: {answers[0].text}"
            assert real.encode() not in answers[0].content
            statuses.add(answers[0].status_code)
    # A role that may do it gets as far as the id; a listing is a listing.
    assert statuses & {404, 200}


def test_the_operator_reads_no_contract_it_is_no_party_to(space: Space, things: dict[str, list[str]]) -> None:
    for path in ("", "/envelope", "/keys"):
        real, never = (
            space.call(space.operator, "GET", f"/v1/contracts/{identity}{path}")
            for identity in (things["contract"][0], never_was(things["contract"][0]))
        )
        assert real.status_code == 404
        assert seen(real) == seen(never)


def test_an_export_of_anothers_contract_is_as_empty_as_one_of_none(space: Space, things: dict[str, list[str]]) -> None:
    shapes = []
    for identity in (things["contract"][0], never_was(things["contract"][0])):
        response = space.call(
            space.agent(INSTITUTE, "officer"), "GET", "/v1/audit/export", params={"contract": identity}
        )
        lines = [json.loads(line) for line in response.content.splitlines()]
        shapes.append([sorted(line) for line in lines])
        assert PHARMA.encode() not in response.content
    assert shapes[0] == shapes[1]


def test_a_listing_shows_a_tenant_only_its_own(space: Space, things: dict[str, list[str]]) -> None:
    for role in ROLES:
        stranger = space.agent(INSTITUTE, role)
        for path in ("/v1/datasets", "/v1/offers", "/v1/contracts"):
            text = space.call(stranger, "GET", path).text
            assert not [i for ids in things.values() for i in ids if i in text]
    assert {a["participant"] for a in space.agent(INSTITUTE, "admin").get("/v1/agents")} == {INSTITUTE}
    own = space.agent(INSTITUTE, "officer").raw("/v1/audit/export")
    assert PHARMA.encode() not in own
    assert HOSPITAL.encode() not in own


def test_an_unlisted_dataset_is_found_by_those_it_is_for(space: Space, things: dict[str, list[str]]) -> None:
    unlisted, kinds, withdrawn = things["dataset"]

    def found(did: str) -> set[str]:
        return {dataset["id"] for dataset in space.agent(did, "researcher").get("/v1/datasets")}

    assert {unlisted, kinds} <= found(PHARMA)
    assert found(OVERSEAS) & {unlisted, kinds} == {kinds}
    assert found(INSTITUTE) & {unlisted, kinds} == set()
    assert {unlisted, kinds, withdrawn} <= found(HOSPITAL)
    assert withdrawn not in found(PHARMA)


def test_searching_for_a_hidden_datasets_words_finds_nothing(space: Space) -> None:
    body = registration(visibility={"participants": [PHARMA]})
    body["metadata"] |= {"title": "Quetzalcoatl syndrome", "health_category": ["Rare diseases"]}
    hidden = space.publish(body)["id"]
    space.offer(hidden, consumer=None, purposes=["P02"])
    for query in ({"text": "quetzalcoatl"}, {"category": "Rare diseases"}, {"purpose": "P02"}):
        assert hidden in {d["id"] for d in space.agent(PHARMA, "researcher").get("/v1/datasets", **query)}
        assert space.agent(INSTITUTE, "researcher").get("/v1/datasets", **query) == []


def test_an_offer_to_one_consumer_is_no_ground_to_find_the_dataset_by_purpose(space: Space) -> None:
    dataset = space.publish(registration())["id"]
    space.offer(dataset, consumer=PHARMA, purposes=["P03"])
    found = space.agent(INSTITUTE, "researcher").get("/v1/datasets", purpose="P03")
    assert dataset not in {d["id"] for d in found}


def test_only_its_provider_sees_where_a_dataset_lies(space: Space) -> None:
    path = f"/v1/datasets/{space.datasets['csv']}"
    assert space.agent(HOSPITAL, "provider").get(path)["registration"]["source"]["path"] == "visits.csv"
    for did in (PHARMA, INSTITUTE, "operator"):
        shown = space.call(space.parties[did].agents["operator" if did == "operator" else "researcher"], "GET", path)
        assert shown.json()["registration"] is None
        assert "visits.csv" not in shown.text
