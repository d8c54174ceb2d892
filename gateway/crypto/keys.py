"""Keys: screened before anyone relies on them, one algorithm and one purpose each."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json
from gateway.crypto.edwards import is_sound_public_key
from gateway.crypto.errors import KeyRefused
from gateway.problems import Malformed

Alg = Literal["Ed25519", "ES256", "PS256"]
"""Fully-specified JOSE algorithm names (RFC 9864; RFC 7518 section 3.1)."""

Purpose = Literal["contract", "countersign", "agent", "token", "log", "bundle"]
State = Literal["active", "retired", "compromised"]

_ALGS: Mapping[str, frozenset[str]] = {
    "contract": frozenset({"Ed25519", "ES256", "PS256"}),
    "countersign": frozenset({"Ed25519", "ES256", "PS256"}),
    "agent": frozenset({"Ed25519", "ES256", "PS256"}),
    "token": frozenset({"Ed25519", "ES256"}),
    "log": frozenset({"Ed25519"}),
    "bundle": frozenset({"ES256", "PS256"}),
}
# Token libraries still write the old name (RFC 8037); for contracts it is refused (RFC 9864 section 2.2).
_OLD_NAME_ALLOWED = frozenset({"agent", "token"})
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
ALG_OF_TYPE: Mapping[str, Alg] = {"OKP": "Ed25519", "EC": "ES256", "RSA": "PS256"}
PUBLIC_MEMBERS = {"OKP": ("crv", "x"), "EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_ABOUT_MEMBERS = frozenset({"kty", "kid", "alg", "use", "key_ops", "ext"})
_RSA_BITS = range(3072, 8193)
_SMALL_PRIMES = math.prod(p for p in range(3, 2000, 2) if all(p % q for q in range(3, math.isqrt(p) + 1, 2)))


@dataclass(frozen=True)
class PublicKey:
    """A public key that has passed `screen`; hold one and you need not check again.

    `thumbprint` is the RFC 7638 SHA-256 thumbprint, base64url; `jwk` has the members it is computed from, and `alg`.
    """

    alg: Alg
    thumbprint: str
    kid: str | None = field(default=None, compare=False)
    jwk: Mapping[str, str] = field(compare=False, kw_only=True)
    key: Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey = field(compare=False, kw_only=True)

    @property
    def jwt_alg(self) -> str:
        """The algorithm as PyJWT spells it: it knows Ed25519 only as EdDSA (RFC 9864)."""
        return "EdDSA" if self.alg == "Ed25519" else self.alg


@dataclass(frozen=True)
class EnrolledKey:
    """A key as the registry knows it: whose, what for, and in which half-open period [valid_from, valid_until)."""

    kid: str
    did: str
    public: PublicKey
    purpose: Purpose
    state: State
    valid_from: int
    valid_until: int | None = None

    def unusable(self, at: int) -> str | None:
        """Why a signature accepted at `at` (seconds UTC) does not count under this key; None if it does."""
        # Since when? Not to know means that it never counted.
        if self.state == "compromised" and (self.valid_until is None or at >= self.valid_until):
            return "the key is marked compromised; sign again with another"
        # Retired since when? Not to know must not make it valid for ever.
        if self.state != "active" and self.valid_until is None:
            return "the key is retired without a date"
        if at < self.valid_from or (self.valid_until is not None and at >= self.valid_until):
            return "the key was not valid when this was accepted"
        return None


class KeyRing(Protocol):
    """What maps a key id to the key enrolled under it."""

    def lookup(self, kid: str) -> EnrolledKey | None:
        """The key enrolled under exactly this id, or None. Reads local state only; never fetches."""
        ...


def screen(jwk: Mapping[str, Any], *, purpose: Purpose) -> PublicKey:
    """The public key in a JWK (RFC 7517), if nothing about it lets others sign in its owner's name.

    Refused with KeyRefused: private or unknown members, a key for another use, an algorithm that is not for
    `purpose` or not for the key type, Ed25519 points off the curve, of small or mixed order or oddly encoded, any EC
    curve but P-256, RSA below 3072 bits or with an exponent other than 65537.
    """
    check_members(jwk)
    public = {"OKP": _ed25519, "EC": _p256, "RSA": _rsa}[jwk["kty"]](jwk)
    named = "Ed25519" if jwk.get("alg") == "EdDSA" and purpose in _OLD_NAME_ALLOWED else jwk.get("alg", public.alg)
    if named != public.alg:
        raise KeyRefused(f"`alg` is not {public.alg}, the algorithm of this type of key")
    if public.alg not in _ALGS[purpose]:
        raise KeyRefused(f"{public.alg} is not accepted for this purpose; use one of {sorted(_ALGS[purpose])}")
    return public


def check_ed25519_public(raw: bytes) -> Ed25519PublicKey:
    """The key in 32 raw bytes (RFC 8032), if they canonically encode a point of the prime-order subgroup."""
    if not is_sound_public_key(raw):
        raise KeyRefused("these 32 bytes are no sound Ed25519 key: off the curve, of small order or not canonical")
    return Ed25519PublicKey.from_public_bytes(raw)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of a JWK: base64url SHA-256 of its required public members in canonical form."""
    required = {name: jwk[name] for name in ("kty", *PUBLIC_MEMBERS[jwk["kty"]])}
    return b64url_encode(hashlib.sha256(canonical_json(required)).digest())


def check_members(jwk: Mapping[str, Any]) -> None:
    """Refuse a JWK that is not exactly a public signature key of a type we know; says nothing of its numbers."""
    if private := sorted(PRIVATE_MEMBERS & jwk.keys()):
        raise KeyRefused(f"the key holds the private member `{private[0]}`; send the public half only")
    kty = jwk.get("kty")
    own = PUBLIC_MEMBERS.get(kty) if isinstance(kty, str) else None
    if own is None:
        raise KeyRefused("`kty` must be OKP (Ed25519), EC (P-256) or RSA (3072 bits or more)")
    if unknown := sorted(jwk.keys() - _ABOUT_MEMBERS - set(own)):
        raise KeyRefused(f"the key holds the member {unknown[0][:32]!r}, which is not understood; leave it out")
    if missing := [name for name in own if not isinstance(jwk.get(name), str)]:
        raise KeyRefused(f"the key's member `{missing[0]}` is missing or no text")
    if any(not isinstance(jwk.get(name, ""), str) for name in ("kid", "alg", "use")):
        raise KeyRefused("`kid`, `alg` and `use` must be text")
    if jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) not in (["verify"], ["sign"]):
        raise KeyRefused("the key says that it is not for signatures (`use`, `key_ops`)")


def _ed25519(jwk: Mapping[str, Any]) -> PublicKey:
    if jwk["crv"] != "Ed25519":
        raise KeyRefused("the curve of an OKP key must be Ed25519")
    return _screened(jwk, "Ed25519", check_ed25519_public(decode_member(jwk, "x")))


def _p256(jwk: Mapping[str, Any]) -> PublicKey:
    if jwk["crv"] != "P-256":
        raise KeyRefused("the curve of an EC key must be P-256")
    x, y = decode_member(jwk, "x"), decode_member(jwk, "y")
    if len(x) != 32 or len(y) != 32:
        raise KeyRefused("the coordinates of a P-256 key have 32 bytes each (RFC 7518 section 6.2.1)")
    try:
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1())
        return _screened(jwk, "ES256", numbers.public_key())
    except ValueError as error:
        raise KeyRefused("the point is not on the curve P-256") from error


def _rsa(jwk: Mapping[str, Any]) -> PublicKey:
    n_bytes, e = decode_member(jwk, "n"), decode_member(jwk, "e")
    n = int.from_bytes(n_bytes)
    if n_bytes[:1] == b"\0" or n.bit_length() not in _RSA_BITS:
        raise KeyRefused("an RSA modulus has 3072 to 8192 bits, without leading zero bytes")
    if e != b"\x01\x00\x01":
        raise KeyRefused("the RSA exponent must be 65537")
    if n % 2 == 0 or math.gcd(n, _SMALL_PRIMES) != 1 or math.isqrt(n) ** 2 == n:
        raise KeyRefused("the RSA modulus is not the product of two large primes")
    return _screened(jwk, "PS256", rsa.RSAPublicNumbers(65537, n).public_key())


def _screened(jwk: Mapping[str, Any], alg: Alg, key: Any) -> PublicKey:
    members = {name: jwk[name] for name in ("kty", *PUBLIC_MEMBERS[jwk["kty"]])}
    return PublicKey(alg, thumbprint(members), jwk.get("kid"), jwk=MappingProxyType({**members, "alg": alg}), key=key)


def decode_member(jwk: Mapping[str, Any], name: str) -> bytes:
    """The bytes of one base64url member of a JWK."""
    try:
        return b64url_decode(jwk[name], f"the key's member `{name}`")
    except Malformed as error:
        raise KeyRefused(error.detail) from error
