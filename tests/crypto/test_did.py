"""An identifier has one spelling, and a did:key is its key."""

from __future__ import annotations

import pytest

from gateway.crypto.did import check_did, check_kid, decode_did_key, encode_did_key
from gateway.crypto.errors import DidRefused, KeyRefused
from gateway.crypto.keys import Alg, screen
from gateway.crypto.private import generate, public_jwk

# W3C CCG did:key method, its Ed25519 and P-256 examples.
ED25519_KEY = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
P256_KEY = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"


@pytest.mark.parametrize(
    "did",
    [
        "did:web:hospital-a.example",
        "did:web:localhost%3A8080",
        "did:web:park.example:tenants:pharma-b",
        ED25519_KEY,
        P256_KEY,
    ],
)
def test_a_did_of_an_accepted_method_stands(did: str) -> None:
    assert check_did(did) == did


@pytest.mark.parametrize(
    "did",
    [
        "",
        "hospital-a.example",
        "did:web:",
        "did:web:Hospital.example",
        "did:web:h\u043espital.example",
        "did:web:hospital..example",
        "did:web:-a.example",
        "did:web:a.example/path",
        "did:web:a.example:..",
        "did:web:a.example#k1",
        "did:web:a.example?x",
        "did:web:user@a.example",
        "did:web:a.example%2F..",
        "did:web:a.example\n",
        "did:web:" + "a." * 130 + "example",
        "did:key:z6Mk",
        "did:key:" + "0" * 48,
        "did:key:z" + "0OIl" * 12,
        "did:ethr:0xabc",
        "DID:web:a.example",
    ],
)
def test_any_other_identifier_is_refused(did: str) -> None:
    with pytest.raises(DidRefused):
        check_did(did)


def test_a_key_id_is_a_did_and_a_name() -> None:
    assert check_kid("did:web:a.example#k-1.2_x") == ("did:web:a.example", "k-1.2_x")


@pytest.mark.parametrize(
    "kid",
    [
        "did:web:a.example",
        "did:web:a.example#",
        "#k1",
        "did:web:a.example#k1#k2",
        "did:web:a.example#k 1",
        "did:web:a.example#" + "k" * 65,
    ],
)
def test_any_other_key_id_is_refused(kid: str) -> None:
    with pytest.raises(DidRefused):
        check_kid(kid)


@pytest.mark.parametrize(("did", "alg"), [(ED25519_KEY, "Ed25519"), (P256_KEY, "ES256")])
def test_a_published_did_key_decodes_and_encodes(did: str, alg: Alg) -> None:
    public = decode_did_key(did, purpose="contract")
    assert (public.alg, encode_did_key(public)) == (alg, did)
    assert public.kid == f"{did}#{did.removeprefix('did:key:')}"


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_a_did_key_and_its_key_are_the_same(alg: Alg) -> None:
    public = screen(public_jwk(generate(alg)), purpose="contract")
    assert decode_did_key(encode_did_key(public), purpose="contract") == public


def test_a_did_key_with_a_weak_key_is_refused() -> None:
    # Multicodec ed25519-pub and the neutral element, which anyone can sign for.
    with pytest.raises(KeyRefused):
        decode_did_key("did:key:" + multibase(b"\xed\x01\x01" + bytes(31)), purpose="contract")


@pytest.mark.parametrize("prefix", [b"\xec\x01", b"\xe7\x01", b"\xed\x01\x00", b"\x12\x20"])
def test_a_did_key_of_another_type_is_refused(prefix: bytes) -> None:
    with pytest.raises(DidRefused):
        decode_did_key("did:key:" + multibase(prefix + b"\x05" * 32), purpose="contract")


def test_a_did_key_off_the_curve_is_refused() -> None:
    with pytest.raises(KeyRefused):
        decode_did_key("did:key:" + multibase(b"\x80\x24\x02" + b"\xff" * 32), purpose="contract")


def test_a_did_web_is_no_did_key() -> None:
    with pytest.raises(DidRefused):
        decode_did_key("did:web:a.example", purpose="contract")


def test_an_rsa_key_has_no_did_key() -> None:
    with pytest.raises(DidRefused):
        encode_did_key(screen(public_jwk(generate("PS256")), purpose="contract"))


def multibase(data: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    value, text = int.from_bytes(data), ""
    while value:
        value, digit = divmod(value, 58)
        text = alphabet[digit] + text
    return "z" + text
