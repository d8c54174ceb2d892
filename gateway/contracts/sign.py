"""Making the signatures of a contract: a party's over the payload, the gateway's over payload and party entries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contracts.envelope import parse_payload
from gateway.contracts.errors import SignerNotParty, WrongGateway
from gateway.crypto import jws
from gateway.crypto.canonical import b64url_encode, canonical_json
from gateway.crypto.did import check_kid
from gateway.crypto.keys import ALG_OF_TYPE
from gateway.crypto.private import private_key

PARTY_TYPE = "corridor-contract"
COUNTERSIGN_TYPE = "corridor-countersig"


def party_entry(payload: bytes, private_jwk: Mapping[str, Any], kid: str, *, iat: int) -> dict[str, str]:
    """A party's signature entry. `kid` is the full key id `<party DID>#<name>`, `iat` seconds UTC.

    Nothing is signed unread: the payload must be a valid draft that names the signer as a party.
    """
    content = parse_payload(payload).content
    if check_kid(kid)[0] not in {party.id for party in content.parties}:
        raise SignerNotParty("the key belongs to no party of this contract")
    header = {"alg": _alg(private_jwk), "kid": kid, "typ": PARTY_TYPE, "iat": iat}
    return _entry(header, private_jwk, payload)


def countersign(
    payload: bytes, entries: Sequence[Mapping[str, str]], private_jwk: Mapping[str, Any], kid: str, *, iat: int
) -> dict[str, str]:
    """The gateway's entry, which binds exactly these party entries in this order. Verify them first."""
    if check_kid(kid)[0] != parse_payload(payload).content.gateway:
        raise WrongGateway("the key belongs to another gateway than the contract names")
    header = {
        "alg": _alg(private_jwk),
        "kid": kid,
        "typ": COUNTERSIGN_TYPE,
        "iat": iat,
        "crit": ["cs"],
        "cs": signatures_digest(entries),
    }
    return _entry(header, private_jwk, payload)


def signatures_digest(entries: Sequence[Mapping[str, str]]) -> str:
    """The header member `cs`: base64url SHA-256 of the canonical array of party entries, in envelope order."""
    return b64url_encode(hashlib.sha256(canonical_json([dict(entry) for entry in entries])).digest())


def _alg(private_jwk: Mapping[str, Any]) -> str:
    private_key(private_jwk)
    return ALG_OF_TYPE[private_jwk["kty"]]


def _entry(header: Mapping[str, Any], private_jwk: Mapping[str, Any], payload: bytes) -> dict[str, str]:
    signature = jws.sign(private_jwk, header, b64url_encode(payload))
    return {"protected": jws.protect(header), "signature": signature}
