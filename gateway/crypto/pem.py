"""Public keys in PEM (RFC 7468), as other tools write and read them. They are screened like any other."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.crypto.canonical import b64url_encode
from gateway.crypto.errors import KeyRefused
from gateway.crypto.keys import PublicKey


def to_pem(public: PublicKey) -> str:
    """A screened key as SubjectPublicKeyInfo."""
    return public.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def from_pem(data: bytes) -> dict[str, str]:
    """The JWK of a public EC or RSA key, still to be screened.

    Raises:
        KeyRefused: no PEM of a public key, or of another kind.
    """
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused("this is no PEM file of a public key") from error
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _shortest(numbers.n), "e": _shortest(numbers.e)}
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_numbers()
        x, y = (b64url_encode(value.to_bytes(32)) for value in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    raise KeyRefused("the key is neither EC on P-256 nor RSA")


def _shortest(value: int) -> str:
    return b64url_encode(value.to_bytes((value.bit_length() + 7) // 8))
