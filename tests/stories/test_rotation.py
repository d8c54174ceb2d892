"""Each key of the gateway's own is replaced in the middle of a life: what was agreed and proved before goes on."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.errors import LogSetBack, SignatureUnverified
from gateway.audit.note import Note, parse_note, parse_vkey, parse_vkeys
from gateway.audit.receipt import parse_proof
from gateway.audit.verify import verify_export
from gateway.cli.demo import free_port, serving
from gateway.contracts.errors import KeyNotEnrolled, KeyNotUsable, StatusListRefused
from gateway.crypto import webhook
from gateway.crypto.webhook import WebhookUnverified
from gateway.home import Home
from gateway.ownkeys import Name
from gateway.rotation import finish, rotate
from gateway.sdk import verify
from gateway.sdk.client import Client
from gateway.sdk.contract import KeyFile, check, check_stands
from gateway.sdk.receipts import Receipts
from gateway.sdk.refusals import LogKeyChanged, Refused
from gateway.settings import POLICIES, Settings
from tests.alerts.receiver import Receiver, listening
from tests.policy.archives import of_folder
from tests.space import HOSPITAL, PHARMA, Space, token_of
from tests.stories.test_explain import report
from tests.stories.test_new_rules import rules


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    """A data space whose server is not running, with its participants and datasets."""
    made = Space(tmp_path, Settings(home=tmp_path / "gateway", opa=None), free_port())
    with running(made):
        made.populate()
    yield made
    made.http.close()
    for party in made.parties.values():
        for client in party.agents.values():
            client.close()


@contextmanager
def running(space: Space) -> Iterator[None]:
    with serving(space.settings, space.port):
        yield


def home(space: Space) -> Home:
    return Home.load(space.settings.home, passphrase=None)


def replaced(space: Space, *names: Name) -> None:
    for name in names:
        rotate(space.settings, name)


def kept(space: Space, contract: str) -> tuple[bytes, KeyFile]:
    """What `corridor contract fetch` keeps."""
    client = space.agent(PHARMA, "researcher")
    keys = KeyFile.parse(client.raw(f"/v1/contracts/{contract}/keys"))
    return client.raw(f"/v1/contracts/{contract}/envelope"), keys


def test_tokens_of_the_old_key_open_nothing_and_agents_get_new_ones_by_themselves(space: Space) -> None:
    officer, researcher = space.agent(PHARMA, "officer"), space.agent(PHARMA, "researcher")
    with running(space):
        contract = space.agree(space.datasets["csv"])
        old = token_of(researcher)
        assert space.call(None, "GET", "/v1/datasets", headers=old).status_code == 200
        asked = {"contract": contract, "action": "read", "mode": "M5", "purpose": {"id": "P05"}, "columns": ["sex"]}
        before = officer.token()
    replaced(space, "token")
    with running(space):
        refused = space.call(None, "GET", "/v1/datasets", headers=old)
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (401, "not-authenticated")
        assert space.call(None, "POST", "/v1/access", headers=old, json=asked).status_code == 401
        # Each way of the client begins with the token it still has, which is not over for a quarter of an hour.
        uses: list[Callable[[Client], Any]] = [
            lambda client: client.get("/v1/contracts"),
            lambda client: client.raw("/v1/audit/checkpoint"),
            lambda client: streamed(client, asked),
            lambda client: downloaded(client, f"/v1/contracts/{contract}/envelope"),
        ]
        for use in uses:
            researcher._token = old["authorization"].partition(" ")[2]
            assert use(researcher)
        assert officer.token() == before
        assert officer.get("/v1/contracts")
        key, *others = space.http.get("/.well-known/jwks.json").json()["keys"]
        assert not others
        claims = jwt.decode(
            officer.token(), jwt.PyJWK(key), algorithms=["ES256"], audience=space.gateway, issuer=space.gateway
        )
        assert claims["sub"] == officer.agent.agent
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(before, jwt.PyJWK(key), algorithms=["ES256"], audience=space.gateway)


def test_an_agent_that_is_suspended_does_not_ask_for_ever(space: Space) -> None:
    with running(space):
        researcher = space.agent(PHARMA, "researcher")
        researcher.token()
        space.agent(PHARMA, "admin").post(f"/v1/agents/{researcher.agent.agent}/suspend", {})
        with pytest.raises(Refused) as told:
            researcher.get("/v1/contracts")
        assert told.value.code == "assertion-refused"


def streamed(client: Client, body: Any) -> bytes:
    with client.stream("/v1/access", body) as response:
        return response.read()


def downloaded(client: Client, path: str) -> bytes:
    with client.download(path) as response:
        return response.read()


def test_a_contract_of_the_old_countersigning_key_goes_on_and_verifies_offline(space: Space) -> None:
    with running(space):
        contract = space.agree(space.datasets["csv"])
        rows = space.read(contract)
        envelope, keys = kept(space, contract)
        status = space.http.get("/v1/status/1").content
    before = home(space).countersigner
    replaced(space, "countersign")
    with running(space):
        assert space.read(contract) == rows
        renewed = space.agree(space.datasets["parquet"])
        # Whoever kept the old keys can still check the old contract, and cannot be shown a list of an unknown key.
        now = int(time.time())
        verified = check(envelope, keys, now=now)
        assert verified.countersignature.kid == before.kid
        assert check_stands(verified, status, keys, now=now)
        newer_list = space.http.get("/v1/status/1").content
        with pytest.raises(StatusListRefused, match="Fetch both"):
            check_stands(verified, newer_list, keys, now=now)
        # With the keys of today both contracts verify, and the old list does not count once the old key ended.
        same, newer_keys = kept(space, contract)
        assert same == envelope
        for each in (contract, renewed):
            found = check(kept(space, each)[0], newer_keys, now=now)
            assert found.id == each
            assert check_stands(found, newer_list, newer_keys, now=now)
        with pytest.raises(KeyNotEnrolled):
            check(kept(space, renewed)[0], keys, now=now)
        document = space.http.get("/.well-known/did.json").json()
        present, former = document["verificationMethod"]
        assert document["assertionMethod"] == [present["id"]] != [before.kid]
        assert (former["id"], former["publicKeyJwk"]["x"]) == (before.kid, before.jwk["x"])
        assert "expires" in former
        assert not {"expires", "revoked"} & present.keys()
        ended = newer_keys.keys[before.kid].valid_until
        assert ended is not None
        assert verified.accepted_at < ended <= now + 1
        with pytest.raises(StatusListRefused, match="Fetch both"):
            check_stands(verified, status, newer_keys, now=ended)
        space.agent(HOSPITAL, "provider").post(f"/v1/contracts/{contract}/revoke", {})
        assert space.ask(contract).status_code == 403


def test_from_when_a_key_was_compromised_its_contracts_no_longer_verify(space: Space) -> None:
    with running(space):
        sound = space.agree(space.datasets["csv"])
        accepted = check(*kept(space, sound), now=int(time.time())).accepted_at
        while int(time.time()) <= accepted:
            time.sleep(0.05)
        since = int(time.time())
        doubtful = space.agree(space.datasets["parquet"])
        envelopes = {each: kept(space, each)[0] for each in (sound, doubtful)}
        assert space.ask(doubtful).status_code == 200
    done = rotate(space.settings, "countersign", compromised_since=since)
    assert done.contracts == (doubtful,)
    with running(space):
        assert space.read(sound)
        refused = space.ask(doubtful)
        assert refused.status_code != 200
        assert refused.json()["type"].rpartition("/")[2] == "contract-not-in-force"
        _, keys = kept(space, sound)
        now = int(time.time())
        assert check(envelopes[sound], keys, now=now).id == sound
        with pytest.raises(KeyNotUsable, match="compromised"):
            check(envelopes[doubtful], keys, now=now)
        _, former = space.http.get("/.well-known/did.json").json()["verificationMethod"]
        assert "revoked" in former
        # Agreed on anew it is in force.
        assert space.ask(space.agree(space.datasets["parquet"])).status_code == 200


def test_a_bundle_of_the_old_key_decides_on_and_replays_and_no_new_one_is_taken(space: Space, tmp_path: Path) -> None:
    folder = rules(tmp_path, 'verdict["core_data"] := "ok"')
    old = home(space).bundle_key
    with running(space):
        active = space.operator.upload("/v1/policy/bundles", of_folder(folder, old))["digest"]
        contract = space.agree(space.datasets["csv"])
        assert space.ask(contract).status_code == 200
    replaced(space, "bundle")
    with running(space):
        assert space.ask(contract).status_code == 200
        assert next(each for each in space.operator.get("/v1/policy/bundles") if each["active"])["digest"] == active
        found = report(space.agent(PHARMA, "officer"), "/v1/policy/replay", {"contract": contract})
        assert found["identical"] == found["decided"] == 2
        with pytest.raises(Refused, match="not signed by a key that is trusted") as told:
            space.operator.upload("/v1/policy/bundles", of_folder(POLICIES, old))
        assert told.value.code == "bundle-invalid"
        new = space.operator.upload("/v1/policy/bundles", of_folder(POLICIES, home(space).bundle_key))
        assert new["before"] == active
        assert space.ask(contract).status_code == 200


def test_alerts_verify_by_either_key_until_the_former_one_is_ended(space: Space) -> None:
    officer = space.agent(HOSPITAL, "officer")
    with listening() as receiver:
        with running(space):
            body = {"address": receiver.url, "kinds": ["log.trouble"]}
            subscription = officer.post("/v1/alerts", body)["id"]
            first = officer.get("/v1/alerts/key")
            assert first["former"] == []
            message(receiver, officer, subscription, verifying=[first["public_key"]])
        replaced(space, "alert")
        with running(space):
            both = officer.get("/v1/alerts/key")
            assert both["former"] == [first["public_key"]]
            assert both["public_key"] != first["public_key"]
            message(receiver, officer, subscription, verifying=[both["public_key"], *both["former"]])
        finish(space.settings, "alert")
        with running(space):
            assert officer.get("/v1/alerts/key") == {"public_key": both["public_key"], "former": []}
            headers, content = message(receiver, officer, subscription, verifying=[both["public_key"]])
            with pytest.raises(WebhookUnverified):
                webhook.verify(headers, content, key=first["public_key"], now=int(time.time()))


def message(receiver: Receiver, officer: Client, subscription: str, *, verifying: list[str]) -> tuple[Any, bytes]:
    """A test message that came, once each of the keys has verified it."""
    before = len(receiver.got)
    officer.post(f"/v1/alerts/{subscription}/test", {})
    deadline = time.monotonic() + 30
    while len(receiver.got) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    headers, content = receiver.got[-1]
    assert len(receiver.got) == before + 1
    for key in verifying:
        assert webhook.verify(headers, content, key=key, now=int(time.time()))
    return headers, content


def test_receipts_and_every_replacement_are_in_the_log(space: Space) -> None:
    with running(space):
        contract = space.agree(space.datasets["csv"])
        entry = space.ask(contract).headers["corridor-entry"]
        receipt = space.agent(PHARMA, "officer").raw(f"/v1/receipts/{entry}")
    replaced(space, "token", "countersign", "bundle", "alert")
    with running(space):
        found = [each["facts"]["key"] for each in space.entries(type="key.replaced")]
        assert found == ["alert", "bundle", "countersign", "token"]
        assert verify.receipt(receipt, space.vkey).record["id"] == entry
        again = space.agent(PHARMA, "officer").raw(f"/v1/receipts/{entry}")
        assert verify.receipt(again, space.vkey).record["id"] == entry


def opens(note: bytes | str, *vkeys: str) -> bool:
    """Whether each of these keys, known alone, opens a checkpoint."""
    for vkey in vkeys:
        try:
            open_checkpoint(note, parse_vkey(vkey))
        except SignatureUnverified:
            return False
    return True


def test_the_log_is_signed_by_both_keys_until_the_former_one_is_ended(space: Space, tmp_path: Path) -> None:
    officer, old = space.agent(PHARMA, "officer"), space.vkey
    kept_before = Receipts(space.agent(PHARMA, "researcher"), tmp_path / "receipts")
    with running(space):
        contract = space.agree(space.datasets["csv"])
        entry = space.ask(contract).headers["corridor-entry"]
        receipt, export = officer.raw(f"/v1/receipts/{entry}"), officer.raw("/v1/audit/export")
        assert kept_before.of(entry).entry == entry
    done = rotate(space.settings, "log")
    new = done.vkey
    assert new is not None
    with running(space):
        assert officer.get("/v1/audit/key") == {"origin": home(space).origin, "vkey": new, "former": [old]}
        # Whoever knows one of the two goes on, with all that there is to verify.
        for address in ("/v1/audit/checkpoint", "/log/checkpoint"):
            assert opens(officer.raw(address), old, new)
        later = space.ask(contract).headers["corridor-entry"]
        for which in (entry, later):
            for vkey in (old, new, f"{old}\n{new}\n"):
                assert verify.receipt(officer.raw(f"/v1/receipts/{which}"), vkey).record["id"] == which
        both = officer.raw("/v1/audit/export")
        assert all(verify.export(both, vkey).valid for vkey in (old, new, f"{new} {old}"))
        assert kept_before.of(later).entry == later
        # A line of a key that is known and does not hold is refused, however good the other one is.
        note = officer.raw("/log/checkpoint").decode()
        assert not opens(crossed(note), old)
        assert not opens(crossed(note), new)
    ended = finish(space.settings, "log")
    with running(space):
        assert officer.get("/v1/audit/key") == {"origin": home(space).origin, "vkey": new, "former": []}
        assert space.ask(contract).status_code == 200
        last = officer.raw("/log/checkpoint")
        assert opens(last, new)
        assert not opens(last, old)
        # What was proved before stays proved, by who signed it then; what is fetched now, by who signs now.
        assert verify.receipt(receipt, old).record["id"] == entry
        assert verify.export(export, old).valid
        assert verify.export(both, old).valid
        assert verify.export(both, new).valid
        assert verify.receipt(officer.raw(f"/v1/receipts/{entry}"), new).record["id"] == entry
        with pytest.raises(SignatureUnverified):
            verify.receipt(officer.raw(f"/v1/receipts/{entry}"), old)
        newest = officer.raw("/v1/audit/export")
        assert verify.export(newest, f"{old}\n{new}").valid
        assert not verify.export(newest, old).valid
        # By both keys it shows that the log only grew from a checkpoint of the old one.
        pinned = open_checkpoint(parse_proof(json.loads(receipt)["proof"]).checkpoint, parse_vkey(old))
        everything = space.operator.raw("/v1/audit/export")
        assert verify_export(everything, parse_vkeys(f"{old} {new}"), pinned=pinned).pinned_agrees
        assert [each["facts"]["key"] for each in space.entries(type="key.revoked")] == ["log"]
        assert space.entries(type="key.revoked")[0]["entry"] == ended
        # The client does not take another key by itself; a person adds it, and what was kept still verifies.
        with pytest.raises(LogKeyChanged, match="another line"):
            kept_before.of(space.ask(contract).headers["corridor-entry"])
        file = tmp_path / "receipts" / "log.vkey"
        file.write_text(f"{file.read_text()}{new}\n")
        renewed = Receipts(space.agent(PHARMA, "researcher"), tmp_path / "receipts")
        assert renewed.of(entry).entry == entry
        fresh = space.ask(contract).headers["corridor-entry"]
        assert renewed.of(fresh).entry == fresh


def crossed(note: str) -> str:
    """The note with the signatures of its two lines exchanged, each below the other's name."""
    parsed = parse_note(note)
    one, other = parsed.signatures
    lines = (replace(one, payload=other.payload), replace(other, payload=one.payload))
    return Note(parsed.text, lines).format()


def test_a_compromised_log_key_signs_nothing_beside_the_new_one(space: Space) -> None:
    old = space.vkey
    new = rotate(space.settings, "log", compromised_since=int(time.time())).vkey
    assert new is not None
    with running(space):
        officer = space.agent(PHARMA, "officer")
        assert space.ask(space.agree(space.datasets["csv"])).status_code == 200
        assert officer.get("/v1/audit/key")["former"] == []
        note = officer.raw("/log/checkpoint")
        assert opens(note, new)
        assert not opens(note, old)


def test_a_log_that_was_set_back_is_found_out_after_its_key_was_replaced(space: Space, tmp_path: Path) -> None:
    database = space.settings.home / "corridor.sqlite3"
    older = tmp_path / "older.sqlite3"
    shutil.copy(database, older)
    with running(space):
        space.agree(space.datasets["csv"])
    rotate(space.settings, "log")
    newest = tmp_path / "newest.sqlite3"
    shutil.copy(database, newest)
    shutil.copy(older, database)
    for attempt in (lambda: rotate(space.settings, "token"), lambda: finish(space.settings, "log")):
        with pytest.raises(LogSetBack):
            attempt()
    shutil.copy(newest, database)
    finish(space.settings, "log")
    with running(space):
        assert space.http.get("/readyz").status_code == 200
