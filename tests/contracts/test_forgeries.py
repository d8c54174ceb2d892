"""Every way of forging a contract that the bytes alone can show; each is signed as well as its forger could."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.contracts import errors
from gateway.contracts.envelope import assemble
from gateway.contracts.sign import signatures_digest
from gateway.contracts.verify import verify_contract
from gateway.crypto.canonical import b64url_encode, canonical_json
from gateway.crypto.private import ed25519_from_seed, generate, private_key, public_jwk
from gateway.terms.errors import TermNotUnderstood
from tests.vectors.make_contract import (
    ACCEPTED,
    FROM,
    GATEWAY,
    HOSPITAL,
    JWKS,
    NOW,
    PHARMA,
    SIGNED,
    TO,
    enrolled,
    kid,
    party_entries,
    payload,
    ring,
    terms,
)

STRANGER = "did:web:stranger.example"
STRANGER_JWK = ed25519_from_seed(b"\x66" * 32)
SECOND_JWK = ed25519_from_seed(b"\x67" * 32)
KEYS = (
    ring()
    .with_key(enrolled(STRANGER, STRANGER_JWK))
    .with_key(enrolled(HOSPITAL, SECOND_JWK, name=f"{HOSPITAL}#k2"))
    .with_key(enrolled(HOSPITAL, generate("Ed25519"), name=f"{HOSPITAL}#login", purpose="agent"))
)
PAYLOAD = payload()

Entry = dict[str, str]


def entry(did: str, signed: bytes = PAYLOAD, jwk: dict[str, str] | None = None, **header: Any) -> Entry:
    """A party's entry with members of the header changed (None leaves one out), honestly signed as it then stands."""
    members = {"alg": "Ed25519", "kid": kid(did), "typ": "corridor-contract", "iat": SIGNED, **header}
    present = {name: value for name, value in members.items() if value is not None}
    return raw_entry(canonical_json(present), jwk or JWKS[did], signed)


def raw_entry(header: bytes, jwk: dict[str, str], signed: bytes = PAYLOAD) -> Entry:
    protected = b64url_encode(header)
    key: Any = private_key(jwk)
    return {
        "protected": protected,
        "signature": b64url_encode(key.sign(f"{protected}.{b64url_encode(signed)}".encode())),
    }


def countersigned(
    entries: list[Entry], signed: bytes = PAYLOAD, jwk: dict[str, str] | None = None, **header: Any
) -> bytes:
    """An envelope whose last entry binds these entries, as a gateway that checked nothing would make it."""
    gateway_header = {
        "kid": kid(GATEWAY),
        "typ": "corridor-countersig",
        "iat": ACCEPTED,
        "crit": ["cs"],
        "cs": signatures_digest(entries),
        **header,
    }
    return assemble(signed, [*entries, entry(GATEWAY, signed, jwk, **gateway_header)])


def with_entry(forged: Entry) -> bytes:
    """An envelope where the hospital's entry is the forged one."""
    return countersigned([forged, entry(PHARMA)])


def with_members(**changes: Any) -> bytes:
    """An envelope over a payload with members changed (None leaves one out), signed by all."""
    members = {**json.loads(PAYLOAD), **changes}
    return over(canonical_json({name: value for name, value in members.items() if value is not None}))


def over(signed: bytes) -> bytes:
    return countersigned([entry(HOSPITAL, signed), entry(PHARMA, signed)], signed)


def replaced(old: bytes, new: bytes) -> bytes:
    assert old in PAYLOAD
    return over(PAYLOAD.replace(old, new, 1))


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A good envelope's JSON, changed afterwards."""
    value = json.loads(countersigned(party_entries(PAYLOAD)))
    change(value)
    return json.dumps(value).encode()


def hmac_with_public_key() -> Entry:
    protected = b64url_encode(
        canonical_json({"alg": "HS256", "kid": kid(HOSPITAL), "typ": "corridor-contract", "iat": SIGNED})
    )
    secret = base64.urlsafe_b64decode(JWKS[HOSPITAL]["x"] + "=")
    mac = hmac.new(secret, f"{protected}.{b64url_encode(PAYLOAD)}".encode(), hashlib.sha256).digest()
    return {"protected": protected, "signature": b64url_encode(mac)}


def entry_with_its_own_key() -> Entry:
    header = {"alg": "Ed25519", "kid": kid(HOSPITAL), "typ": "corridor-contract", "iat": SIGNED}
    return raw_entry(canonical_json({**header, "jwk": public_jwk(STRANGER_JWK)}), STRANGER_JWK)


def nested(depth: int) -> bytes:
    return b'{"payload":' + b"[" * depth + b"]" * depth + b',"signatures":[]}'


def policy_with(**changes: Any) -> bytes:
    policy = {**json.loads(PAYLOAD)["policy"], **changes}
    return with_members(policy=policy)


def with_constraint(index: int, **changes: Any) -> bytes:
    policy = json.loads(PAYLOAD)["policy"]
    for permission in policy["permission"]:
        permission["constraint"][index] |= changes
    return with_members(policy=policy)


MALFORMED = errors.EnvelopeMalformed
FORGERIES: dict[str, tuple[bytes, type[Exception]]] = {
    # algorithms
    "algorithm none": (with_entry({**entry(HOSPITAL, alg="none"), "signature": ""}), errors.AlgorithmRefused),
    "hmac with the public key": (with_entry(hmac_with_public_key()), errors.AlgorithmRefused),
    "old algorithm name EdDSA": (with_entry(entry(HOSPITAL, alg="EdDSA")), errors.AlgorithmRefused),
    "another algorithm than the key's": (with_entry(entry(HOSPITAL, alg="ES256")), errors.AlgorithmRefused),
    # keys
    "unknown kid": (with_entry(entry(HOSPITAL, kid=f"{HOSPITAL}#k9")), errors.KeyNotEnrolled),
    "kid with another case": (with_entry(entry(HOSPITAL, kid=f"{HOSPITAL}#K1")), errors.KeyNotEnrolled),
    "kid that is a path": (with_entry(entry(HOSPITAL, kid=f"{HOSPITAL}#../../k1")), errors.HeaderRefused),
    "kid that is SQL": (with_entry(entry(HOSPITAL, kid=f"{HOSPITAL}#k1' OR '1'='1")), errors.HeaderRefused),
    "kid that is a URL": (with_entry(entry(HOSPITAL, kid="https://evil.example/keys#k1")), errors.HeaderRefused),
    "kid of 600 characters": (with_entry(entry(HOSPITAL, kid=f"{HOSPITAL}:{'a' * 600}#k1")), errors.HeaderRefused),
    "kid that is no text": (with_entry(entry(HOSPITAL, kid=1)), errors.HeaderRefused),
    "no kid": (with_entry(entry(HOSPITAL, kid=None)), errors.HeaderRefused),
    "key for signing in used for contracts": (
        with_entry(entry(HOSPITAL, kid=f"{HOSPITAL}#login")),
        errors.KeyNotUsable,
    ),
    "key brought along as jwk": (with_entry(entry_with_its_own_key()), errors.HeaderRefused),
    "key pointed to by jku": (with_entry(entry(HOSPITAL, jku="https://evil.example/jwks")), errors.HeaderRefused),
    "certificate chain x5c": (with_entry(entry(HOSPITAL, x5c=["MIIB"])), errors.HeaderRefused),
    "certificate address x5u": (with_entry(entry(HOSPITAL, x5u="https://evil.example/c")), errors.HeaderRefused),
    "unencoded payload b64 false": (with_entry(entry(HOSPITAL, b64=False, crit=["b64"])), errors.HeaderRefused),
    # who signed
    "nobody signed": (assemble(PAYLOAD, []), errors.SignatureMissing),
    "the gateway alone": (countersigned([]), errors.SignatureMissing),
    "consumer's signature stripped": (countersigned([entry(HOSPITAL)]), errors.SignatureMissing),
    "provider's signature stripped": (countersigned([entry(PHARMA)]), errors.SignatureMissing),
    "party stripped after countersigning": (edited(lambda e: e["signatures"].pop(0)), errors.CountersignatureRefused),
    "parties swapped after countersigning": (
        edited(lambda e: e["signatures"].insert(0, e["signatures"].pop(1))),
        errors.CountersignatureRefused,
    ),
    "same entry twice": (countersigned([entry(HOSPITAL), entry(HOSPITAL)]), errors.SignedTwice),
    "same entry twice beside the other": (
        countersigned([entry(HOSPITAL), entry(HOSPITAL), entry(PHARMA)]),
        errors.SignedTwice,
    ),
    "same party under two keys": (
        countersigned([entry(HOSPITAL), entry(HOSPITAL, jwk=SECOND_JWK, kid=f"{HOSPITAL}#k2"), entry(PHARMA)]),
        errors.SignedTwice,
    ),
    "stranger beside the parties": (
        countersigned([entry(HOSPITAL), entry(PHARMA), entry(STRANGER, jwk=STRANGER_JWK)]),
        errors.SignerNotParty,
    ),
    "stranger instead of a party": (
        countersigned([entry(HOSPITAL), entry(STRANGER, jwk=STRANGER_JWK)]),
        errors.SignerNotParty,
    ),
    "consumer signs as provider": (with_entry(entry(HOSPITAL, jwk=JWKS[PHARMA])), errors.ContractSignatureInvalid),
    "signature of one party under the other's header": (
        with_entry({**entry(HOSPITAL), "signature": entry(PHARMA)["signature"]}),
        errors.ContractSignatureInvalid,
    ),
    "entry moved from another contract": (
        with_entry(entry(HOSPITAL, payload(nonce=b"\xff" * 16))),
        errors.ContractSignatureInvalid,
    ),
    "empty signature": (with_entry({**entry(HOSPITAL), "signature": ""}), errors.ContractSignatureInvalid),
    "signature of zeros": (
        with_entry({**entry(HOSPITAL), "signature": b64url_encode(bytes(64))}),
        errors.ContractSignatureInvalid,
    ),
    "signature of a megabyte's length": (
        with_entry({**entry(HOSPITAL), "signature": "A" * 100_000}),
        errors.ContractSignatureInvalid,
    ),
    # countersignature
    "no countersignature": (assemble(PAYLOAD, party_entries(PAYLOAD)), errors.CountersignatureRefused),
    "countersignature first": (
        edited(lambda e: e["signatures"].insert(0, e["signatures"].pop())),
        errors.CountersignatureRefused,
    ),
    "countersignature by a party": (
        countersigned(party_entries(PAYLOAD), jwk=JWKS[HOSPITAL], kid=kid(HOSPITAL)),
        errors.KeyNotUsable,
    ),
    "countersignature by another's key": (
        countersigned(party_entries(PAYLOAD), jwk=STRANGER_JWK),
        errors.ContractSignatureInvalid,
    ),
    "countersignature over other signatures": (
        countersigned(party_entries(PAYLOAD), cs=signatures_digest([entry(PHARMA), entry(HOSPITAL)])),
        errors.CountersignatureRefused,
    ),
    "countersignature without cs": (countersigned(party_entries(PAYLOAD), cs=None), errors.HeaderRefused),
    "countersignature without crit": (countersigned(party_entries(PAYLOAD), crit=None), errors.HeaderRefused),
    "countersignature with empty crit": (countersigned(party_entries(PAYLOAD), crit=[]), errors.HeaderRefused),
    "countersignature from the future": (countersigned(party_entries(PAYLOAD), iat=NOW + 61), errors.TimesRefused),
    "countersignature after the term": (countersigned(party_entries(PAYLOAD), iat=TO), errors.TimesRefused),
    "countersignature as a party's type": (
        countersigned(party_entries(PAYLOAD), typ="corridor-contract"),
        errors.CountersignatureRefused,
    ),
    # headers
    "another type of signed object": (with_entry(entry(HOSPITAL, typ="JWT")), errors.HeaderRefused),
    "party entry typed as countersignature": (
        with_entry(entry(HOSPITAL, typ="corridor-countersig")),
        errors.HeaderRefused,
    ),
    "no type": (with_entry(entry(HOSPITAL, typ=None)), errors.HeaderRefused),
    "no time of signing": (with_entry(entry(HOSPITAL, iat=None)), errors.HeaderRefused),
    "time of signing as text": (with_entry(entry(HOSPITAL, iat=str(SIGNED))), errors.HeaderRefused),
    "time of signing true": (with_entry(entry(HOSPITAL, iat=True)), errors.HeaderRefused),
    "signed long before the draft": (with_entry(entry(HOSPITAL, iat=FROM - 61)), errors.TimesRefused),
    "signed after acceptance": (with_entry(entry(HOSPITAL, iat=ACCEPTED + 61)), errors.TimesRefused),
    "party entry with crit": (with_entry(entry(HOSPITAL, crit=["cs"])), errors.HeaderRefused),
    "header that is no object": (with_entry(raw_entry(b"[]", JWKS[HOSPITAL])), errors.HeaderRefused),
    "header of 5000 bytes": (
        with_entry(raw_entry(b'{"alg":"Ed25519"' + b" " * 5000 + b"}", JWKS[HOSPITAL])),
        errors.HeaderRefused,
    ),
    "header with a duplicate member": (
        with_entry(
            raw_entry(
                b'{"alg":"none","alg":"Ed25519","iat":%d,"kid":"%s","typ":"corridor-contract"}'
                % (SIGNED, kid(HOSPITAL).encode()),
                JWKS[HOSPITAL],
            )
        ),
        errors.HeaderRefused,
    ),
    "header with an escaped duplicate": (
        with_entry(
            raw_entry(
                b'{"\\u0061lg":"none","alg":"Ed25519","iat":%d,"kid":"%s","typ":"corridor-contract"}'
                % (SIGNED, kid(HOSPITAL).encode()),
                JWKS[HOSPITAL],
            )
        ),
        errors.HeaderRefused,
    ),
    # envelope
    "unprotected header": (edited(lambda e: e["signatures"][0].update(header={"alg": "none"})), MALFORMED),
    "flattened form beside the general one": (edited(lambda e: e.update(e["signatures"][0])), MALFORMED),
    "entry without signature": (edited(lambda e: e["signatures"][0].pop("signature")), MALFORMED),
    "detached payload": (edited(lambda e: e.pop("payload")), MALFORMED),
    "payload null": (edited(lambda e: e.update(payload=None)), MALFORMED),
    "signatures as an object": (edited(lambda e: e.update(signatures={})), MALFORMED),
    "three hundred signatures": (edited(lambda e: e.update(signatures=e["signatures"] * 100)), MALFORMED),
    "padded base64url": (edited(lambda e: e.update(payload=e["payload"] + "==")), MALFORMED),
    "standard base64 alphabet": (edited(lambda e: e.update(payload="+" + e["payload"][1:])), MALFORMED),
    "white space in base64url": (edited(lambda e: e.update(payload=e["payload"] + "\n")), MALFORMED),
    "stray bits in a signature": (
        edited(lambda e: e["signatures"][1].update(signature=e["signatures"][1]["signature"][:-1] + "B")),
        errors.CountersignatureRefused,
    ),
    "compact form": (b"eyJhbGciOiJub25lIn0.e30.", MALFORMED),
    "byte order mark": (b"\xef\xbb\xbf" + edited(lambda e: None), MALFORMED),
    "UTF-16": (edited(lambda e: None).decode().encode("utf-16"), MALFORMED),
    "duplicate payload member": (
        edited(lambda e: None).replace(b'{"payload"', b'{"payload":"e30","payload"', 1),
        MALFORMED,
    ),
    "escaped duplicate payload member": (
        edited(lambda e: None).replace(b'{"payload"', b'{"p\\u0061yload":"e30","payload"', 1),
        MALFORMED,
    ),
    "deep nesting": (nested(33), MALFORMED),
    "very deep nesting": (nested(100_000), MALFORMED),
    "giant text": (b'{"payload":"' + b"A" * 300_000 + b'","signatures":[]}', errors.ContractTooLarge),
    "giant payload": (assemble(b" " * 70_000, []), errors.ContractTooLarge),
    "empty": (b"", MALFORMED),
    # payload
    "made for another gateway": (over(payload(gateway="did:web:other.example")), errors.WrongGateway),
    "not yet in force": (over(payload(terms(valid_from=NOW + 1))), errors.NotYetInForce),
    "expired this second": (over(payload(terms(valid_to=NOW))), errors.Expired),
    "a contract for ten years": (with_members(exp=FROM + 10 * 366 * 86400), errors.TimesRefused),
    "ends before it begins": (with_members(exp=FROM - 1), errors.TimesRefused),
    "begins when it ends": (with_members(exp=FROM), errors.TimesRefused),
    "the gateway as a party": (
        with_members(parties=[{"id": GATEWAY, "role": "provider"}, {"id": PHARMA, "role": "consumer"}]),
        errors.PartiesRefused,
    ),
    "a party with itself": (
        with_members(parties=[{"id": PHARMA, "role": "provider"}, {"id": PHARMA, "role": "consumer"}]),
        errors.PartiesRefused,
    ),
    "two providers": (
        with_members(parties=[{"id": PHARMA, "role": "provider"}, {"id": HOSPITAL, "role": "provider"}]),
        errors.PartiesRefused,
    ),
    "roles exchanged against the policy": (
        with_members(parties=[{"id": PHARMA, "role": "provider"}, {"id": HOSPITAL, "role": "consumer"}]),
        errors.PolicyDiffers,
    ),
    "one party only": (with_members(parties=[{"id": PHARMA, "role": "consumer"}]), errors.PayloadMalformed),
    "a party that is no DID": (
        with_members(parties=[{"id": "hospital-a", "role": "provider"}, {"id": PHARMA, "role": "consumer"}]),
        errors.PayloadMalformed,
    ),
    "another kind of signed object": (with_members(typ="AuditCheckpoint"), errors.PayloadMalformed),
    "another version": (with_members(ver=2), errors.PayloadMalformed),
    "version true": (with_members(ver=True), errors.PayloadMalformed),
    "another terms profile": (with_members(profile="corridor-terms/2"), errors.PayloadMalformed),
    "unknown payload member": (with_members(opa={"bundle": "x"}), errors.PayloadMalformed),
    "member null": (over(canonical_json({**json.loads(PAYLOAD), "supersedes": None})), errors.PayloadMalformed),
    "no nonce": (with_members(nonce=None), errors.PayloadMalformed),
    "padded nonce": (with_members(nonce="AAAAAAAAAAAAAAAAAAAAAA=="), errors.PayloadMalformed),
    "short nonce": (with_members(nonce="AAAA"), errors.PayloadMalformed),
    "target without digest": (with_members(target={"id": "urn:uuid:a"}), errors.PayloadMalformed),
    "target of another dataset than the policy": (
        with_members(target={"id": "urn:uuid:ffffffff", "digest": "sha256:" + "ab" * 32}),
        errors.PolicyDiffers,
    ),
    "status index true": (
        with_members(status={"status_list": {"idx": True, "uri": "https://gateway.example/status/1"}}),
        errors.PayloadMalformed,
    ),
    "times as text": (with_members(nbf=str(FROM)), errors.PayloadMalformed),
    "payload with a space": (replaced(b'"exp":', b'"exp": '), errors.PayloadNotCanonical),
    "payload with members in another order": (
        over(json.dumps(dict(reversed(json.loads(PAYLOAD).items())), separators=(",", ":")).encode()),
        errors.PayloadNotCanonical,
    ),
    "payload with an escaped letter": (replaced(b"DataUsage", b"\\u0044ataUsage"), errors.PayloadNotCanonical),
    "payload with a duplicate member": (replaced(b'"ver":1', b'"ver":1,"ver":1'), errors.PayloadMalformed),
    "payload with an escaped duplicate": (replaced(b'"ver":1', b'"v\\u0065r":2,"ver":1'), errors.PayloadMalformed),
    "payload with 1e400": (replaced(b'"ver":1', b'"ver":1e400'), errors.PayloadMalformed),
    "payload with 1.0": (replaced(b'"ver":1', b'"ver":1.0'), errors.PayloadMalformed),
    "payload with 2^53 + 1": (replaced(b'"idx":412', b'"idx":9007199254740993'), errors.PayloadMalformed),
    "payload with -0": (replaced(b'"idx":412', b'"idx":-0'), errors.PayloadMalformed),
    "payload with NaN": (replaced(b'"idx":412', b'"idx":NaN'), errors.PayloadMalformed),
    "payload that is no object": (over(b"[]"), errors.PayloadMalformed),
    "payload with a member name that is no ASCII": (with_members(**{"größe": 1}), errors.PayloadMalformed),
    "payload with a lone surrogate": (replaced(b'"age"', b'"\\ud800"'), errors.PayloadMalformed),
    "column in decomposed form": (replaced(b'"age"', '"a\u0308ge"'.encode()), errors.PayloadMalformed),
    "column turned around": (replaced(b'"age"', '"\u202eega"'.encode()), errors.PayloadMalformed),
    "column with zero width": (replaced(b'"age"', '"a\u200bge"'.encode()), errors.PayloadMalformed),
    "column with a control character": (replaced(b'"age"', b'"ag\\u0000e"'), errors.PayloadMalformed),
    "column with DEL": (replaced(b'"age"', b'"ag\x7fe"'), errors.PayloadMalformed),
    # policy
    "policy of another contract": (policy_with(**{"@id": "urn:uuid:other"}), errors.PolicyDiffers),
    "policy an offer": (policy_with(**{"@type": "Offer"}), errors.PolicyDiffers),
    "policy for another assignee": (policy_with(assignee=STRANGER), errors.PolicyDiffers),
    "policy by another assigner": (policy_with(assigner=STRANGER), errors.PolicyDiffers),
    "policy for another target": (policy_with(target="urn:uuid:other"), errors.PolicyDiffers),
    "context to be fetched": (policy_with(**{"@context": "https://evil.example/context"}), TermNotUnderstood),
    "unknown policy member": (policy_with(inheritFrom="urn:x"), TermNotUnderstood),
    "unknown operand": (with_constraint(0, leftOperand="spatial"), TermNotUnderstood),
    "another operator": (with_constraint(0, operator="isNoneOf"), TermNotUnderstood),
    "a use that is banned everywhere": (with_constraint(0, rightOperand=["X01"]), TermNotUnderstood),
    "columns in another order": (
        with_constraint(2, rightOperand=["visit_date", "subject_id", "sex", "age"]),
        errors.PolicyDiffers,
    ),
    "term longer in the policy": (with_constraint(7, rightOperand="2031-11-23T00:00:00Z"), errors.PolicyDiffers),
    "no permission": (policy_with(permission=[]), TermNotUnderstood),
    "duty not understood": (policy_with(obligation=[{"action": "compensate", "constraint": []}]), TermNotUnderstood),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_contract_is_refused_by_name(name: str) -> None:
    forged, refusal = FORGERIES[name]
    with pytest.raises(refusal) as refused:
        verify_contract(forged, keys=KEYS, gateway=GATEWAY, now=NOW)
    assert type(refused.value) is refusal


def test_the_forgers_tools_make_a_good_contract_when_used_honestly() -> None:
    for honest in (countersigned(party_entries(PAYLOAD)), with_entry(entry(HOSPITAL)), over(PAYLOAD), with_members()):
        assert verify_contract(honest, keys=KEYS, gateway=GATEWAY, now=NOW).payload == PAYLOAD
