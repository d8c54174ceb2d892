"""Every operation of the gateway once, by one who may: the whole life of a dataset, a contract and an approval."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import quote

import httpx2

from gateway.approvals.votes import Question, Vote, sign_vote
from gateway.crypto.keyrequest import sign_request
from gateway.crypto.private import generate, public_jwk
from gateway.home import Home
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.space import HOSPITAL, PHARMA, Space, registration, terms, token_request, wanted


def bring_keys(space: Space, one: str, did: str) -> None:
    """A participant brings two keys, without a word from the one in use: one is let in, one is not, and is marked."""
    party = space.parties[did]
    for name, verb in (("contract-2", "refuse"), ("contract-3", "approve")):
        key, now = generate("Ed25519"), int(time.time())
        request = sign_request(key, f"{did}#{name}", gateway=space.gateway, iat=now, replaces=f"{did}#contract-1")
        assert party.agents["admin"].post("/v1/keys", json.loads(request))["state"] == "pending"
        assert [key["kid"] for key in space.operator.get("/v1/keys/waiting")] == [f"{did}#{name}"]
        space.operator.post(f"{one}/keys/{name}/{verb}", {})
    party.agents["admin"].post(f"{one}/keys/contract-3/compromise", {"since": 0})


def everything(space: Space) -> None:
    admin, officer = space.agent(PHARMA, "admin"), space.agent(PHARMA, "officer")
    provider, operator = space.agent(HOSPITAL, "provider"), space.operator
    party = space.admit("did:web:newcomer.example", "other")
    operator.get("/v1/participants")
    one = f"/v1/participants/{quote(party.did, safe='')}"
    operator.get(one)
    operator.get(one + "/keys")
    bring_keys(space, one, party.did)
    operator.put(one + "/facts", operator.get(one)["facts"] | {"mlps_level": 3})
    operator.post(one + "/suspend", {})
    operator.post(one + "/reinstate", {})
    key = public_jwk(generate("ES256"))
    body = {"label": "new", "roles": ["officer"], "location": "CN-BJ", "key": key}
    agent = admin.post("/v1/agents", body)["id"]
    assert agent in {a["id"] for a in admin.get("/v1/agents")}
    admin.post(f"/v1/agents/{agent}/suspend", {})
    admin.post(f"/v1/agents/{agent}/reinstate", {})
    admin.post(f"/v1/agents/{agent}/suspend", {})
    admin.post(f"/v1/agents/{agent}/erase", {})
    space.call(None, "POST", "/v1/token", data=token_request(admin, admin.assertion()))
    admin.get("/v1/me")
    link = admin.sign_in_link()["address"]
    with httpx2.Client(timeout=60) as browser:
        browser.post(link)
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get(space.url).text)
        assert token is not None
        assert browser.post(f"{space.url}/sign-out", data={"form_token": token[1]}).status_code == 303
    admin.get("/v1/policy/rules")
    dataset = provider.post("/v1/datasets", registration())["id"]
    provider.get("/v1/datasets")
    provider.get(f"/v1/datasets/{dataset}")
    provider.get(f"/v1/datasets/{dataset}/dcat")
    offer = provider.post("/v1/offers", {"dataset": dataset, "terms": terms()})["id"]
    admin.get("/v1/offers", dataset=dataset)
    unwanted = space.accept(offer)["id"]
    admin.post(f"/v1/contracts/{unwanted}/decline", {})
    contract = space.agree(dataset)
    provider.post(f"/v1/offers/{offer}/withdraw", {})
    admin.get("/v1/contracts")
    admin.raw(f"/v1/contracts/{contract}/envelope")
    admin.raw(f"/v1/contracts/{contract}/keys")
    told = officer.post("/v1/alerts", {"address": "http://127.0.0.1:9/", "kinds": ["log.trouble"]})["id"]
    officer.get("/v1/alerts")
    officer.get("/v1/alerts/key")
    officer.post(f"/v1/alerts/{told}/test", {})
    officer.delete(f"/v1/alerts/{told}")
    space.call(None, "GET", "/v1/status/1")
    entry = space.ask(contract).headers["corridor-entry"]
    operator.post("/v1/issuers", {"participant": HOSPITAL, "kinds": ["ethics"]})
    admin.get("/v1/issuers")
    approval = space.approve(HOSPITAL, "ethics", datasets=[dataset])
    admin.get("/v1/approvals")
    for path in ("", "/envelope", "/keys"):
        admin.raw(f"/v1/approvals/{approval}{path}")
    provider.post(f"/v1/approvals/{approval}/withdraw", {})
    provider.get("/v1/exports")
    review = space.ask(contract, purpose={"id": "P05", "flags": ["vulnerable"]}).json()["review"]
    admin.get("/v1/reviews")
    reviewer = space.agent(HOSPITAL, "reviewer")
    question = Question.model_validate(reviewer.get(f"/v1/reviews/{review}")["question"]).digest
    now, voter = int(time.time()), reviewer.agent.agent
    vote = Vote(ver=1, typ="ReviewVote", question=question, reviewer=voter, vote="refuse", reason="no", iat=now)
    reviewer.post(f"/v1/reviews/{review}/votes", json.loads(sign_vote(vote, reviewer.agent.key)))
    space.agent(PHARMA, "researcher").post("/v1/policy/explain", wanted(contract))
    officer.get(f"/v1/policy/decisions/{entry}")
    with officer.stream("/v1/policy/replay", {"contract": contract}) as lines:
        assert b"report" in lines.read()
    with operator.stream("/v1/policy/what-if", of_folder(POLICIES)) as lines:
        assert b"report" in lines.read()
    signed = of_folder(POLICIES, Home.load(space.settings.home, passphrase=None).bundle_key)
    assert operator.upload("/v1/policy/bundles", signed)["entry"] is None
    operator.get("/v1/policy/bundles")
    operator.upload("/v1/policy/shadow", signed)
    operator.get("/v1/policy/shadow")
    operator.delete("/v1/policy/shadow")
    officer.get("/v1/audit/entries")
    officer.get(f"/v1/audit/entries/{entry}")
    officer.raw("/v1/audit/export")
    officer.get("/v1/audit/counts", by="outcome")
    with officer.download("/v1/audit/stream", after=0) as events:
        assert next(events.iter_bytes())
    officer.raw(f"/v1/receipts/{entry}")
    grant = officer.get("/v1/audit/entries", type="access.decision", outcome="permit")["entries"][0]["id"]
    officer.raw(f"/v1/receipts/{grant}/end")
    officer.raw("/v1/audit/checkpoint")
    officer.get("/v1/audit/consistency", old=1)
    officer.get("/v1/audit/key")
    assert space.http.get("/log/tile/0/000.p/1").status_code == 200
    for verb in ("suspend", "reinstate", "revoke"):
        provider.post(f"/v1/contracts/{contract}/{verb}", {})
    provider.post(f"/v1/datasets/{dataset}/withdraw", {})
