"""Signatures over exact bytes, as RFC 7515 forms them: ASCII(protected "." payload); the key says which algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json
from gateway.crypto.errors import KeyRefused, SignatureInvalid
from gateway.crypto.keys import ALG_OF_TYPE, PublicKey
from gateway.crypto.private import private_key

# RFC 7518 section 3.5: the salt is as long as the digest.
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
_ECDSA = ec.ECDSA(hashes.SHA256())


def protect(header: Mapping[str, Any]) -> str:
    """A protected header as base64url of its canonical JSON."""
    return b64url_encode(canonical_json(dict(header)))


def sign(private_jwk: Mapping[str, Any], protected: Mapping[str, Any], payload_b64: str) -> str:
    """The signature, base64url, over the header in `protect` form and the payload. `alg` must be the key's own."""
    key = private_key(private_jwk)
    if protected.get("alg") != ALG_OF_TYPE[private_jwk["kty"]]:
        raise KeyRefused("the header's `alg` is not the algorithm of the signing key")
    message = f"{protect(protected)}.{payload_b64}".encode("ascii")
    if isinstance(key, Ed25519PrivateKey):
        return b64url_encode(key.sign(message))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, _ECDSA))
        return b64url_encode(r.to_bytes(32) + s.to_bytes(32))
    return b64url_encode(key.sign(message, _PSS, hashes.SHA256()))


def verify(public: PublicKey, protected_b64: str, payload_b64: str, signature_b64: str) -> None:
    """Nothing, if the signature covers these exact characters under this key; otherwise raises SignatureInvalid.

    ES256 signatures are r || s, 64 bytes (RFC 7518 section 3.4). The header is not read here: whoever calls compares
    its `alg` with `public.alg`.
    """
    signature = b64url_decode(signature_b64, "the signature")
    message = f"{protected_b64}.{payload_b64}".encode("ascii")
    key = public.key
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(signature), message, _ECDSA)
        else:
            key.verify(signature, message, _PSS, hashes.SHA256())
    except InvalidSignature as error:
        raise SignatureInvalid("the signature does not cover these bytes under the enrolled key") from error


def _der(signature: bytes) -> bytes:
    if len(signature) != 64:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
