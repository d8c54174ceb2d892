"""Approvals: what the law asks for is signed by who issues it, recorded, read by the policy, and taken back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.approvals.document import Approval, sign_approval
from gateway.approvals.errors import ApprovalRefused
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json
from gateway.crypto.private import generate
from gateway.ids import urn
from gateway.sdk.approval import check
from gateway.sdk.refusals import Refused
from tests.space import HOSPITAL, INSTITUTE, OPERATOR, OVERSEAS, Space, data_space, registration

LAB = "did:web:lab.example"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """Where Chinese law on ethics review and personal information binds."""
    with data_space(tmp_path_factory.mktemp("approvals"), packs="cn-ethics,cn-personal") as made:
        made.admit(LAB, "pharma", mlps_level=3)
        made.datasets["csv"] = publish(made)
        made.admit("did:web:authority.example", "regulator", for_profit=False, public_body=True)
        trust(made, INSTITUTE, "ethics")
        trust(made, "did:web:authority.example", "export", "permit")
        yield made


def publish(space: Space) -> str:
    """A dataset to which withdrawals of consent were applied just now."""
    body = registration()
    body["governance"]["consent"] = {"basis": "statute", "withdrawals_applied_at": int(time.time())}
    identity: str = space.publish(body)["id"]
    return identity


def agree(space: Space, dataset: str | None = None) -> str:
    return space.agree(dataset or space.datasets["csv"], consumer=LAB, clauses=["security_duties"])


def trust(space: Space, did: str, *kinds: str) -> None:
    space.operator.post("/v1/issuers", {"participant": did, "kinds": list(kinds)})


def approval(space: Space, issuer: str, kind: str, **members: Any) -> Approval:
    return space.approval(issuer, kind, **({"recipients": [LAB]} | members))


def record(space: Space, body: dict[str, str], did: str = LAB, role: str = "researcher") -> Any:
    return space.agent(did, role).post("/v1/approvals", body)


def give(space: Space, issuer: str, kind: str, **members: Any) -> str:
    identity: str = record(space, space.signed(approval(space, issuer, kind, **members)))["id"]
    return identity


def codes(space: Space, contract: str, **members: Any) -> set[str]:
    response = space.ask(contract, did=LAB, **members)
    assert response.status_code in (200, 403), response.text
    return set() if response.status_code == 200 else {reason["code"] for reason in response.json()["reasons"]}


def refusal(space: Space, body: dict[str, str], did: str = LAB, role: str = "researcher") -> tuple[str, str]:
    space.agent(did, role).token()  # a login is an entry
    before = space.log_size()
    with pytest.raises(Refused) as told:
        record(space, body, did, role)
    assert space.log_size() == before
    return told.value.code, told.value.detail


def test_what_the_law_asks_for_is_given_and_taken_back(space: Space) -> None:
    contract = agree(space)
    refused = space.ask(contract, did=LAB)
    assert {r["code"] for r in refused.json()["reasons"]} == {"ETH-01", "PIPL-06"}
    assert any({change["kind"] for change in together} == {"approval"} for together in refused.json()["would_pass"]), (
        refused.text
    )
    ethics = give(space, INSTITUTE, "ethics")
    assert codes(space, contract) == {"PIPL-06"}
    pia = give(space, HOSPITAL, "pia")
    assert codes(space, contract) == set()

    entry = next(e for e in space.entries(type="access.decision", outcome="permit") if e["contract"]["id"] == contract)
    assert entry["legal"]["ethics_ref"] == ethics
    told = {e["facts"]["kind"]: e for e in space.entries(type="approval.recorded")}
    assert told["ethics"]["facts"]["issuer"] == INSTITUTE
    assert "伦理" not in json.dumps(space.entries(limit=500), ensure_ascii=False)

    space.agent(HOSPITAL, "officer").post(f"/v1/approvals/{pia}/withdraw", {})
    assert codes(space, contract) == {"PIPL-06"}
    space.operator.post(f"/v1/approvals/{ethics}/withdraw", {})
    assert codes(space, contract) == {"ETH-01", "PIPL-06"}
    with pytest.raises(Refused) as again:
        space.operator.post(f"/v1/approvals/{ethics}/withdraw", {})
    assert again.value.code == "wrong-state"
    states = {one["id"]: one["state"] for one in space.agent(LAB, "researcher").get("/v1/approvals")}
    assert states[ethics] == states[pia] == "withdrawn"


def test_an_issuer_that_is_trusted_no_more_gives_nothing(space: Space) -> None:
    contract = agree(space)
    give(space, INSTITUTE, "ethics")
    assert "ETH-01" not in codes(space, contract)
    trust(space, INSTITUTE)
    assert "ETH-01" in codes(space, contract)
    trust(space, INSTITUTE, "ethics")
    assert "ETH-01" not in codes(space, contract)
    space.operator.post(f"/v1/participants/{INSTITUTE}/suspend", {})
    assert "ETH-01" in codes(space, contract)
    space.operator.post(f"/v1/participants/{INSTITUTE}/reinstate", {})
    assert "ETH-01" not in codes(space, contract)


def test_what_a_lost_key_approved_is_withdrawn_and_told(space: Space) -> None:
    board = "did:web:board.example"
    space.admit(board, "research_institute")
    trust(space, board, "ethics")
    dataset, other = publish(space), publish(space)
    contract, early = agree(space, dataset), give(space, board, "ethics", datasets=[dataset])
    time.sleep(1.1)
    since = int(time.time())
    late = give(space, board, "ethics", datasets=[other])
    assert "ETH-01" not in codes(space, contract)
    path = f"/v1/participants/{board}/keys/{space.parties[board].key_name}/compromise"
    space.agent(board, "admin").post(path, {"since": since})
    states = {one["id"]: one["state"] for one in space.agent(LAB, "researcher").get("/v1/approvals")}
    assert (states[early], states[late]) == ("recorded", "withdrawn")
    assert "ETH-01" not in codes(space, contract)
    # Nothing stands any more, and who goes by it reads so in its own view of the log.
    space.agent(board, "admin").post(path, {})
    assert "ETH-01" in codes(space, contract)
    entries = space.agent(LAB, "officer").get("/v1/audit/entries", type="approval.withdrawn")["entries"]
    told = [e["record"] for e in entries if e["record"]["facts"].get("why") == "key-compromised"]
    assert {one["objects"][0]["id"] for one in told} == {early, late}


@pytest.mark.parametrize("scope", ["purpose", "recipient", "dataset", "later"])
def test_what_it_does_not_cover_it_does_not_give(space: Space, scope: str) -> None:
    dataset, other = (publish(space) for _ in range(2))
    contract = agree(space, dataset)
    members: dict[str, Any] = {
        "purpose": {"purposes": ["P06"]},
        "recipient": {"recipients": [OVERSEAS]},
        "dataset": {"datasets": [other]},
        "later": {"nbf": int(time.time()) + 3600},
    }[scope]
    content = approval(space, INSTITUTE, "ethics", **({"datasets": [dataset]} | members))
    record(space, space.signed(content), OVERSEAS if scope == "recipient" else LAB)
    assert "ETH-01" in codes(space, contract)
    record(space, space.signed(approval(space, INSTITUTE, "ethics", datasets=[dataset])))
    assert "ETH-01" not in codes(space, contract)


def test_who_may_not_issue_is_refused(space: Space) -> None:
    refused = [(HOSPITAL, "ethics"), (LAB, "ethics"), (INSTITUTE, "export"), (INSTITUTE, "pia"), (LAB, "pia")]
    for issuer, kind in refused:
        assert refusal(space, space.signed(approval(space, issuer, kind)))[0] == "issuer-not-authorised"
    # What a provider assesses itself is its own data alone.
    strange = approval(space, HOSPITAL, "pia", datasets=[space.datasets["csv"], urn()])
    assert refusal(space, space.signed(strange))[0] == "issuer-not-authorised"


def with_header(body: dict[str, str], **members: Any) -> dict[str, str]:
    header = json.loads(b64url_decode(body["protected"])) | members
    return body | {"protected": b64url_encode(canonical_json(header))}


def with_payload(body: dict[str, str], **members: Any) -> dict[str, str]:
    payload = json.loads(b64url_decode(body["payload"])) | members
    return body | {"payload": b64url_encode(canonical_json(payload))}


def spaced(body: dict[str, str]) -> dict[str, str]:
    return body | {"payload": b64url_encode(b" " + b64url_decode(body["payload"]))}


def by_another_key(content: Approval, name: str) -> dict[str, str]:
    made: dict[str, str] = json.loads(
        sign_approval(content, generate("Ed25519"), f"{INSTITUTE}#{name}", iat=content.iat)
    )
    return made


# What is not what its issuer signed: made of a good document and what it says, and how it is refused.
FORGERIES: dict[str, tuple[Callable[[Space, dict[str, str], Approval], dict[str, str]], str]] = {
    "longer": (lambda s, b, c: with_payload(b, exp=c.exp + 1), "approval-signature-invalid"),
    "for another": (lambda s, b, c: with_payload(b, recipients=[LAB, OVERSEAS]), "approval-signature-invalid"),
    "another key": (lambda s, b, c: by_another_key(c, "contract-1"), "approval-signature-invalid"),
    "a key nobody enrolled": (lambda s, b, c: by_another_key(c, "contract-9"), "approval-signature-invalid"),
    "another's key": (lambda s, b, c: with_header(b, kid=f"{LAB}#contract-1"), "approval-signature-invalid"),
    "no algorithm": (lambda s, b, c: with_header(b, alg="none"), "approval-signature-invalid"),
    "no signature": (lambda s, b, c: b | {"signature": ""}, "approval-signature-invalid"),
    "another type": (lambda s, b, c: with_header(b, typ="corridor-contract"), "approval-malformed"),
    "one more header": (lambda s, b, c: with_header(b, crit=["exp"]), "approval-malformed"),
    "from the future": (lambda s, b, c: s.signed(c, iat=int(time.time()) + 3600), "approval-malformed"),
    "another gateway": (
        lambda s, b, c: s.signed(c.model_copy(update={"gateway": "did:web:other.example"})),
        "approval-malformed",
    ),
    "over": (lambda s, b, c: s.signed(c.model_copy(update={"exp": c.nbf + 1})), "approval-refused"),
    "not canonical": (lambda s, b, c: spaced(b), "approval-malformed"),
    "of another kind": (lambda s, b, c: with_payload(b, mechanism="scc"), "approval-malformed"),
    "null": (lambda s, b, c: with_payload(b, mechanism=None), "approval-malformed"),
    "more than is understood": (lambda s, b, c: with_payload(b, waives=["ETH-01"]), "approval-malformed"),
    "no bounds": (lambda s, b, c: with_payload(b, datasets=[]), "approval-malformed"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(space: Space, name: str) -> None:
    make, code = FORGERIES[name]
    content = approval(space, INSTITUTE, "ethics")
    assert refusal(space, make(space, space.signed(content), content))[0] == code


def test_a_contract_signature_is_no_approval(space: Space) -> None:
    draft = space.accept(space.offer(space.datasets["csv"], consumer=LAB)["id"], consumer=LAB)
    entry = space.parties[LAB].sign(draft)
    assert refusal(space, {"payload": draft["payload"], **entry})[0] == "approval-malformed"


def test_only_whom_it_concerns_records_and_sees_it(space: Space) -> None:
    body = space.signed(approval(space, INSTITUTE, "ethics"))
    assert refusal(space, body, OVERSEAS)[0] == "approval-refused"
    made = record(space, body, INSTITUTE)
    size = space.log_size()
    assert record(space, body, HOSPITAL, "provider") == record(space, body) == made
    assert space.log_size() == size
    for did, role in ((HOSPITAL, "officer"), (LAB, "researcher"), (INSTITUTE, "admin")):
        assert space.agent(did, role).get(f"/v1/approvals/{made['id']}") == made
        assert made["id"] in {one["id"] for one in space.agent(did, role).get("/v1/approvals", limit=200)}
    for did, role in ((OVERSEAS, "researcher"), (OPERATOR, OPERATOR)):
        with pytest.raises(Refused):
            space.agent(did, role).get(f"/v1/approvals/{made['id']}")
        assert made["id"] not in {one["id"] for one in space.agent(did, role).get("/v1/approvals", limit=200)}
    with pytest.raises(Refused) as told:
        space.agent(LAB, "admin").post(f"/v1/approvals/{made['id']}/withdraw", {})
    assert told.value.code == "not-found"


def test_an_id_is_of_one_approval(space: Space) -> None:
    content = approval(space, INSTITUTE, "ethics")
    record(space, space.signed(content))
    changed = content.model_copy(update={"exp": content.exp + 1})
    assert refusal(space, space.signed(changed))[0] == "conflict"


def test_it_verifies_offline(space: Space) -> None:
    made = give(space, INSTITUTE, "ethics")
    researcher = space.agent(LAB, "researcher")
    envelope, keys = (researcher.raw(f"/v1/approvals/{made}/{part}") for part in ("envelope", "keys"))
    found = check(envelope, keys, now=int(time.time()))
    assert (found["id"], found["issuer"], found["exempt"]) == (made, INSTITUTE, False)
    altered = canonical_json(with_payload(json.loads(envelope), exp=found["exp"] + 1))
    with pytest.raises(ApprovalRefused):
        check(altered, keys, now=int(time.time()))
    other = researcher.raw(f"/v1/approvals/{give(space, HOSPITAL, 'pia')}/keys")
    with pytest.raises(ApprovalRefused):
        check(envelope, other, now=int(time.time()))


def test_too_many_are_refused_before_one_goes_unseen(space: Space) -> None:
    dataset = publish(space)
    for _ in range(20):
        give(space, HOSPITAL, "pia", datasets=[dataset])
    body = space.signed(approval(space, HOSPITAL, "pia", datasets=[dataset]))
    assert refusal(space, body)[0] == "approval-refused"


def test_they_are_listed_newest_first_whatever_their_ids(space: Space) -> None:
    dataset = publish(space)
    ids = [f"urn:uuid:{digits * 8}-{urn()[18:]}" for digits in "fa0"]
    for identity in ids:
        give(space, HOSPITAL, "pia", id=identity, datasets=[dataset])
        time.sleep(1.1)  # when it was recorded is kept in seconds
    hospital, seen = space.agent(HOSPITAL, "officer"), []
    while page := hospital.get("/v1/approvals", dataset=dataset, limit=1, before=seen[-1] if seen else None):
        seen += [one["id"] for one in page]
    assert seen == ids[::-1]
    # An approval that is not theirs is no place in the institute's list.
    institute = space.agent(INSTITUTE, "admin")
    assert institute.get("/v1/approvals")
    assert institute.get("/v1/approvals", before=ids[-1]) == []
