"""Nothing is signed unread, and nobody signs for another."""

from __future__ import annotations

import json

import pytest

from gateway.contracts.errors import PayloadNotCanonical, SignerNotParty, WrongGateway
from gateway.contracts.sign import countersign, party_entry, signatures_digest
from gateway.crypto.canonical import b64url_decode
from gateway.crypto.errors import DidRefused, KeyRefused
from gateway.crypto.private import public_jwk
from gateway.terms.errors import TermNotUnderstood
from tests.vectors.make_contract import GATEWAY, HOSPITAL, JWKS, PHARMA, SIGNED, kid, party_entries, payload


def test_a_party_entry_is_typed_and_dated() -> None:
    header = json.loads(b64url_decode(party_entries(payload())[0]["protected"]))
    assert header == {"alg": "Ed25519", "iat": SIGNED, "kid": kid(HOSPITAL), "typ": "corridor-contract"}


def test_a_countersignature_binds_the_party_entries_in_their_order() -> None:
    entries = party_entries(payload())
    header = json.loads(
        b64url_decode(countersign(payload(), entries, JWKS[GATEWAY], kid(GATEWAY), iat=SIGNED)["protected"])
    )
    assert header["cs"] == signatures_digest(entries) != signatures_digest(entries[::-1])
    assert (header["crit"], header["typ"]) == (["cs"], "corridor-countersig")


def test_a_stranger_does_not_sign() -> None:
    with pytest.raises(SignerNotParty):
        party_entry(payload(), JWKS[PHARMA], "did:web:stranger.example#k1", iat=SIGNED)


def test_a_gateway_countersigns_its_own_contracts_only() -> None:
    with pytest.raises(WrongGateway):
        countersign(payload(), [], JWKS[GATEWAY], kid(HOSPITAL), iat=SIGNED)


def test_a_signer_refuses_bytes_that_are_not_canonical() -> None:
    with pytest.raises(PayloadNotCanonical):
        party_entry(payload() + b" ", JWKS[PHARMA], kid(PHARMA), iat=SIGNED)


def test_a_signer_refuses_terms_it_does_not_understand() -> None:
    with pytest.raises(TermNotUnderstood):
        party_entry(payload().replace(b'"purpose"', b'"purpoze"'), JWKS[PHARMA], kid(PHARMA), iat=SIGNED)


def test_a_public_key_signs_nothing() -> None:
    with pytest.raises(KeyRefused):
        party_entry(payload(), public_jwk(JWKS[PHARMA]), kid(PHARMA), iat=SIGNED)


def test_a_short_key_id_is_refused() -> None:
    with pytest.raises(DidRefused):
        party_entry(payload(), JWKS[PHARMA], "k1", iat=SIGNED)
