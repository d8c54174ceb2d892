"""Signed messages to whoever listens: Standard Webhooks 1.0, its asymmetric scheme `v1a` (Ed25519).

Signed is `<webhook-id>.<webhook-timestamp>.<body>`; the signature header holds `v1a,<base64>`, several with spaces
between.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.crypto.errors import KeyRefused
from gateway.crypto.keys import check_ed25519_public, decode_member
from gateway.crypto.private import private_key
from gateway.problems import Malformed

TOLERANCE_S: Final = 300
MAX_BODY: Final = 64 * 1024
MAX_SIGNATURES: Final = 8
_PREFIX: Final = "whpk_"
_SCHEME: Final = "v1a"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class WebhookUnverified(Malformed):
    """Nothing is told of which check failed beyond what whoever holds the message may act on."""

    slug, title = "webhook-unverified", "The message is not one that this key signed just now"


def public_text(jwk: Mapping[str, Any]) -> str:
    """The public half as Standard Webhooks writes it: `whpk_` and base64 of 32 bytes."""
    return _PREFIX + base64.b64encode(decode_member(jwk, "x")).decode()


def sign(keys: Sequence[Mapping[str, Any]], *, id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a message, with a signature of each key: while one replaces another, receivers may know either.

    `at`: seconds, UTC, of this attempt; `id` stays the same when it is sent again.
    """
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(_signature(jwk, _signed(id, at, body)) for jwk in keys),
    }


def verify(headers: Mapping[str, str], body: bytes, *, key: str, now: int) -> str:
    """The message's id, if this key signed it within TOLERANCE_S of `now`. `headers`: names in lower case.

    Raises:
        WebhookUnverified: it did not, or the message or the key is none.
    """
    public = _public(key)
    id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(id) or not re.fullmatch(r"[0-9]{1,12}", at) or len(body) > MAX_BODY:
        raise WebhookUnverified("The headers webhook-id and webhook-timestamp are missing or malformed.")
    if abs(int(at) - now) > TOLERANCE_S:
        raise WebhookUnverified(
            f"The message is not of the last {TOLERANCE_S} seconds: it may be an old one, sent again."
        )
    for one in headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]:
        scheme, _, text = one.partition(",")
        if scheme == _SCHEME and _holds(public, text, _signed(id, int(at), body)):
            return id
    raise WebhookUnverified("No signature of this key is with it.")


def _signature(jwk: Mapping[str, Any], signed: bytes) -> str:
    key = private_key(jwk)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused("messages are signed with an Ed25519 key")
    return f"{_SCHEME},{base64.b64encode(key.sign(signed)).decode()}"


def _signed(id: str, at: int, body: bytes) -> bytes:
    return f"{id}.{at}.".encode() + body


def _holds(public: Ed25519PublicKey, text: str, signed: bytes) -> bool:
    try:
        public.verify(base64.b64decode(text, validate=True), signed)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _public(key: str) -> Ed25519PublicKey:
    try:
        raw = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not key.startswith(_PREFIX) or len(raw) != 32:
        raise WebhookUnverified("The key is not one of Standard Webhooks: whpk_ and base64 of 32 bytes.")
    check_ed25519_public(raw)
    return Ed25519PublicKey.from_public_bytes(raw)
