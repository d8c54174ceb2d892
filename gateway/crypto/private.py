"""Private keys as JWK: made here, and turned into key objects only if they belong to their public half."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.crypto.canonical import b64url_encode
from gateway.crypto.errors import KeyRefused
from gateway.crypto.keys import PRIVATE_MEMBERS, Alg, check_members, decode_member, thumbprint

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_RSA_SECRETS = ("d", "p", "q", "dp", "dq", "qi")


def generate(alg: Alg) -> dict[str, str]:
    """A new private key as JWK (RFC 7517, 8037); `kid` is its thumbprint."""
    if alg == "Ed25519":
        return _named(_okp(Ed25519PrivateKey.generate()), alg)
    if alg == "ES256":
        return _named(_ec(ec.generate_private_key(ec.SECP256R1())), alg)
    return _named(_rsa(rsa.generate_private_key(public_exponent=65537, key_size=3072)), alg)


def generate_root() -> dict[str, str]:
    """A new 32-byte secret as a JWK of type `oct`: what other secrets are derived from. Signs nothing."""
    return {"kty": "oct", "k": b64url_encode(secrets.token_bytes(32))}


def root_secret(jwk: Mapping[str, Any]) -> bytes:
    """The 32 bytes of what `generate_root` made."""
    if jwk.get("kty") != "oct" or len(secret := decode_member(jwk, "k")) != 32:
        raise KeyRefused("a root secret is a JWK of type oct with 32 bytes")
    return secret


def ed25519_from_seed(seed: bytes) -> dict[str, str]:
    """The private JWK of a 32-byte RFC 8032 seed: for keys kept as seeds, and for test vectors."""
    return _named(_okp(Ed25519PrivateKey.from_private_bytes(seed)), "Ed25519")


def public_jwk(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """A JWK without its private members: what may be shown and enrolled."""
    return {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}


def private_key(jwk: Mapping[str, Any]) -> PrivateKey:
    """The key object of a private JWK, after checking that the public half beside it is its own.

    A foreign public half makes an Ed25519 signer give its private key away, hence the check. Raises KeyRefused.
    """
    check_members(public_jwk(jwk))
    if missing := [name for name in _secrets_of(jwk) if not isinstance(jwk.get(name), str)]:
        raise KeyRefused(f"the private key lacks `{missing[0]}`; a private JWK is needed to sign")
    try:
        key, members = _read(jwk)
    except ValueError as error:
        raise KeyRefused("the private key's members do not fit together") from error
    if any(jwk[name] != value for name, value in members.items()):
        raise KeyRefused("the private key does not belong to the public half beside it")
    return key


def ed25519_key(jwk: Mapping[str, Any]) -> Ed25519PrivateKey:
    """The same of a key that must be Ed25519."""
    key = private_key(jwk)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused("this takes an Ed25519 key")
    return key


def _read(jwk: Mapping[str, Any]) -> tuple[PrivateKey, dict[str, str]]:
    secret = {name: decode_member(jwk, name) for name in _secrets_of(jwk)}
    if jwk["kty"] == "OKP":
        okp = Ed25519PrivateKey.from_private_bytes(secret["d"])
        return okp, _okp(okp)
    if jwk["kty"] == "EC":
        curve = ec.derive_private_key(int.from_bytes(secret["d"]), ec.SECP256R1())
        return curve, _ec(curve)
    public = rsa.RSAPublicNumbers(int.from_bytes(decode_member(jwk, "e")), int.from_bytes(decode_member(jwk, "n")))
    d, p, q, dp, dq, qi = (int.from_bytes(secret[name]) for name in _RSA_SECRETS)
    key = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public).private_key()
    return key, _rsa(key)


def _secrets_of(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    return _RSA_SECRETS if jwk["kty"] == "RSA" else ("d",)


def _named(members: dict[str, str], alg: Alg) -> dict[str, str]:
    return {**members, "alg": alg, "kid": thumbprint(members)}


def _okp(key: Ed25519PrivateKey) -> dict[str, str]:
    x = b64url_encode(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "d": b64url_encode(key.private_bytes_raw())}


def _ec(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.private_numbers()
    x, y = numbers.public_numbers.x, numbers.public_numbers.y
    return {"kty": "EC", "crv": "P-256", "x": _fixed(x), "y": _fixed(y), "d": _fixed(numbers.private_value)}


def _rsa(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.private_numbers()
    values = {
        "n": numbers.public_numbers.n,
        "e": numbers.public_numbers.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    return {"kty": "RSA", **{name: _shortest(value) for name, value in values.items()}}


def _fixed(value: int) -> str:
    # Full width of the curve, leading zeros kept (RFC 7518 section 6.2.1.2).
    return b64url_encode(value.to_bytes(32))


def _shortest(value: int) -> str:
    # The fewest octets that hold it (RFC 7518 section 2, Base64urlUInt).
    return b64url_encode(value.to_bytes((value.bit_length() + 7) // 8))
