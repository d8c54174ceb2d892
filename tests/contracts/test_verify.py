"""What a verified contract says, and how keys and time are judged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from gateway.contracts import errors
from gateway.contracts.envelope import assemble, parse_payload
from gateway.contracts.sign import countersign, party_entry
from gateway.contracts.verify import VerifiedContract, verify_contract, verify_party_entry
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json
from gateway.crypto.jws import sign as jws_sign
from gateway.crypto.private import generate, public_jwk
from gateway.problems import Problem
from gateway.terms.model import parse_terms
from tests.vectors.make_contract import (
    ACCEPTED,
    DRAFTED,
    FROM,
    GATEWAY,
    HOSPITAL,
    JWKS,
    NOW,
    PHARMA,
    SIGNED,
    TO,
    Ring,
    enrolled,
    envelope,
    kid,
    party_entries,
    payload,
    ring,
    terms,
)

ENVELOPE = envelope()
KEYS = ring()


def verify(signed: bytes = ENVELOPE, keys: Ring = KEYS, now: int = NOW, **options: Any) -> VerifiedContract:
    return verify_contract(signed, keys=keys, gateway=GATEWAY, now=now, **options)


def test_a_verified_contract_says_what_was_signed() -> None:
    contract = verify()
    assert contract.payload == payload()
    assert (contract.provider, contract.consumer, contract.gateway) == (HOSPITAL, PHARMA, GATEWAY)
    assert contract.terms == terms()
    assert (contract.nbf, contract.exp, contract.accepted_at) == (FROM, TO, ACCEPTED)
    assert [(s.party, s.kid, s.alg, s.iat) for s in contract.signatures] == [
        (HOSPITAL, kid(HOSPITAL), "Ed25519", SIGNED),
        (PHARMA, kid(PHARMA), "Ed25519", SIGNED),
    ]


def test_the_policy_input_repeats_the_signed_terms() -> None:
    document = verify().as_policy_input("active")
    assert document["obligations"][0] == {"kind": "generalise", "column": "age", "method": "band", "width": 10}
    assert document["signatures"] == [{"party": did, "alg": "Ed25519", "valid": True} for did in (HOSPITAL, PHARMA)]
    assert (document["valid_from"], document["valid_to"], document["status"]) == (FROM, TO, "active")
    assert json.loads(json.dumps(document)) == document


def test_clauses_and_price_reach_the_policy_and_are_none_where_the_contract_states_none() -> None:
    document = verify().as_policy_input("active")
    assert (document["clauses"], document["price"]) == ([], None)
    stated = parse_terms({**terms().model_dump(), "clauses": ["security_duties", "ip_shared"], "price": "free"})
    document = replace(verify(), terms=stated).as_policy_input("active")
    assert (document["clauses"], document["price"]) == (["ip_shared", "security_duties"], "free")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_no_byte_of_an_envelope_can_change(position: int, flip: int) -> None:
    mutated = bytearray(ENVELOPE)
    mutated[position] ^= flip
    with pytest.raises(Problem):
        verify(bytes(mutated))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ENVELOPE) - 1))
def test_no_byte_of_an_envelope_can_be_left_out(position: int) -> None:
    with pytest.raises(Problem):
        verify(ENVELOPE[:position] + ENVELOPE[position + 1 :])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_worse(noise: bytes) -> None:
    with pytest.raises(Problem):
        verify(noise)


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
def test_other_accepted_algorithms_sign_contracts_too(alg: Any) -> None:
    jwk = generate(alg)
    keys = Ring([enrolled(HOSPITAL, jwk), enrolled(PHARMA, JWKS[PHARMA])]).with_key(gateway_key())
    signed = payload()
    entries = [party_entry(signed, jwk, kid(HOSPITAL), iat=SIGNED), party_entries(signed)[1]]
    whole = assemble(signed, [*entries, countersign(signed, entries, JWKS[GATEWAY], kid(GATEWAY), iat=ACCEPTED)])
    assert [s.alg for s in verify(whole, keys).signatures] == [alg, "Ed25519"]


def gateway_key() -> Any:
    return enrolled(GATEWAY, JWKS[GATEWAY], purpose="countersign")


def test_the_second_form_of_an_ecdsa_signature_is_not_what_the_gateway_countersigned() -> None:
    jwk = generate("ES256")
    keys = Ring([enrolled(HOSPITAL, jwk), enrolled(PHARMA, JWKS[PHARMA]), gateway_key()])
    signed = payload()
    entries = [party_entry(signed, jwk, kid(HOSPITAL), iat=SIGNED), party_entries(signed)[1]]
    seal = countersign(signed, entries, JWKS[GATEWAY], kid(GATEWAY), iat=ACCEPTED)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = b64url_decode(entries[0]["signature"])
    other = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    entries[0] = {**entries[0], "signature": b64url_encode(other)}
    with pytest.raises(errors.CountersignatureRefused):
        verify(assemble(signed, [*entries, seal]), keys)


# Time


@pytest.mark.parametrize(
    ("now", "refusal"), [(FROM - 1, errors.NotYetInForce), (TO, errors.Expired), (TO + 1, errors.Expired)]
)
def test_outside_its_term_a_contract_grants_nothing(now: int, refusal: type[Problem]) -> None:
    with pytest.raises(refusal):
        verify().check_term(now)


@pytest.mark.parametrize("now", [NOW, TO - 1])
def test_the_term_holds_from_its_first_second_to_before_its_last(now: int) -> None:
    verify(now=now).check_term(FROM)


def test_an_expired_contract_can_still_be_shown() -> None:
    assert verify(now=TO + 1000, check_term=False).id == verify().id
    with pytest.raises(errors.Expired):
        verify(now=TO + 1000)


def test_a_signature_made_after_the_contracts_end_is_refused() -> None:
    late = party_entry(payload(), JWKS[PHARMA], kid(PHARMA), iat=TO)
    with pytest.raises(errors.TimesRefused):
        arriving(late, now=TO - 1)


def test_a_contract_accepted_after_its_end_never_was_one() -> None:
    signed = payload()
    entries = party_entries(signed)
    late = assemble(signed, [*entries, countersign(signed, entries, JWKS[GATEWAY], kid(GATEWAY), iat=TO)])
    with pytest.raises(errors.TimesRefused):
        verify(late, now=TO + 10, check_term=False)


# Keys


def test_another_gateways_key_countersigns_nothing_here() -> None:
    other, jwk = "did:web:other.example", generate("Ed25519")
    elsewhere = payload(gateway=other)
    seal = countersign(elsewhere, party_entries(payload()), jwk, kid(other), iat=ACCEPTED)
    resealed = {
        **seal,
        "signature": jws_sign(jwk, json.loads(b64url_decode(seal["protected"])), b64url_encode(payload())),
    }
    with pytest.raises(errors.CountersignatureRefused):
        verify(
            assemble(payload(), [*party_entries(payload()), resealed]),
            KEYS.with_key(enrolled(other, jwk, purpose="countersign")),
        )


@pytest.mark.parametrize("did", [HOSPITAL, PHARMA, GATEWAY])
@pytest.mark.parametrize(
    "changes",
    [
        {"state": "compromised"},
        {"state": "compromised", "valid_until": ACCEPTED},
        {"state": "retired"},
        {"valid_from": ACCEPTED + 1},
        {"valid_until": ACCEPTED},
        {"purpose": "agent"},
        {"purpose": "log"},
    ],
)
def test_a_key_that_was_not_good_at_acceptance_signs_nothing(did: str, changes: dict[str, Any]) -> None:
    with pytest.raises(errors.KeyNotUsable):
        verify(keys=KEYS.but(kid(did), **changes))


@pytest.mark.parametrize("did", [HOSPITAL, PHARMA, GATEWAY])
@pytest.mark.parametrize("state", ["retired", "compromised"])
def test_a_key_that_ended_after_acceptance_leaves_the_contract_valid(did: str, state: str) -> None:
    assert verify(keys=KEYS.but(kid(did), state=state, valid_until=ACCEPTED + 1)).id


def test_a_key_enrolled_for_someone_else_is_not_taken_for_its_ids_owner() -> None:
    with pytest.raises(errors.KeyNotEnrolled):
        verify(keys=KEYS.but(kid(HOSPITAL), did=PHARMA))


# One arriving signature


def arriving(entry: Any, signed: bytes | None = None, keys: Ring = KEYS, now: int = NOW) -> Any:
    return verify_party_entry(signed or payload(), entry, keys=keys, gateway=GATEWAY, now=now)


def test_an_arriving_signature_tells_who_signed() -> None:
    signature = arriving(party_entries(payload())[1])
    assert (signature.party, signature.kid) == (PHARMA, kid(PHARMA))


def test_an_arriving_signature_needs_a_key_that_is_active_now() -> None:
    retired = KEYS.but(kid(PHARMA), state="retired", valid_until=NOW + 100)
    with pytest.raises(errors.KeyNotUsable):
        arriving(party_entries(payload())[1], keys=retired)


def test_an_arriving_signature_from_the_future_is_refused() -> None:
    late = party_entry(payload(), JWKS[PHARMA], kid(PHARMA), iat=NOW + 61)
    with pytest.raises(errors.TimesRefused):
        arriving(late)


def test_an_arriving_signature_over_another_draft_is_refused() -> None:
    with pytest.raises(errors.ContractSignatureInvalid):
        arriving(party_entries(payload(nonce=b"\xee" * 16))[0])


def test_an_arriving_signature_on_an_expired_draft_is_refused() -> None:
    with pytest.raises(errors.Expired):
        arriving(party_entries(payload())[0], now=TO)


def test_an_arriving_signature_for_another_gateway_is_refused() -> None:
    elsewhere = payload(gateway="did:web:other.example")
    with pytest.raises(errors.WrongGateway):
        arriving(party_entries(elsewhere)[0], elsewhere)


def test_the_gateway_cannot_sign_as_a_party() -> None:
    seal = countersign(payload(), [], JWKS[GATEWAY], kid(GATEWAY), iat=SIGNED)
    with pytest.raises(errors.HeaderRefused):
        arriving(seal)


@pytest.mark.parametrize("entry", [None, [], "x", {}, {"protected": "e30"}, {"protected": 1, "signature": 2}])
def test_an_arriving_entry_of_another_form_is_refused(entry: Any) -> None:
    with pytest.raises(errors.EnvelopeMalformed):
        arriving(entry)


# A second opinion


@pytest.mark.parametrize("index", [0, 1])
def test_joserfc_accepts_the_party_entries(index: int) -> None:
    value = json.loads(ENVELOPE)
    party = (HOSPITAL, PHARMA)[index]
    public = {name: text for name, text in public_jwk(JWKS[party]).items() if name in ("kty", "crv", "x")}
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    alone = {"payload": value["payload"], "signatures": [value["signatures"][index]]}
    checked = jws.deserialize_json(alone, OKPKey.import_key(public), registry=registry)
    assert checked.payload == payload()


def test_the_digest_is_of_the_payload_alone() -> None:
    contract = verify()
    assert contract.digest == parse_payload(payload()).digest
    signed = payload()
    resigned = [party_entry(signed, JWKS[did], kid(did), iat=DRAFTED + 70) for did in (PHARMA, HOSPITAL)]
    seal = countersign(signed, resigned, JWKS[GATEWAY], kid(GATEWAY), iat=ACCEPTED)
    assert verify(canonical_json(json.loads(assemble(signed, [*resigned, seal])))).digest == contract.digest
