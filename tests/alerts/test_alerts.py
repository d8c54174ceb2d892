"""An officer is told, by a message anyone can check, of what the log shows; nobody else is, and nothing is lost."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.alerts import delivery, subscriptions
from gateway.alerts.address import Allowed
from gateway.alerts.delivery import Answered, Due
from gateway.alerts.matters import Thresholds
from gateway.audit.log import Log, Outcome
from gateway.cli.demo import serving
from gateway.crypto.private import generate
from gateway.db import Database, Tx
from gateway.home import Home
from gateway.policy.bundle import load_bundle
from gateway.sdk.client import Client
from gateway.settings import POLICIES
from tests.alerts.receiver import Receiver, dripping, listening
from tests.space import HOSPITAL, INSTITUTE, NEVER_WAS, OPERATOR, OVERSEAS, PHARMA, Space, data_space, registration

AUTHORITY = "did:web:authority.example"
BRANCH = "did:web:branch.example"
"""A company in Beijing whose recipient is abroad."""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with data_space(tmp_path_factory.mktemp("space")) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as one:
        yield one


def officer(space: Space, did: str = HOSPITAL) -> Client:
    return space.agent(did, OPERATOR if did == OPERATOR else "officer")


def told(space: Space, receiver: Receiver, *kinds: str, did: str = HOSPITAL, **members: int) -> str:
    body = {"address": receiver.url, "kinds": list(kinds), **members}
    made: str = officer(space, did).post("/v1/alerts", body)["id"]
    return made


def over(space: Space, subscription: str, did: str = HOSPITAL) -> None:
    officer(space, did).delete(f"/v1/alerts/{subscription}")


def test_a_message_is_signed_as_standard_webhooks_says(space: Space, receiver: Receiver):
    one = told(space, receiver, "log.trouble")
    officer(space).post(f"/v1/alerts/{one}/test", {})
    assert receiver.wait("test")[0]["data"]["subscription"] == one
    headers, body = receiver.got[0]
    key = officer(space).get("/v1/alerts/key")["public_key"]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    scheme, _, signature = headers["webhook-signature"].partition(",")
    assert scheme == "v1a"
    public.verify(
        base64.b64decode(signature),
        b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)),
    )
    assert headers["content-type"] == "application/json"
    over(space, one)


def test_the_first_use_of_a_dataset_by_an_organisation_is_told_once(space: Space, receiver: Receiver):
    dataset = space.datasets["parquet"]
    contract = space.agree(dataset)
    ours, theirs = told(space, receiver, "dataset.first_use"), told(space, receiver, "dataset.first_use", did=PHARMA)
    all_ = told(space, receiver, "dataset.first_use", did=OPERATOR)
    for _ in range(2):
        space.read(contract)
    found = receiver.wait("dataset.first_use", 3)
    assert {one["data"]["subscription"] for one in found} == {ours, theirs, all_}
    for one in found:
        assert (one["data"]["organisation"], one["data"]["dataset"]) == (PHARMA, dataset)
        assert one["data"]["entry"] in {e["entry"] for e in space.entries() if e["index"] == one["data"]["index"]}
    space.read(contract)
    time.sleep(3)
    assert len(receiver.messages("dataset.first_use")) == 3
    for one_id, did in ((ours, HOSPITAL), (theirs, PHARMA), (all_, OPERATOR)):
        over(space, one_id, did)


def test_what_was_used_before_anybody_asked_is_no_first_use(space: Space, receiver: Receiver):
    contract = space.agree(space.datasets["csv"], consumer=INSTITUTE)
    assert space.ask(contract, did=INSTITUTE).status_code == 200
    one = told(space, receiver, "dataset.first_use")
    assert space.ask(contract, did=INSTITUTE).status_code == 200
    officer(space).post(f"/v1/alerts/{one}/test", {})
    receiver.wait("test")
    time.sleep(3)
    assert receiver.messages("dataset.first_use") == []
    over(space, one)


def test_refusals_of_one_organisation_in_an_hour_are_told_once_and_strangers_are_not_told(
    space: Space, receiver: Receiver
):
    contract = space.agree(space.datasets["csv"])
    ours = told(space, receiver, "refusals.spike", refusals=3)
    stranger = told(space, receiver, "refusals.spike", did=INSTITUTE, refusals=1)
    before = [one for one in space.entries(type="access.decision", outcome="deny") if one["actor"]["org_id"] == PHARMA]
    for _ in range(4):
        assert space.ask(contract, purpose={"id": "P09", "commercial": True}).status_code == 403
    found = receiver.wait("refusals.spike")
    time.sleep(3)
    [message] = receiver.messages("refusals.spike")
    assert found == [message]
    assert message["data"]["organisation"] == PHARMA
    assert message["data"]["refusals"] >= 3
    assert message["data"]["subscription"] == ours
    assert before == []
    over(space, ours)
    over(space, stranger, INSTITUTE)


def test_the_thresholds_are_those_of_the_rules():
    found = Thresholds.of(load_bundle(POLICIES, frozenset({"cn-personal"})).data)
    assert (found.sensitive["assessed"], found.other["assessed"]) == (10_000, 1_000_000)
    assert Thresholds.of({}) == Thresholds({}, {})


def test_a_total_that_nears_its_threshold_is_told_to_its_exporter(tmp_path: Path, receiver: Receiver):
    with data_space(tmp_path) as space:
        space.admit(BRANCH, "pharma", overseas_entity=True)
        space.admit(AUTHORITY, "regulator", for_profit=False, public_body=True)
        space.operator.post("/v1/issuers", {"participant": AUTHORITY, "kinds": ["export"]})
        ours, theirs = told(space, receiver, "exports.near"), told(space, receiver, "exports.near", did=BRANCH)
        for persons in (7_999, 1):
            body = registration()
            body["governance"]["persons"] = persons
            dataset = space.publish(body)["id"]
            scope = {"datasets": [dataset], "recipients": [BRANCH], "mechanism": "scc"}
            space.approve(AUTHORITY, "export", did=BRANCH, **scope)
            contract = space.agree(dataset, consumer=BRANCH)
            for _ in range(2):
                assert space.ask(contract, did=BRANCH).status_code == 200
            if persons > 1:
                time.sleep(3)
                assert receiver.messages("exports.near") == []
        [message] = receiver.wait("exports.near")
        assert message["data"]["subscription"] == ours != theirs
        assert (message["data"]["exporter"], message["data"]["persons"]) == (HOSPITAL, 8_000)
        assert (message["data"]["threshold"], message["data"]["needs"]) == (10_000, "assessed")


def test_a_receiver_that_is_away_is_tried_again_with_the_same_id(space: Space, receiver: Receiver):
    receiver.answers = [500]
    one = told(space, receiver, "log.trouble")
    officer(space).post(f"/v1/alerts/{one}/test", {})
    deadline = time.monotonic() + 30
    while len(receiver.got) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    time.sleep(1)
    [listed] = [found for found in officer(space).get("/v1/alerts") if found["id"] == one]
    assert (listed["messages"][0]["state"], listed["messages"][0]["attempts"]) == ("sent", 2)
    over(space, one)


def test_a_receiver_that_is_gone_ends_its_subscription_and_the_log_says_so(space: Space, receiver: Receiver):
    receiver.answers = [410]
    one = told(space, receiver, "log.trouble")
    officer(space).post(f"/v1/alerts/{one}/test", {})
    deadline = time.monotonic() + 30
    while officer(space).get("/v1/alerts") and time.monotonic() < deadline:
        time.sleep(0.2)
    ended = space.entries(type="alert.ended")[0]
    assert (ended["objects"][0]["id"], ended["facts"]["why"]) == (one, "gone")


def test_a_redirect_is_not_followed(space: Space, receiver: Receiver):
    receiver.answers = [302]
    one = told(space, receiver, "log.trouble")
    officer(space).post(f"/v1/alerts/{one}/test", {})
    receiver.wait("test")
    time.sleep(1)
    assert len(receiver.got) == 1
    over(space, one)


def test_the_address_stays_off_the_log_and_is_forgotten(space: Space, receiver: Receiver):
    one = told(space, receiver, "log.trouble")
    entry = space.entries(type="alert.subscribed")[0]
    assert receiver.url not in str(entry)
    over(space, one)
    with closing(Database(space.settings.database)) as db, db.reading_tx() as tx:
        row = tx.execute("SELECT address, state FROM alert_subscription WHERE id = ?", (one,)).fetchone()
    assert tuple(row) == ("", "ended")


def test_subscriptions_are_for_officers_and_of_their_own_organisation(space: Space, receiver: Receiver):
    one = told(space, receiver, "log.trouble")
    body = {"address": receiver.url, "kinds": ["log.trouble"]}
    for role in ("provider", "researcher", "admin", "reviewer"):
        assert space.call(space.agent(HOSPITAL, role), "POST", "/v1/alerts", json=body).status_code == 403
    for path in (f"/v1/alerts/{one}", f"/v1/alerts/{NEVER_WAS}"):
        assert space.call(officer(space, PHARMA), "DELETE", path).status_code == 404
        assert space.call(officer(space, PHARMA), "POST", path + "/test", json={}).status_code == 404
    assert officer(space, PHARMA).get("/v1/alerts") == []
    over(space, one)
    assert space.call(officer(space), "DELETE", f"/v1/alerts/{one}").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "http://93.184.216.34/hook",
        "https://user:secret@hook.example/",
        "https://hook.example/#part",
        "ftp://hook.example/",
        "https:///hook",
        "https://hook.example:0/",
        "https://hook.example:99999/",
        "https://hook.example/ two",
        "https://höok.example/",
        "//hook.example/",
        "",
    ],
)
def test_an_address_that_is_none_is_refused(space: Space, address: str):
    # This space is one of development: loopback may be plain http, and nothing else.
    body = {"address": address, "kinds": ["log.trouble"]}
    if address.startswith("http://"):
        one = officer(space).post("/v1/alerts", body)["id"]
        over(space, one)
    else:
        assert space.call(officer(space), "POST", "/v1/alerts", json=body).status_code == 422


def test_so_many_subscriptions_and_no_more(space: Space, receiver: Receiver):
    made = [told(space, receiver, "log.trouble", did=OVERSEAS) for _ in range(subscriptions.MAX_SUBSCRIPTIONS)]
    body = {"address": receiver.url, "kinds": ["log.trouble"]}
    assert space.call(officer(space, OVERSEAS), "POST", "/v1/alerts", json=body).status_code == 409
    over(space, made[0], OVERSEAS)
    told(space, receiver, "log.trouble", did=OVERSEAS)


def test_a_suspended_subscriber_is_told_nothing(space: Space, receiver: Receiver):
    leaving = space.enrol(HOSPITAL, "officer", name="leaving")
    one = leaving.post("/v1/alerts", {"address": receiver.url, "kinds": ["refusals.spike"], "refusals": 1})["id"]
    space.agent(HOSPITAL, "admin").post(f"/v1/agents/{leaving.agent.agent}/suspend", {})
    contract = space.agree(space.datasets["csv"])
    assert space.ask(contract, purpose={"id": "P09", "commercial": True}).status_code == 403
    time.sleep(3)
    assert receiver.messages("refusals.spike") == []
    over(space, one)


def test_what_happened_while_nobody_ran_is_told_after_a_start(tmp_path: Path, receiver: Receiver):
    with data_space(tmp_path) as space:
        contract = space.agree(space.datasets["csv"])
        one = told(space, receiver, "dataset.first_use")
        with closing(Database(space.settings.database)) as db, db.reading_tx() as tx:
            seen = tx.execute("SELECT seen FROM alert_place WHERE subscription = ?", (one,)).fetchone()[0]
        assert seen > 0
        assert space.ask(contract).status_code == 200
    # The gateway may have gone before it looked: its next run looks from where it was.
    with serving(space.settings, space.port):
        assert len(receiver.wait("dataset.first_use")) == 1


def test_of_two_processes_one_sends_and_neither_for_ever(tmp_path: Path):
    with data_space(tmp_path) as space, listening() as receiver:
        one = told(space, receiver, "log.trouble")
    with closing(Database(space.settings.database)) as db:
        db.claim()
        home = Home.load(space.settings.home, passphrase=None)
        log = Log(db, signer=home.log, clock=time.time)
        log.start()
        try:
            now = int(time.time())
            log.record(lambda tx: Outcome((), delivery.write(tx, one, "test", "m", {}, now=now, news=True)))
            with db.reading_tx() as tx:
                [message] = delivery.due(tx, now)
            taken = [log.record(lambda tx: Outcome((), delivery.take(tx, message, now))).value for _ in range(2)]
            assert taken == [True, False]
            with db.reading_tx() as tx:
                assert delivery.due(tx, now) == []
                # Whoever took it died: after its lease another may.
                [again] = delivery.due(tx, now + delivery.LEASE_S)
            assert (again.id, again.attempts) == (message.id, 2)
            last = replace(message, attempts=len(delivery.RETRIES_S) + 1)

            def try_last(tx: Tx) -> Outcome:
                tx.execute("UPDATE alert_message SET attempts = ? WHERE id = ?", (last.attempts, last.id))
                return Outcome((), delivery.settle(tx, last, Answered(False, "HTTP 500"), now))

            assert log.record(try_last).value is False  # three days are over
            with db.reading() as session:
                assert subscriptions.newest(session, one)[0].state == "given_up"
        finally:
            log.close()


def test_a_receiver_whose_answer_never_ends_keeps_nobody_waiting(
    space: Space, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(delivery, "TIMEOUT_S", 3.0)
    with dripping() as address:
        body = {"address": address, "kinds": ["log.trouble"]}
        slow = officer(space, PHARMA).post("/v1/alerts", body)["id"]
        for _ in range(delivery.AT_A_TIME + 1):  # more than are looked at in one round
            officer(space, PHARMA).post(f"/v1/alerts/{slow}/test", {})
        one = told(space, receiver, "log.trouble")
        time.sleep(3)  # by now the slow one is being told
        officer(space).post(f"/v1/alerts/{one}/test", {})
        begun = time.monotonic()
        assert receiver.wait("test", limit_s=15)
        assert time.monotonic() - begun < 12
        message = Due("msg_1", slow, address, "{}", 1)
        key, now = dict(generate("Ed25519")), int(time.time())
        answered = delivery.post(ssl.create_default_context(), message, [key], Allowed(plain=True), now=now)
        assert (answered.taken, answered.said) == (False, "no whole answer within 3 s")
        over(space, slow, PHARMA)
    over(space, one)
