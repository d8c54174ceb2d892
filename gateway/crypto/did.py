"""Decentralised identifiers: did:web and did:key, by syntax only; nothing is resolved over a network here."""

from __future__ import annotations

import re

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.crypto.canonical import b64url_encode
from gateway.crypto.errors import DidRefused, KeyRefused
from gateway.crypto.keys import EnrolledKey, KeyRing, PublicKey, Purpose, screen

MAX_DID = 255
MAX_KID = 512

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# did:web: host in lower case, a port as %3A, path segments behind colons (W3C CCG did:web method, section 3.1).
_DID = re.compile(
    rf"did:(?:web:{_LABEL}(?:\.{_LABEL})*(?:%3A[1-9][0-9]{{0,4}})?(?::[A-Za-z0-9][A-Za-z0-9._-]{{0,63}})*"
    r"|key:z[1-9A-HJ-NP-Za-km-z]{40,128})"
)
# No dot at its front: `.` and `..` would be lost in addresses.
_FRAGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Multicodec prefixes as varints: ed25519-pub 0xed, p256-pub 0x1200.
_ED25519_PREFIX = b"\xed\x01"
_P256_PREFIX = b"\x80\x24"


def check_did(did: str) -> str:
    """The DID itself, if it is a did:web or did:key of at most 255 characters in the one spelling we accept."""
    if len(did) > MAX_DID or not _DID.fullmatch(did):
        raise DidRefused("write a DID as did:web:<host in lower case>[:path] or did:key:z<key>, at most 255 characters")
    return did


def check_kid(kid: str) -> tuple[str, str]:
    """A full key id `<DID>#<fragment>` as (DID, fragment); at most 512 bytes, the fragment 1 to 64 plain characters."""
    did, hash_sign, fragment = kid.partition("#")
    if len(kid) > MAX_KID or not hash_sign or not _FRAGMENT.fullmatch(fragment):
        raise DidRefused("write a key id as <DID>#<name of the key>, the name 1 to 64 letters, digits, dots or dashes")
    return check_did(did), fragment


def enrolled_key(kid: str, keys: KeyRing) -> EnrolledKey | None:
    """The key enrolled under exactly this id, for the participant it names. Raises DidRefused for what is no key id."""
    did, _ = check_kid(kid)
    key = keys.lookup(kid)
    # The ring answers for exactly this id, and the id's DID must be who the key was enrolled for.
    return key if key is not None and (key.kid, key.did) == (kid, did) else None


def decode_did_key(did: str, *, purpose: Purpose) -> PublicKey:
    """The screened key that a did:key is (W3C CCG did:key method): Ed25519 or P-256, with `kid` its only key id."""
    multibase = check_did(did).removeprefix("did:key:")
    if multibase == did:
        raise DidRefused("this is not a did:key")
    raw = _from_base58(multibase[1:])
    kid = f"{did}#{multibase}"
    if raw.startswith(_ED25519_PREFIX) and len(raw) == 34:
        return screen({"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(raw[2:]), "kid": kid}, purpose=purpose)
    if raw.startswith(_P256_PREFIX) and len(raw) == 35:
        x, y = _p256_coordinates(raw[2:])
        return screen({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid}, purpose=purpose)
    raise DidRefused("a did:key here holds an Ed25519 or a P-256 key")


def encode_did_key(public: PublicKey) -> str:
    """The did:key of an Ed25519 or P-256 key."""
    if isinstance(public.key, Ed25519PublicKey):
        return "did:key:z" + _to_base58(_ED25519_PREFIX + public.key.public_bytes_raw())
    if isinstance(public.key, ec.EllipticCurvePublicKey):
        point = public.key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return "did:key:z" + _to_base58(_P256_PREFIX + point)
    raise DidRefused("a did:key here holds an Ed25519 or a P-256 key")


def _p256_coordinates(compressed: bytes) -> tuple[str, str]:
    try:
        numbers = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed).public_numbers()
    except ValueError as error:
        raise KeyRefused("the point in this did:key is not on the curve P-256") from error
    return b64url_encode(numbers.x.to_bytes(32)), b64url_encode(numbers.y.to_bytes(32))


def _from_base58(text: str) -> bytes:
    value = 0
    for character in text:
        value = value * 58 + _BASE58.index(character)
    return bytes(len(text) - len(text.lstrip("1"))) + value.to_bytes((value.bit_length() + 7) // 8)


def _to_base58(data: bytes) -> str:
    value, text = int.from_bytes(data), ""
    while value:
        value, digit = divmod(value, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text
