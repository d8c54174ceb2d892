"""What each role may do, operation by operation; and nothing on /v1 without a token."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from gateway.crypto.private import generate, public_jwk
from gateway.sdk.client import Client
from tests.space import (
    HOSPITAL,
    NEVER_WAS,
    NO_AGENT,
    NO_ENTRY,
    OPERATOR,
    PHARMA,
    ROLES,
    Party,
    Space,
    registration,
    terms,
    token_of,
    wanted,
)

EVERYONE = frozenset({*ROLES, "operator"})
NOBODY = "did:web:nobody.example"

# Who may do what. Ids are of what never was: the role is judged before anything is looked for.
MAY: dict[str, frozenset[str]] = {
    "POST /v1/participants": frozenset({"operator"}),
    "GET /v1/participants": EVERYONE,
    "GET /v1/participants/{participant}": EVERYONE,
    "GET /v1/participants/{participant}/keys": EVERYONE,
    "POST /v1/keys": frozenset({"admin"}),
    "GET /v1/keys/waiting": frozenset({"admin", "operator"}),
    "POST /v1/participants/{participant}/keys/{name}/approve": frozenset({"operator"}),
    "POST /v1/participants/{participant}/keys/{name}/refuse": frozenset({"operator"}),
    "POST /v1/participants/{participant}/keys/{name}/compromise": frozenset({"admin", "operator"}),
    "PUT /v1/participants/{participant}/facts": frozenset({"operator"}),
    "POST /v1/participants/{participant}/suspend": frozenset({"operator"}),
    "POST /v1/participants/{participant}/reinstate": frozenset({"operator"}),
    "GET /v1/agents": frozenset({"admin", "operator", "officer"}),
    "POST /v1/agents": frozenset({"admin", "operator"}),
    "POST /v1/agents/{agent}/suspend": frozenset({"admin", "operator"}),
    "POST /v1/agents/{agent}/erase": frozenset({"admin", "operator"}),
    "POST /v1/agents/{agent}/reinstate": frozenset({"admin", "operator"}),
    "GET /v1/me": EVERYONE,
    "POST /v1/sign-in-links": EVERYONE,
    "POST /v1/alerts": frozenset({"officer", "operator"}),
    "GET /v1/alerts": frozenset({"officer", "operator"}),
    "GET /v1/alerts/key": frozenset({"officer", "operator"}),
    "POST /v1/alerts/{subscription}/test": frozenset({"officer", "operator"}),
    "DELETE /v1/alerts/{subscription}": frozenset({"officer", "operator"}),
    "POST /v1/datasets": frozenset({"provider"}),
    "GET /v1/datasets": EVERYONE,
    "GET /v1/datasets/{dataset}": EVERYONE,
    "GET /v1/datasets/{dataset}/dcat": EVERYONE,
    "POST /v1/datasets/{dataset}/withdraw": frozenset({"provider"}),
    "GET /v1/offers": EVERYONE,
    "POST /v1/offers": frozenset({"provider"}),
    "POST /v1/offers/{offer}/withdraw": frozenset({"provider"}),
    "GET /v1/contracts": EVERYONE,
    "POST /v1/contracts": frozenset({"researcher", "admin"}),
    "GET /v1/contracts/{contract}": EVERYONE,
    "GET /v1/contracts/{contract}/envelope": EVERYONE,
    "GET /v1/contracts/{contract}/keys": EVERYONE,
    "POST /v1/contracts/{contract}/signatures": frozenset({"provider", "researcher", "admin"}),
    "POST /v1/contracts/{contract}/decline": frozenset({"provider", "researcher", "admin"}),
    "POST /v1/contracts/{contract}/revoke": frozenset({"provider", "admin", "operator"}),
    "POST /v1/contracts/{contract}/suspend": frozenset({"provider", "admin", "operator"}),
    "POST /v1/contracts/{contract}/reinstate": frozenset({"provider", "admin", "operator"}),
    "GET /v1/issuers": EVERYONE,
    "POST /v1/issuers": frozenset({"operator"}),
    "GET /v1/approvals": EVERYONE,
    "POST /v1/approvals": EVERYONE,
    "GET /v1/approvals/{approval}": EVERYONE,
    "GET /v1/approvals/{approval}/envelope": EVERYONE,
    "GET /v1/approvals/{approval}/keys": EVERYONE,
    "POST /v1/approvals/{approval}/withdraw": frozenset({"admin", "officer", "provider", "operator"}),
    "GET /v1/reviews": EVERYONE,
    "GET /v1/reviews/{review_id}": EVERYONE,
    "POST /v1/reviews/{review_id}/votes": frozenset({"reviewer", "officer"}),
    "GET /v1/exports": frozenset({"officer", "provider", "admin"}),
    "POST /v1/access": frozenset({"researcher"}),
    "GET /v1/audit/entries": frozenset({"officer", "operator"}),
    "GET /v1/audit/entries/{entry}": frozenset({"officer", "operator"}),
    "GET /v1/audit/export": frozenset({"officer", "operator"}),
    "GET /v1/audit/counts": frozenset({"officer", "operator"}),
    "GET /v1/audit/stream": frozenset({"officer", "operator"}),
    "GET /v1/audit/checkpoint": EVERYONE,
    "GET /v1/audit/consistency": EVERYONE,
    "GET /v1/audit/key": EVERYONE,
    "GET /v1/receipts/{entry}": EVERYONE,
    "GET /v1/receipts/{entry}/end": EVERYONE,
    "GET /v1/policy/rules": EVERYONE,
    "POST /v1/policy/explain": frozenset({"researcher"}),
    "GET /v1/policy/decisions/{entry}": frozenset({"officer", "operator"}),
    "POST /v1/policy/replay": frozenset({"officer", "operator"}),
    "POST /v1/policy/what-if": frozenset({"operator"}),
    "GET /v1/policy/bundles": EVERYONE,
    "POST /v1/policy/bundles": frozenset({"operator"}),
    "GET /v1/policy/shadow": frozenset({"operator"}),
    "POST /v1/policy/shadow": frozenset({"operator"}),
    "DELETE /v1/policy/shadow": frozenset({"operator"}),
}
NEEDS_NO_TOKEN = ("/v1/token", "/v1/status/1")

IDS = {
    "participant": NOBODY,
    "name": "contract-1",
    "agent": NO_AGENT,
    "dataset": NEVER_WAS,
    "offer": NEVER_WAS,
    "contract": NEVER_WAS,
    "entry": NO_ENTRY,
    "approval": NEVER_WAS,
    "review_id": NEVER_WAS,
    "subscription": "sub_never-was",
}


def body_of(space: Space, operation: str) -> dict[str, Any] | None:
    key = dict(public_jwk(generate("ES256")))
    admission, _key = space.admission(Party(NOBODY, dict(generate("Ed25519"))), "pharma")
    return {
        # A kid of another organisation: refused, but only after the role was judged.
        "POST /v1/participants": admission | {"contract_key": admission["contract_key"] | {"kid": f"{PHARMA}#x"}},
        "POST /v1/agents": {"label": "x", "roles": ["researcher"], "location": "CN-BJ", "key": key},
        "POST /v1/datasets": registration(source={"kind": "csv", "path": "../elsewhere.csv"}),
        "POST /v1/offers": {"dataset": NEVER_WAS, "terms": terms()},
        "POST /v1/contracts": {"offer": NEVER_WAS},
        "POST /v1/sign-in-links": {"client_assertion": "e30.e30.e30"},
        "POST /v1/alerts": {"address": "https://", "kinds": ["log.trouble"]},
        "POST /v1/contracts/{contract}/signatures": {"protected": "e30", "signature": "AAAA"},
        "POST /v1/keys": {"request": {"payload": "e30", "protected": "e30", "signature": "AAAA"}},
        "POST /v1/participants/{participant}/keys/{name}/compromise": {},
        "PUT /v1/participants/{participant}/facts": admission["facts"],
        "POST /v1/issuers": {"participant": NOBODY, "kinds": ["ethics"]},
        "POST /v1/approvals": {"payload": "e30", "protected": "e30", "signature": "AAAA"},
        "POST /v1/reviews/{review_id}/votes": {"payload": "e30", "protected": "e30", "signature": "AAAA"},
        "POST /v1/access": wanted(NEVER_WAS),
        "POST /v1/policy/explain": wanted(NEVER_WAS),
        "POST /v1/policy/replay": {"contract": NEVER_WAS},
    }.get(operation)


def ask(space: Space, client: Client | None, operation: str) -> httpx2.Response:
    method, path = operation.split()
    params: dict[str, Any] | None = {"old": 1} if path.endswith("/consistency") else None
    if path.endswith("/counts"):
        params = {"by": "outcome"}
    if path.endswith("/stream"):  # it has no end: its head says who may
        headers = token_of(client) if client else {}
        with space.http.stream(method, path, headers=headers) as response:
            if response.status_code != 200:
                response.read()
            return response
    return space.call(client, method, path.format(**IDS), json=body_of(space, operation), params=params)


@pytest.fixture(scope="module")
def agents(space: Space) -> dict[str, list[Client]]:
    """An agent of each role, of a consumer and of a provider; the operator's has that role alone."""
    made = {role: [space.agent(did, role) for did in (PHARMA, HOSPITAL)] for role in ROLES}
    return made | {"operator": [space.enrol(OPERATOR, "operator", name="only operator")]}


def test_every_operation_has_its_line_in_the_table(space: Space) -> None:
    document = httpx2.get(space.url + "/openapi.json").json()
    served = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith("/v1/") and path not in NEEDS_NO_TOKEN
    }
    assert served == MAY.keys()


@pytest.mark.parametrize("operation", MAY)
def test_a_role_that_may_not_is_refused_and_one_that_may_is_not(
    space: Space, agents: dict[str, list[Client]], operation: str
) -> None:
    size = space.log_size()
    allowed = set()
    for role, clients in agents.items():
        for client in clients:
            response = ask(space, client, operation)
            assert response.status_code < 500, response.text
            refused = response.status_code == 403 and response.json()["type"].endswith("/role-needed")
            if not refused:
                allowed.add(role)
    assert allowed == MAY[operation]
    if operation == "POST /v1/agents":
        assert space.log_size() > size


@pytest.mark.parametrize("operation", MAY)
def test_nothing_on_v1_answers_without_a_token(space: Space, operation: str) -> None:
    size = space.log_size()
    response = ask(space, None, operation)
    assert response.status_code == 401
    assert response.json()["type"].endswith("/not-authenticated")
    method, path = operation.split()
    # Nor does what is malformed: a stranger learns nothing of what an operation takes.
    assert space.call(None, method, path.format(**IDS), content=b"{").status_code == 401
    assert space.log_size() == size
