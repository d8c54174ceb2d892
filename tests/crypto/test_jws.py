"""A signature holds for these bytes under this key, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.crypto.canonical import b64url_decode, b64url_encode
from gateway.crypto.errors import KeyRefused, SignatureInvalid
from gateway.crypto.jws import protect, sign, verify
from gateway.crypto.keys import Alg, screen
from gateway.crypto.private import ed25519_from_seed, generate, public_jwk
from gateway.problems import Malformed

ALGS: list[Alg] = ["Ed25519", "ES256", "PS256"]
PRIVATE = {alg: generate(alg) for alg in ALGS}
PUBLIC = {alg: screen(public_jwk(jwk), purpose="contract") for alg, jwk in PRIVATE.items()}
SIGNATURES = {alg: sign(PRIVATE[alg], {"alg": alg}, "eyJ9") for alg in ALGS}


@pytest.mark.parametrize("alg", ALGS)
def test_what_was_signed_verifies(alg: Alg) -> None:
    header = {"alg": alg, "typ": "x"}
    verify(PUBLIC[alg], protect(header), "eyJ9", sign(PRIVATE[alg], header, "eyJ9"))


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize(("protected", "payload"), [("eyJ", "eyJ9"), (None, "eyJ8"), (None, "")])
def test_other_bytes_do_not(alg: Alg, protected: str | None, payload: str) -> None:
    header = {"alg": alg}
    signature = sign(PRIVATE[alg], header, "eyJ9")
    with pytest.raises(SignatureInvalid):
        verify(PUBLIC[alg], protected or protect(header), payload, signature)


@pytest.mark.parametrize("signer", ALGS)
@pytest.mark.parametrize("verifier", ALGS)
def test_a_signature_is_judged_by_the_keys_algorithm(signer: Alg, verifier: Alg) -> None:
    header = {"alg": signer}
    key = screen(public_jwk(generate(verifier)), purpose="contract") if signer == verifier else PUBLIC[verifier]
    with pytest.raises(SignatureInvalid):
        verify(key, protect(header), "eyJ9", sign(PRIVATE[signer], header, "eyJ9"))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALGS), st.data())
def test_no_bit_of_a_signature_can_flip(alg: Alg, data: st.DataObject) -> None:
    signature = bytearray(b64url_decode(SIGNATURES[alg]))
    signature[data.draw(st.integers(0, len(signature) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SignatureInvalid):
        verify(PUBLIC[alg], protect({"alg": alg}), "eyJ9", b64url_encode(bytes(signature)))


@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64, bytes(384)])
def test_signatures_of_another_form_do_not_verify(alg: Alg, signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(PUBLIC[alg], "e30", "eyJ9", b64url_encode(signature))


def test_an_ed25519_signature_has_one_form() -> None:
    # RFC 8032 section 5.1.7: S is below the group order, so S + order is no second signature.
    header = {"alg": "Ed25519"}
    raw = b64url_decode(sign(PRIVATE["Ed25519"], header, "eyJ9"))
    order = 2**252 + 27742317777372353535851937790883648493
    other = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    with pytest.raises(SignatureInvalid):
        verify(PUBLIC["Ed25519"], protect(header), "eyJ9", b64url_encode(other))


def test_a_padded_signature_is_malformed() -> None:
    with pytest.raises(Malformed):
        verify(PUBLIC["Ed25519"], "e30", "eyJ9", b64url_encode(bytes(64)) + "==")


@pytest.mark.parametrize("alg", ["none", "HS256", "EdDSA", "ES256", None])
def test_a_key_signs_under_its_own_algorithm_only(alg: str | None) -> None:
    with pytest.raises(KeyRefused):
        sign(PRIVATE["Ed25519"], {"alg": alg}, "eyJ9")


def test_the_standards_example_verifies() -> None:
    # RFC 8037 appendix A.4 and A.5; its header says EdDSA, which verify leaves to its caller to judge.
    jwk = ed25519_from_seed(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    public = screen(public_jwk(jwk), purpose="contract")
    verify(public, "eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", signature)
