"""Who is asking: assertions used once, tokens that hold, roles that come from enrolment only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.crypto.private import generate, private_key, public_jwk
from gateway.home import Home
from gateway.ids import uuid7
from gateway.sdk.client import Client
from tests.space import HOSPITAL, NO_AGENT, OPERATOR, PHARMA, Party, Space, token_request


def claims(client: Client, **members: Any) -> dict[str, Any]:
    now = int(time.time())
    agent = client.agent
    own = {"iss": agent.agent, "sub": agent.agent, "aud": agent.gateway, "iat": now, "exp": now + 60, "jti": uuid7()}
    return {name: value for name, value in (own | members).items() if value is not ...}


def signed(client: Client, document: bytes | dict[str, Any], *, key: Any = None, **headers: Any) -> str:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return jwt.api_jws.encode(body, key or private_key(client.agent.key), algorithm="ES256", headers=headers or None)


def unsigned(header: dict[str, Any], document: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(document).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def public_pem(client: Client) -> bytes:
    return private_key(client.agent.key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hs256(document: dict[str, Any], secret: bytes, **headers: Any) -> str:
    """What a library that takes the algorithm from the header would believe."""
    part = unsigned({"alg": "HS256", **headers}, document).rpartition(".")[0]
    mac = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return f"{part}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def ask_token(space: Space, assertion: str) -> httpx2.Response:
    return space.call(None, "POST", "/v1/token", data=token_request(space.operator, assertion))


FORGED: dict[str, Callable[[Client, Client, int], str]] = {
    "another audience": lambda c, _o, _n: signed(c, claims(c, aud="did:web:elsewhere.example")),
    "several audiences": lambda c, _o, _n: signed(c, claims(c, aud=[c.agent.gateway, "did:web:elsewhere.example"])),
    "one audience in a list": lambda c, _o, _n: signed(c, claims(c, aud=[c.agent.gateway])),
    "no audience": lambda c, _o, _n: signed(c, claims(c, aud=...)),
    "the url for an audience": lambda c, _o, _n: signed(c, claims(c, aud=c.agent.url)),
    "another issuer": lambda c, o, _n: signed(c, claims(c, iss=o.agent.agent)),
    "another subject": lambda c, o, _n: signed(c, claims(c, sub=o.agent.agent)),
    "the participant for a subject": lambda c, _o, _n: signed(
        c, claims(c, iss=c.agent.participant, sub=c.agent.participant)
    ),
    "too long a life": lambda c, _o, n: signed(c, claims(c, exp=n + 61, iat=n)),
    "a life of years": lambda c, _o, n: signed(c, claims(c, exp=2**53)),
    "over": lambda c, _o, n: signed(c, claims(c, iat=n - 120, exp=n - 60)),
    "over this second": lambda c, _o, n: signed(c, claims(c, iat=n - 60, exp=n)),
    "issued in the future": lambda c, _o, n: signed(c, claims(c, iat=n + 3600, exp=n + 3660)),
    "ending before it begins": lambda c, _o, n: signed(c, claims(c, iat=n + 5, exp=n + 4)),
    "fractions of seconds": lambda c, _o, n: signed(c, claims(c, iat=n + 0.5)),
    "times as text": lambda c, _o, n: signed(c, claims(c, exp=str(n + 50))),
    "times that are true": lambda c, _o, n: signed(c, claims(c, iat=True)),
    "no end": lambda c, _o, _n: signed(c, claims(c, exp=...)),
    "no beginning": lambda c, _o, _n: signed(c, claims(c, iat=...)),
    "no number of its own": lambda c, _o, _n: signed(c, claims(c, jti=...)),
    "an empty number": lambda c, _o, _n: signed(c, claims(c, jti="")),
    "a number of spaces": lambda c, _o, _n: signed(c, claims(c, jti="a b")),
    "a long number": lambda c, _o, _n: signed(c, claims(c, jti="a" * 129)),
    "a number that is an object": lambda c, _o, _n: signed(c, claims(c, jti={"a": 1})),
    "an agent nobody enrolled": lambda c, _o, _n: signed(c, claims(c, iss=NO_AGENT, sub=NO_AGENT)),
    "another agent's key": lambda c, o, _n: signed(c, claims(c), key=private_key(o.agent.key)),
    "a fresh key": lambda c, _o, _n: signed(c, claims(c), key=private_key(generate("ES256"))),
    "a key in the header": lambda c, _o, _n: _with_own_key(c),
    "no algorithm": lambda c, _o, _n: unsigned({"alg": "none"}, claims(c)),
    "no algorithm, in capitals": lambda c, _o, _n: unsigned({"alg": "NONE"}, claims(c)),
    "the public key as a secret": lambda c, _o, _n: hs256(claims(c), public_pem(c)),
    "another type": lambda c, _o, _n: signed(c, claims(c), typ="at+jwt"),
    "a critical header": lambda c, _o, _n: signed(c, claims(c), crit=["b64"], b64=False),
    "a subject named twice": lambda c, o, _n: signed(c, _twice(c, "sub", o.agent.agent)),
    "a number named twice": lambda c, o, _n: signed(c, _twice(c, "jti", uuid7())),
    "an end named twice": lambda c, o, n: signed(c, _twice(c, "exp", n + 30)),
    "no object": lambda c, _o, _n: signed(c, b"[]"),
    "no JSON": lambda c, _o, _n: signed(c, b"{"),
    "no JWT": lambda _c, _o, _n: "a.b.c",
    "nothing": lambda _c, _o, _n: "x",
}


def _twice(client: Client, name: str, other: Any) -> bytes:
    """Claims that a reader of the first member and one of the last take for different ones."""
    text = json.dumps(claims(client))
    return ("{" + json.dumps({name: other})[1:-1] + ", " + text[1:]).encode()


def _with_own_key(client: Client) -> str:
    key = generate("ES256")
    return signed(client, claims(client), key=private_key(key), jwk=public_jwk(key))


@pytest.mark.parametrize("forgery", FORGED)
def test_an_assertion_that_proves_nothing_gives_no_token(space: Space, forgery: str) -> None:
    client, other = space.agent(PHARMA, "researcher"), space.agent(HOSPITAL, "provider")
    response = ask_token(space, FORGED[forgery](client, other, int(time.time())))
    assert response.status_code == 401, response.text
    assert response.json()["type"].endswith("/assertion-refused")
    assert "access_token" not in response.text


def test_a_good_assertion_gives_a_token_once(space: Space) -> None:
    assertion = space.agent(PHARMA, "researcher").assertion()
    assert ask_token(space, assertion).status_code == 200
    again = ask_token(space, assertion)
    assert again.status_code == 401
    assert "used before" in again.json()["detail"]


def test_the_same_number_of_another_agent_is_another_assertion(space: Space) -> None:
    number = uuid7()
    for did in (PHARMA, HOSPITAL):
        client = space.agent(did, "researcher")
        assert ask_token(space, signed(client, claims(client, jti=number))).status_code == 200


def test_another_grant_type_gives_no_token(space: Space) -> None:
    client = space.agent(PHARMA, "researcher")
    form = token_request(client, client.assertion())
    for wrong in ({"grant_type": "password"}, {"client_assertion_type": "urn:example"}):
        assert space.call(None, "POST", "/v1/token", data=form | wrong).status_code == 422
    assert space.call(None, "POST", "/v1/token", json=form).status_code in (415, 422)
    roles = space.call(None, "POST", "/v1/token", data=form | {"scope": "operator", "roles": "operator"})
    token = roles.json()["access_token"]
    me = space.call(None, "GET", "/v1/me", headers={"authorization": f"Bearer {token}"})
    assert me.json()["roles"] == ["researcher"]


def test_failed_logins_are_recorded_but_a_flood_of_them_is_not(space: Space) -> None:
    client = space.enrol(PHARMA, "researcher", name="clumsy")
    other = private_key(generate("ES256"))
    before = space.log_size()
    for _ in range(12):
        ask_token(space, signed(client, claims(client), key=other))
    assert 1 <= space.log_size() - before <= 10
    entry = space.entries(type="auth.failure")[0]
    assert entry["actor"]["org_id"] == PHARMA
    assert entry["objects"][0]["id"] == client.agent.agent


def token_claims(space: Space, client: Client, **members: Any) -> dict[str, Any]:
    now = int(time.time())
    did = space.gateway
    own = {"iss": did, "aud": did, "sub": client.agent.agent, "iat": now, "exp": now + 900, "jti": uuid7()}
    return {name: value for name, value in (own | members).items() if value is not ...}


def gateways_own(space: Space, document: dict[str, Any], **headers: Any) -> str:
    """A token under the gateway's true key: what only its time, place or type is wrong with."""
    tokens = Home.load(space.settings.home, passphrase=None).tokens
    head = {"typ": "at+jwt", "kid": tokens.kid} | headers
    return jwt.encode(document, tokens.private, algorithm="ES256", headers=head)


def a_token(client: Client) -> str:
    return client.token()


def _tampered(token: str, at: int) -> str:
    parts = token.split(".")
    parts[at] = parts[at][:10] + ("A" if parts[at][10] != "A" else "B") + parts[at][11:]
    return ".".join(parts)


def _renamed(space: Space, token: str) -> str:
    head, body, signature = token.split(".")
    document = json.loads(base64.urlsafe_b64decode(body + "=="))
    document["sub"] = space.operator.agent.agent
    body = base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


BAD_TOKENS: dict[str, Callable[[Space, Client, int], str]] = {
    "tampered head": lambda s, c, n: _tampered(a_token(c), 0),
    "tampered claims": lambda s, c, n: _tampered(a_token(c), 1),
    "tampered signature": lambda s, c, n: _tampered(a_token(c), 2),
    "somebody else's name": lambda s, c, n: _renamed(s, a_token(c)),
    "no signature": lambda s, c, n: a_token(c).rpartition(".")[0] + ".",
    "an assertion for a token": lambda s, c, n: c.assertion(),
    "an assertion dressed as a token": lambda s, c, n: signed(
        c, token_claims(s, c), typ="at+jwt", kid=Home.load(s.settings.home, passphrase=None).tokens.kid
    ),
    "no algorithm": lambda s, c, n: unsigned({"alg": "none", "typ": "at+jwt"}, token_claims(s, c)),
    "the public key as a secret": lambda s, c, n: hs256(
        token_claims(s, c), _token_pem(s), typ="at+jwt", kid=Home.load(s.settings.home, passphrase=None).tokens.kid
    ),
    "another type": lambda s, c, n: gateways_own(s, token_claims(s, c), typ="JWT"),
    "another key's id": lambda s, c, n: gateways_own(s, token_claims(s, c), kid="another"),
    "over": lambda s, c, n: gateways_own(s, token_claims(s, c, iat=n - 901, exp=n - 1)),
    "over this second": lambda s, c, n: gateways_own(s, token_claims(s, c, iat=n - 900, exp=n)),
    "not yet": lambda s, c, n: gateways_own(s, token_claims(s, c, iat=n + 600, exp=n + 1500)),
    "for another gateway": lambda s, c, n: gateways_own(s, token_claims(s, c, aud="did:web:elsewhere.example")),
    "by another gateway": lambda s, c, n: gateways_own(s, token_claims(s, c, iss="did:web:elsewhere.example")),
    "without an end": lambda s, c, n: gateways_own(s, token_claims(s, c, exp=...)),
    "without a number": lambda s, c, n: gateways_own(s, token_claims(s, c, jti=...)),
    "of nobody": lambda s, c, n: gateways_own(s, token_claims(s, c, sub=NO_AGENT)),
    "of no name": lambda s, c, n: gateways_own(s, token_claims(s, c, sub=...)),
    "no token at all": lambda s, c, n: "rubbish",
    "very long": lambda s, c, n: a_token(c) + "A" * 8000,
}


def _token_pem(space: Space) -> bytes:
    key: Any = Home.load(space.settings.home, passphrase=None).tokens.public.key
    pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.mark.parametrize("fault", BAD_TOKENS)
def test_a_token_that_does_not_hold_opens_nothing(space: Space, fault: str) -> None:
    client = space.agent(PHARMA, "researcher")
    token = BAD_TOKENS[fault](space, client, int(time.time()))
    response = space.call(None, "GET", "/v1/me", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 401, response.text
    assert response.json()["type"].endswith("/not-authenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_the_gateways_own_token_holds(space: Space) -> None:
    """What is refused above is refused for its fault, not for how it is made."""
    client = space.agent(PHARMA, "researcher")
    token = gateways_own(space, token_claims(space, client))
    response = space.call(None, "GET", "/v1/me", headers={"authorization": f"Bearer {token}"})
    assert response.json()["agent"] == client.agent.agent


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Bearer \u00e9", "Token abc"])
def test_another_authorization_opens_nothing(space: Space, header: str) -> None:
    response = space.call(None, "GET", "/v1/me", headers={"authorization": header.encode()})
    assert response.status_code == 401


def test_a_suspended_agents_token_opens_nothing_at_once_and_it_gets_no_other(space: Space) -> None:
    client = space.enrol(PHARMA, "researcher", name="leaving")
    admin, handle = space.agent(PHARMA, "admin"), client.agent.agent
    assert client.get("/v1/me")["agent"] == handle
    admin.post(f"/v1/agents/{handle}/suspend", {})
    assert space.call(client, "GET", "/v1/me").status_code == 401
    assert ask_token(space, client.assertion()).status_code == 401
    admin.post(f"/v1/agents/{handle}/reinstate", {})
    assert space.call(client, "GET", "/v1/me").status_code == 200


def test_a_suspended_participants_agents_are_all_out_at_once(space: Space) -> None:
    did = "did:web:leaving.example"
    space.admit(did, "other")
    clients = list(space.parties[did].agents.values())
    assert {space.call(client, "GET", "/v1/me").status_code for client in clients} == {200}
    space.operator.post(f"/v1/participants/{did}/suspend", {})
    assert {space.call(client, "GET", "/v1/me").status_code for client in clients} == {401}
    assert {ask_token(space, client.assertion()).status_code for client in clients} == {401}
    space.operator.post(f"/v1/participants/{did}/reinstate", {})
    assert {space.call(client, "GET", "/v1/me").status_code for client in clients} == {200}


def test_an_agent_cannot_shut_itself_out_nor_another_participants_agent(space: Space) -> None:
    admin = space.agent(PHARMA, "admin")
    assert space.call(admin, "POST", f"/v1/agents/{admin.agent.agent}/suspend").status_code == 409
    other = space.agent(HOSPITAL, "provider").agent.agent
    assert space.call(admin, "POST", f"/v1/agents/{other}/suspend").status_code == 404
    assert space.agent(HOSPITAL, "provider").get("/v1/me")["agent"] == other


def test_the_role_operator_cannot_be_given_outside_the_operators_participant(space: Space) -> None:
    body = {"label": "x", "roles": ["admin", "operator"], "location": "CN-BJ", "key": public_jwk(generate("ES256"))}
    for did in (PHARMA, HOSPITAL):
        assert space.call(space.agent(did, "admin"), "POST", "/v1/agents", json=body).status_code == 422
    party = Party("did:web:usurper.example", dict(generate("Ed25519")))
    admission, _key = space.admission(party, "pharma")
    admission["first_agent"]["roles"] = ["admin", "operator"]
    before = space.log_size()
    assert space.call(space.operator, "POST", "/v1/participants", json=admission).status_code == 422
    # All or nothing: the organisation was not admitted without its agent either.
    assert space.log_size() == before
    assert space.call(space.operator, "GET", f"/v1/participants/{party.did}").status_code == 404


def test_there_is_one_operator(space: Space) -> None:
    """Otherwise its officers would see every tenant's entries, and it could enrol operators of its own."""
    admission, _key = space.admission(Party("did:web:second.example", dict(generate("Ed25519"))), "operator")
    response = space.call(space.operator, "POST", "/v1/participants", json=admission)
    assert response.status_code == 422, response.text


def test_keys_are_one_agents_each_and_never_a_contract_key(space: Space) -> None:
    admin, operator = space.agent(PHARMA, "admin"), space.operator

    def enrol(key: dict[str, Any]) -> int:
        body = {"label": "x", "roles": ["researcher"], "location": "CN-BJ", "key": key}
        return space.call(admin, "POST", "/v1/agents", json=body).status_code

    assert enrol(dict(public_jwk(space.agent(PHARMA, "researcher").agent.key))) == 409
    assert enrol(dict(public_jwk(space.parties[PHARMA].contract_key))) in (409, 422)
    assert enrol(dict(public_jwk(space.parties[HOSPITAL].contract_key))) in (409, 422)
    assert enrol(dict(space.agent(PHARMA, "researcher").agent.key)) == 422  # with its private part
    agents = dict(generate("Ed25519"))
    assert enrol(dict(public_jwk(agents))) == 201
    admission, _key = space.admission(Party("did:web:agents-key.example", agents), "pharma")
    assert space.call(operator, "POST", "/v1/participants", json=admission).status_code == 409
    party = Party("did:web:twin.example", space.parties[PHARMA].contract_key)
    admission, _key = space.admission(party, "pharma")
    assert space.call(operator, "POST", "/v1/participants", json=admission).status_code == 409
    admission["contract_key"] = {
        "kid": f"{PHARMA}#contract-2",
        "key": dict(public_jwk(generate("Ed25519"))),
    }
    assert space.call(operator, "POST", "/v1/participants", json=admission).status_code == 422


def test_the_operator_cannot_suspend_itself(space: Space) -> None:
    did = quote(space.parties[OPERATOR].did, safe="")
    assert space.call(space.operator, "POST", f"/v1/participants/{did}/suspend").status_code == 409
