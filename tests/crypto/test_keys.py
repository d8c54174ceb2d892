"""A key for which others could sign never gets in."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.crypto.canonical import b64url_decode, b64url_encode
from gateway.crypto.errors import KeyRefused
from gateway.crypto.keys import Alg, check_ed25519_public, screen, thumbprint
from gateway.crypto.private import ed25519_from_seed, generate, generate_root, private_key, public_jwk, root_secret

ALGS: list[Alg] = ["Ed25519", "ES256", "PS256"]
PRIVATE = {alg: generate(alg) for alg in ALGS}
PUBLIC = {alg: public_jwk(jwk) for alg, jwk in PRIVATE.items()}

# Contract-signing reference, section 7: the points of small order, and their other spellings.
SMALL_ORDER = [
    "00" * 32,
    "00" * 31 + "80",
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
NOT_CANONICAL = [
    "01" + "00" * 30 + "80",
    "ec" + "ff" * 31,
    "ed" + "ff" * 30 + "7f",
    "ed" + "ff" * 31,
    "ee" + "ff" * 30 + "7f",
    "ee" + "ff" * 31,
]


@pytest.mark.parametrize("alg", ALGS)
def test_a_sound_key_is_accepted_with_the_algorithm_of_its_type(alg: Alg) -> None:
    public = screen(PUBLIC[alg], purpose="contract")
    assert public.alg == alg
    assert public.thumbprint == thumbprint(PUBLIC[alg]) == PUBLIC[alg]["kid"]
    assert "d" not in public.jwk


def test_the_thumbprint_is_that_of_the_standard() -> None:
    # RFC 8037 appendix A.3.
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint({"crv": "Ed25519", "kty": "OKP", "x": x}) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("encoded", SMALL_ORDER + NOT_CANONICAL)
def test_points_of_small_order_and_odd_encodings_are_refused(encoded: str) -> None:
    raw = bytes.fromhex(encoded)
    with pytest.raises(KeyRefused):
        check_ed25519_public(raw)
    with pytest.raises(KeyRefused):
        screen({"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(raw)}, purpose="contract")


def test_a_point_off_the_curve_is_refused() -> None:
    # No x belongs to y = 2.
    with pytest.raises(KeyRefused):
        check_ed25519_public((2).to_bytes(32, "little"))


def test_a_key_with_a_small_order_part_is_refused() -> None:
    # The public key of RFC 8032 section 7.1 test 1, plus the point of order two (0, -1): (x, y) becomes (-x, -y).
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    check_ed25519_public(raw)
    encoded = int.from_bytes(raw, "little")
    sign, y = encoded >> 255, encoded & (1 << 255) - 1
    mixed = (2**255 - 19 - y) | ((1 - sign) << 255)
    with pytest.raises(KeyRefused):
        check_ed25519_public(mixed.to_bytes(32, "little"))


@pytest.mark.parametrize("seed", range(20))
def test_every_generated_key_is_sound(seed: int) -> None:
    check_ed25519_public(b64url_decode(ed25519_from_seed(bytes([seed]) * 32)["x"]))


@pytest.mark.parametrize("raw", [b"", b"\x05" * 31, b"\x05" * 33])
def test_an_ed25519_key_has_32_bytes(raw: bytes) -> None:
    with pytest.raises(KeyRefused):
        check_ed25519_public(raw)


def rsa_jwk(bits: int, exponent: int = 65537) -> dict[str, str]:
    numbers = rsa.generate_private_key(exponent, bits).public_key().public_numbers()
    n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
    e = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8)
    return {"kty": "RSA", "n": b64url_encode(n), "e": b64url_encode(e)}


def ec_jwk(curve: ec.EllipticCurve, crv: str) -> dict[str, str]:
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    width = (curve.key_size + 7) // 8
    x, y = numbers.x.to_bytes(width), numbers.y.to_bytes(width)
    return {"kty": "EC", "crv": crv, "x": b64url_encode(x), "y": b64url_encode(y)}


def refusals() -> dict[str, dict[str, Any]]:
    okp, curve, modulus = PUBLIC["Ed25519"], PUBLIC["ES256"], PUBLIC["PS256"]
    n = b64url_decode(modulus["n"])
    return {
        "private Ed25519": PRIVATE["Ed25519"],
        "private EC": PRIVATE["ES256"],
        "private RSA": PRIVATE["PS256"],
        "symmetric": {"kty": "oct", "k": "AAAA"},
        "symmetric member beside": {**okp, "k": "AAAA"},
        "no type": {name: value for name, value in okp.items() if name != "kty"},
        "type a list": {**okp, "kty": ["OKP"]},
        "unknown type": {**okp, "kty": "AKP"},
        "unknown member": {**okp, "x5c": ["MIIB"]},
        "key by address": {**okp, "x5u": "https://evil.example"},
        "x missing": {"kty": "OKP", "crv": "Ed25519"},
        "x no text": {**okp, "x": 5},
        "x padded": {**okp, "x": okp["x"] + "="},
        "x with stray bits": {**okp, "x": okp["x"][:-1] + chr(ord(okp["x"][-1]) + 1)},
        "another Edwards curve": {**okp, "crv": "Ed448"},
        "a key agreement curve": {**okp, "crv": "X25519"},
        "algorithm of another type": {**okp, "alg": "ES256"},
        "algorithm none": {**okp, "alg": "none"},
        "algorithm HS256": {**okp, "alg": "HS256"},
        "old name EdDSA for contracts": {**okp, "alg": "EdDSA"},
        "algorithm no text": {**okp, "alg": 7},
        "name no text": {**okp, "kid": 5},
        "for encryption": {**okp, "use": "enc"},
        "for key wrapping": {**okp, "key_ops": ["wrapKey"]},
        "for more than signatures": {**okp, "key_ops": ["verify", "encrypt"]},
        "P-384": ec_jwk(ec.SECP384R1(), "P-384"),
        "P-384 said to be P-256": ec_jwk(ec.SECP384R1(), "P-256"),
        "secp256k1": ec_jwk(ec.SECP256K1(), "secp256k1"),
        "secp256k1 said to be P-256": ec_jwk(ec.SECP256K1(), "P-256"),
        "P-256 said to be P-384": {**curve, "crv": "P-384"},
        "coordinate with a zero before": {**curve, "x": b64url_encode(b"\0" + b64url_decode(curve["x"]))},
        "point off the curve": {**curve, "y": curve["x"]},
        "point at infinity": {**curve, "x": b64url_encode(bytes(32)), "y": b64url_encode(bytes(32))},
        "short coordinate": {**curve, "x": b64url_encode(b64url_decode(curve["x"])[1:])},
        "coordinate beyond the field": {**curve, "x": b64url_encode(b"\xff" * 32)},
        "RSA 2048": rsa_jwk(2048),
        "RSA exponent 3": rsa_jwk(3072, 3),
        "RSA exponent 1": {**modulus, "e": "AQ"},
        "RSA exponent even": {**modulus, "e": b64url_encode((65536).to_bytes(3))},
        "RSA exponent with a leading zero": {**modulus, "e": "AAEAAQ"},
        "RSA modulus with a leading zero": {**modulus, "n": b64url_encode(b"\0" + n)},
        "RSA modulus even": {**modulus, "n": b64url_encode(n[:-1] + b"\x00")},
        "RSA modulus with a small factor": {
            **modulus,
            "n": b64url_encode((3 * int.from_bytes(n)).to_bytes(len(n) + 1)),
        },
        "RSA modulus a square": {**modulus, "n": b64url_encode((((1 << 1600) + 2857) ** 2).to_bytes(401))},
        "RSA modulus of 20000 bits": {**modulus, "n": b64url_encode(b"\xff" * 2500)},
    }


REFUSALS = refusals()


@pytest.mark.parametrize("name", REFUSALS)
def test_a_weak_or_unclear_key_is_refused(name: str) -> None:
    with pytest.raises(KeyRefused):
        screen(REFUSALS[name], purpose="contract")


def test_a_private_member_is_named_as_the_reason() -> None:
    with pytest.raises(KeyRefused, match="send the public half only"):
        screen(PRIVATE["Ed25519"], purpose="contract")


def test_tokens_may_call_the_algorithm_by_its_old_name() -> None:
    assert screen({**PUBLIC["Ed25519"], "alg": "EdDSA"}, purpose="agent").alg == "Ed25519"


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
def test_the_log_is_signed_with_ed25519_only(alg: Alg) -> None:
    with pytest.raises(KeyRefused):
        screen(PUBLIC[alg], purpose="log")


@pytest.mark.parametrize("alg", ALGS)
def test_a_private_key_needs_its_own_public_half(alg: Alg) -> None:
    other = generate(alg)
    halves = {name: other[name] for name in ("x", "y", "n") if name in other}
    private_key(PRIVATE[alg])
    with pytest.raises(KeyRefused):
        private_key({**PRIVATE[alg], **halves})


@pytest.mark.parametrize("alg", ALGS)
def test_a_public_key_is_no_private_key(alg: Alg) -> None:
    with pytest.raises(KeyRefused):
        private_key(PUBLIC[alg])


@pytest.mark.parametrize("d", ["", "AAAA", b64url_encode(bytes(32)), 5, None])
def test_an_odd_private_member_is_refused(d: Any) -> None:
    with pytest.raises(KeyRefused):
        private_key({**PRIVATE["ES256"], "d": d})


def test_a_root_secret_is_no_signing_key() -> None:
    root = generate_root()
    assert len(root_secret(root)) == 32
    assert root != generate_root()
    with pytest.raises(KeyRefused):
        private_key(root)
    with pytest.raises(KeyRefused):
        root_secret({"kty": "oct", "k": "AAAA"})


def test_public_jwk_leaves_no_secret() -> None:
    for jwk in PRIVATE.values():
        assert {"d", "p", "q", "dp", "dq", "qi"}.isdisjoint(public_jwk(jwk))
