"""A contract key's life over HTTP: replaced, waiting, refused, compromised; and what stands on it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.contracts.errors import KeyNotUsable, NoLongerStands
from gateway.contracts.sign import party_entry
from gateway.crypto.canonical import b64url_decode, b64url_encode
from gateway.crypto.keyrequest import sign_request
from gateway.crypto.private import generate, public_jwk
from gateway.participants.contract_keys import MAX_A_DAY
from gateway.sdk.contract import KeyFile, check, check_stands
from gateway.sdk.refusals import Refused
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, data_space

DAY = 24 * 3600


@pytest.fixture
def space(tmp_path: Any) -> Iterator[Space]:
    with data_space(tmp_path) as made:
        yield made


def keys(space: Space, did: str = HOSPITAL) -> dict[str, Any]:
    return {key["kid"]: key for key in space.agent(did, "admin").get(f"/v1/participants/{did}/keys")}


def body(
    space: Space, new: dict[str, str], name: str, *, did: str = HOSPITAL, present: Any = "own", **members: Any
) -> Any:
    """What brings `new`, endorsed by the party's own key, or by the (kid, key) in `present`, or by none."""
    old = (f"{did}#contract-1", space.parties[did].contract_key) if present == "own" else present
    said = {"gateway": space.gateway, "iat": int(time.time())} | members
    return json.loads(sign_request(new, f"{did}#{name}", present=old, **said))


def bring(space: Space, sent: Any, did: str = HOSPITAL) -> Any:
    return space.agent(did, "admin").post("/v1/keys", sent)


def refused(space: Space, sent: Any, did: str = HOSPITAL) -> str:
    with pytest.raises(Refused) as caught:
        bring(space, sent, did)
    return str(caught.value)


def compromise(space: Space, name: str, since: int | None = None, *, did: str = HOSPITAL, by: Any = None) -> None:
    who = by or space.agent(did, "admin")
    who.post(f"/v1/participants/{did}/keys/{name}/compromise", {"since": since})


def verified(space: Space, contract: str) -> Any:
    """The contract by what its party keeps of it: envelope and keys, offline."""
    admin = space.agent(PHARMA, "admin")
    known = KeyFile.parse(admin.raw(f"/v1/contracts/{contract}/keys"))
    return check(admin.raw(f"/v1/contracts/{contract}/envelope"), known, now=int(time.time()))


def state(space: Space, contract: str) -> str:
    return str(space.agent(PHARMA, "admin").get(f"/v1/contracts/{contract}")["state"])


def test_a_key_that_the_one_in_use_endorses_takes_its_place(space: Space) -> None:
    before = space.agree(space.datasets["csv"])
    half = space.accept(space.offer(space.datasets["csv"])["id"])["id"]
    space.sign(half, HOSPITAL)
    new = generate("ES256")
    assert bring(space, body(space, new, "contract-2")) == {"kid": f"{HOSPITAL}#contract-2", "state": "active"}
    found = keys(space)
    assert [found[f"{HOSPITAL}#contract-{n}"]["state"] for n in (1, 2)] == ["retired", "active"]
    # What the old key signed stands: contracts in force, and drafts that the other party has yet to sign.
    assert space.read(before)
    assert verified(space, before).provider == HOSPITAL
    assert space.sign(half, PHARMA)["state"] == "FINALIZED"
    # It signs nothing new, the new one does.
    draft = space.accept(space.offer(space.datasets["csv"])["id"])
    with pytest.raises(Refused, match="the key is retired"):
        space.sign(draft["id"], HOSPITAL)
    entry = party_entry(b64url_decode(draft["payload"]), new, f"{HOSPITAL}#contract-2", iat=int(time.time()))
    space.agent(HOSPITAL, "admin").post(f"/v1/contracts/{draft['id']}/signatures", entry)
    assert space.sign(draft["id"], PHARMA)["state"] == "FINALIZED"
    assert verified(space, draft["id"]).signatures[0].kid == f"{HOSPITAL}#contract-2"
    told = space.entries(type="key.replaced")
    assert [entry["facts"]["old"] for entry in told] == [f"{HOSPITAL}#contract-1"]


def test_a_key_that_nobody_endorsed_waits_for_the_operator(space: Space) -> None:
    new = generate("Ed25519")
    sent = body(space, new, "contract-2", present=None, replaces=f"{HOSPITAL}#contract-1")
    assert bring(space, sent)["state"] == "pending"
    assert f"{HOSPITAL}#contract-2" not in keys(space)
    draft = space.accept(space.offer(space.datasets["csv"])["id"])
    entry = party_entry(b64url_decode(draft["payload"]), new, f"{HOSPITAL}#contract-2", iat=int(time.time()))
    signatures = f"/v1/contracts/{draft['id']}/signatures"
    with pytest.raises(Refused, match="no key is enrolled"):
        space.agent(HOSPITAL, "admin").post(signatures, entry)
    (waiting,) = space.operator.get("/v1/keys/waiting")
    assert (waiting["kid"], waiting["participant"]) == (f"{HOSPITAL}#contract-2", HOSPITAL)
    assert space.agent(HOSPITAL, "admin").get("/v1/keys/waiting") == [waiting]
    assert space.agent(PHARMA, "admin").get("/v1/keys/waiting") == []
    # Only the operator lets it in.
    for role in ("admin", "provider", "officer"):
        with pytest.raises(Refused):
            space.agent(HOSPITAL, role).post(f"/v1/participants/{HOSPITAL}/keys/contract-2/approve", {})
    space.operator.post(f"/v1/participants/{HOSPITAL}/keys/contract-2/approve", {})
    assert [key["state"] for key in keys(space).values()] == ["retired", "active"]
    space.agent(HOSPITAL, "admin").post(signatures, entry)
    with pytest.raises(Refused, match="only one that waits"):
        space.operator.post(f"/v1/participants/{HOSPITAL}/keys/contract-2/refuse", {})


def test_a_key_that_is_turned_away_never_counts(space: Space) -> None:
    new = generate("Ed25519")
    sent = body(space, new, "contract-2", present=None, replaces=f"{HOSPITAL}#contract-1")
    bring(space, sent)
    space.operator.post(f"/v1/participants/{HOSPITAL}/keys/contract-2/refuse", {})
    assert list(keys(space)) == [f"{HOSPITAL}#contract-1"]
    assert space.operator.get("/v1/keys/waiting") == []
    assert "known already" in refused(space, sent)
    with pytest.raises(Refused, match="refused"):
        compromise(space, "contract-2")


def test_a_key_that_waited_while_another_took_the_place_is_refused(space: Space) -> None:
    """Whoever brought it, a thief maybe, did not know of the one that its owner endorsed since."""
    first = f"{HOSPITAL}#contract-1"
    bring(space, body(space, generate("Ed25519"), "contract-2", present=None, replaces=first))
    bring(space, body(space, generate("Ed25519"), "contract-3"))
    assert space.operator.get("/v1/keys/waiting") == []
    compromise(space, "contract-3")
    with pytest.raises(Refused, match="only one that waits"):
        space.operator.post(f"/v1/participants/{HOSPITAL}/keys/contract-2/approve", {})
    assert f"{HOSPITAL}#contract-2" not in keys(space)


def test_what_a_lost_key_let_in_is_lost_with_it(space: Space) -> None:
    """A thief who has a key brings one of its own, endorsed by it, before anybody notices."""
    honest, thiefs, more = generate("Ed25519"), generate("Ed25519"), generate("Ed25519")
    bring(space, body(space, honest, "contract-2"))
    time.sleep(1.1)
    since = int(time.time())
    bring(space, body(space, thiefs, "thief", present=(f"{HOSPITAL}#contract-2", honest)))
    bring(space, body(space, more, "thief-2", present=(f"{HOSPITAL}#thief", thiefs)))
    space.parties[HOSPITAL].key_name, space.parties[HOSPITAL].contract_key = "thief-2", dict(more)
    contract = space.agree(space.datasets["csv"])
    compromise(space, "contract-2", since)
    states = {kid.partition("#")[2]: key["state"] for kid, key in keys(space).items()}
    assert states == {
        "contract-1": "retired",
        "contract-2": "compromised",
        "thief": "compromised",
        "thief-2": "compromised",
    }
    assert state(space, contract) == "SUSPENDED"
    assert space.ask(contract).status_code == 403
    # What the operator lets in does not hang on any other.
    space.new_key(HOSPITAL)
    assert space.read(space.agree(space.datasets["csv"]))


def test_a_key_that_was_let_in_before_stands(space: Space) -> None:
    bring(space, body(space, generate("Ed25519"), "contract-2"))
    time.sleep(1.1)
    compromise(space, "contract-1", int(time.time()))
    assert [key["state"] for key in keys(space).values()] == ["compromised", "active"]


@pytest.mark.parametrize("name", ["..", ".", ".x", "a" * 65, "a/b", ""])
def test_a_key_has_a_name_that_addresses_can_hold(still: Space, name: str) -> None:
    assert "key id" in refused(still, _named(still, name))
    assert list(keys(still)) == [f"{HOSPITAL}#contract-1"]
    assert still.entries(type="key.requested", limit=1)[0]["event"]["outcome"] == "failure"


def _named(space: Space, name: str) -> Any:
    """A request whose key has a name that the command line would not sign."""
    sent = body(space, generate("Ed25519"), "contract-2")
    payload = json.loads(b64url_decode(sent["request"]["payload"])) | {"kid": f"{HOSPITAL}#{name}"}
    for part in sent.values():
        part["payload"] = b64url_encode(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode())
    return sent


def test_keys_are_changed_so_often_and_no_oftener(space: Space) -> None:
    present: Any = "own"
    for n in range(2, MAX_A_DAY + 1):  # the first came with the admission
        new = generate("Ed25519")
        assert bring(space, body(space, new, f"contract-{n}", present=present))["state"] == "active"
        present = (f"{HOSPITAL}#contract-{n}", new)
    assert "within a day" in refused(space, body(space, generate("Ed25519"), "more", present=present))


def test_a_request_is_as_small_as_a_request_has_to_be(still: Space) -> None:
    sent = body(still, generate("Ed25519"), "contract-2")
    sent["request"]["payload"] += "A" * 20_000
    assert "limit" in refused(still, sent)


def test_at_most_five_keys_wait(space: Space) -> None:
    for n in range(2, 7):
        bring(space, body(space, generate("Ed25519"), f"contract-{n}", present=None, replaces=f"{HOSPITAL}#contract-1"))
    more = body(space, generate("Ed25519"), "contract-7", present=None, replaces=f"{HOSPITAL}#contract-1")
    assert "wait for the operator" in refused(space, more)
    # Who has the key in use is not kept waiting.
    assert bring(space, body(space, generate("Ed25519"), "contract-8"))["state"] == "active"


def forged(space: Space, **members: Any) -> Any:
    return body(space, generate("Ed25519"), "contract-2", **members)


FORGED: dict[str, tuple[Callable[[Space], Any], str]] = {
    "endorsed by a key of nobody": (
        lambda space: forged(space, present=(f"{HOSPITAL}#contract-1", generate("Ed25519"))),
        "does not cover",
    ),
    "endorsed by another participant": (
        lambda space: forged(space, present=(f"{PHARMA}#contract-1", space.parties[PHARMA].contract_key)),
        "replaces",
    ),
    "of another gateway": (lambda space: forged(space, gateway="did:web:other.example"), "another gateway"),
    "signed too long ago": (lambda space: forged(space, iat=int(time.time()) - DAY - 60), "more than a day"),
    "signed in the future": (lambda space: forged(space, iat=int(time.time()) + 3600), "in the future"),
    "of the other participant": (lambda space: forged(space, did=PHARMA), "replaces"),
    "without a word on the key in use": (lambda space: forged(space, present=None), "replaces"),
}


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A data space whose keys nobody changes."""
    with data_space(tmp_path_factory.mktemp("still")) as made:
        yield made


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_request_is_refused_and_recorded(still: Space, what: str) -> None:
    make, why = FORGED[what]
    assert why in refused(still, make(still))
    assert list(keys(still)) == [f"{HOSPITAL}#contract-1"]
    last = still.entries(type="key.requested", limit=1)[0]
    assert (last["event"]["outcome"], last["actor"]["org_id"]) == ("failure", HOSPITAL)


def test_an_endorsement_of_another_key_is_refused(still: Space) -> None:
    mine, other = (body(still, generate("Ed25519"), f"contract-{n}") for n in (2, 3))
    assert "something else" in refused(still, {**mine, "endorsement": other["endorsement"]})


def test_who_brings_a_key_must_have_it(still: Space) -> None:
    """Else an administrator could take a key that somebody else is about to bring, and keep it out."""
    theirs = public_jwk(generate("Ed25519"))
    sent = body(still, generate("Ed25519"), "contract-2")
    payload = json.loads(b64url_decode(sent["request"]["payload"]))
    payload["key"] = theirs
    for part in sent.values():
        part["payload"] = b64url_encode(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode())
    assert "does not cover" in refused(still, sent)


@pytest.mark.parametrize("role", ["provider", "researcher", "officer", "reviewer"])
def test_only_an_administrator_brings_and_takes_out_keys(still: Space, role: str) -> None:
    sent = body(still, generate("Ed25519"), "contract-2")
    who = still.agent(HOSPITAL, role)
    assert still.call(who, "POST", "/v1/keys", json=sent).status_code == 403
    path = f"/v1/participants/{HOSPITAL}/keys/contract-1/compromise"
    assert still.call(who, "POST", path, json={}).status_code == 403


def test_nobody_takes_out_anothers_key(still: Space) -> None:
    for name in ("contract-1", "never-was"):
        path = f"/v1/participants/{HOSPITAL}/keys/{name}/compromise"
        assert still.call(still.agent(PHARMA, "admin"), "POST", path, json={}).status_code == 404
    assert keys(still)[f"{HOSPITAL}#contract-1"]["state"] == "active"


def test_an_agents_key_and_anothers_contract_key_are_none_of_ours(still: Space) -> None:
    agent = dict(still.agent(HOSPITAL, "provider").agent.key)
    assert "agent's key" in refused(still, body(still, agent, "contract-2"))
    assert "known already" in refused(still, body(still, still.parties[PHARMA].contract_key, "contract-2"))
    assert "known already" in refused(still, body(still, generate("Ed25519"), "contract-1"))
    assert list(keys(still)) == [f"{HOSPITAL}#contract-1"]


def test_a_weak_key_is_refused(still: Space) -> None:
    sent = body(still, generate("Ed25519"), "contract-2", present=None, replaces=f"{HOSPITAL}#contract-1")
    payload = json.loads(b64url_decode(sent["request"]["payload"]))
    payload["key"] = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
    sent["request"]["payload"] = b64url_encode(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode())
    assert "no sound Ed25519 key" in refused(still, sent)


def test_a_compromised_key_stops_what_was_accepted_since(space: Space) -> None:
    early = space.agree(space.datasets["csv"])
    others = space.agree(space.datasets["csv"], consumer=INSTITUTE)
    time.sleep(1.1)
    since = int(time.time())
    time.sleep(1.1)
    late = space.agree(space.datasets["csv"])
    draft = space.accept(space.offer(space.datasets["csv"])["id"])["id"]
    space.sign(draft, PHARMA)
    compromise(space, "contract-1", since, did=PHARMA)
    assert [state(space, c) for c in (early, late, draft)] == ["FINALIZED", "SUSPENDED", "TERMINATED"]
    assert space.read(early)
    assert space.ask(late).status_code == 403
    assert space.ask(others, did=INSTITUTE).status_code == 200
    # Offline too: who fetches the keys now sees that one stands, and the other does not.
    assert verified(space, early).consumer == PHARMA
    with pytest.raises(KeyNotUsable):
        verified(space, late)
    seen = space.agent(HOSPITAL, "provider").get(f"/v1/contracts/{early}")
    assert (seen["doubted_keys"], seen["suspended_by"]) == ([f"{PHARMA}#contract-1"], [])
    assert space.agent(HOSPITAL, "provider").get(f"/v1/contracts/{late}")["suspended_by"] == [space.gateway]
    told = {e["record"]["event"]["type"] for e in space.agent(HOSPITAL, "officer").get("/v1/audit/entries")["entries"]}
    assert {"contract.suspended", "contract.terminated"} <= told
    # Nobody takes up what does not hold; the operator neither.
    for who in (space.operator, space.agent(PHARMA, "admin")):
        with pytest.raises(Refused):
            who.post(f"/v1/contracts/{late}/reinstate", {})
    # The key signs nothing any more, and endorses none.
    with pytest.raises(Refused, match="compromised"):
        space.sign(space.accept(space.offer(space.datasets["csv"])["id"])["id"], PHARMA)
    assert "replaces" in refused(space, body(space, generate("Ed25519"), "contract-2", did=PHARMA), PHARMA)
    # Its owner brings another, which the operator lets in.
    assert (
        bring(space, body(space, generate("Ed25519"), "contract-2", did=PHARMA, present=None), PHARMA)["state"]
        == "pending"
    )
    space.operator.post(f"/v1/participants/{PHARMA}/keys/contract-2/approve", {})
    assert [key["state"] for key in keys(space, PHARMA).values()] == ["compromised", "active"]


def test_without_a_time_nothing_stands_and_it_only_moves_back(space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    time.sleep(1.1)
    now = int(time.time())
    compromise(space, "contract-1", now, by=space.operator)
    assert space.read(contract)
    for later in (now, now + 1):
        with pytest.raises(Refused):
            compromise(space, "contract-1", later, by=space.operator)
    compromise(space, "contract-1", by=space.operator)
    assert state(space, contract) == "SUSPENDED"
    assert space.ask(contract).status_code == 403
    with pytest.raises(Refused, match="compromised already"):
        compromise(space, "contract-1", by=space.operator)


def test_a_time_to_come_is_refused(still: Space) -> None:
    with pytest.raises(Refused, match="future"):
        compromise(still, "contract-1", int(time.time()) + 3600)
    assert keys(still)[f"{HOSPITAL}#contract-1"]["state"] == "active"


def test_who_suspends_a_contract_takes_it_up_again(space: Space) -> None:
    contract, provider, pharma = (
        space.agree(space.datasets["csv"]),
        space.agent(HOSPITAL, "provider"),
        space.agent(PHARMA, "admin"),
    )
    one = f"/v1/contracts/{contract}"
    with pytest.raises(Refused, match="not a move of the consumer"):
        pharma.post(f"{one}/suspend", {})
    provider.post(f"{one}/suspend", {})
    assert space.ask(contract).status_code == 403
    for who in (pharma, space.operator):
        with pytest.raises(Refused):
            who.post(f"{one}/reinstate", {})
    provider.post(f"{one}/reinstate", {})
    assert space.read(contract)
    space.operator.post(f"{one}/suspend", {})
    operator = space.parties["operator"].did
    assert pharma.get(one)["suspended_by"] == [operator]
    with pytest.raises(Refused, match="each alone can lift"):
        provider.post(f"{one}/reinstate", {})
    # Each holds it by itself, and nobody lifts what another holds.
    provider.post(f"{one}/suspend", {})
    with pytest.raises(Refused, match="suspended the contract already"):
        provider.post(f"{one}/suspend", {})
    assert pharma.get(one)["suspended_by"] == sorted([HOSPITAL, operator])
    assert space.operator.post(f"{one}/reinstate", {}) == {"state": "SUSPENDED"}
    assert pharma.get(one)["suspended_by"] == [HOSPITAL]
    assert space.ask(contract).status_code == 403
    assert provider.post(f"{one}/reinstate", {}) == {"state": "FINALIZED"}
    assert space.read(contract)
    entries = space.agent(HOSPITAL, "officer").get("/v1/audit/entries", contract=contract)["entries"]
    told = [entry["record"]["event"]["type"] for entry in entries]
    assert told.index("contract.suspension_lifted") - told.index("contract.reinstated") == 2  # a refused read between
    # One that is suspended can be revoked, and never comes back.
    provider.post(f"{one}/suspend", {})
    pharma.post(f"{one}/revoke", {})
    with pytest.raises(Refused, match="no way"):
        provider.post(f"{one}/reinstate", {})


def test_the_status_list_follows(space: Space) -> None:
    contract, provider = space.agree(space.datasets["csv"]), space.agent(HOSPITAL, "provider")
    admin = space.agent(PHARMA, "admin")
    known = KeyFile.parse(admin.raw(f"/v1/contracts/{contract}/keys"))
    held = verified(space, contract)

    def stands() -> int:
        return check_stands(held, space.http.get("/v1/status/1").content, known, now=int(time.time()))

    assert stands()
    provider.post(f"/v1/contracts/{contract}/suspend", {})
    with pytest.raises(NoLongerStands, match="suspended"):
        stands()
    provider.post(f"/v1/contracts/{contract}/reinstate", {})
    assert stands()
