"""Makes contract.json: one contract signed with known keys, every byte of it. Run as a module to write it anew.

Ed25519 is deterministic (RFC 8032), so a correct signer anywhere reproduces every byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.contracts.envelope import StatusEntry, Target, TermsText, assemble, draft, parse_payload
from gateway.contracts.sign import countersign, party_entry, signatures_digest
from gateway.crypto.canonical import b64url_encode
from gateway.crypto.keys import EnrolledKey, Purpose, screen
from gateway.crypto.private import ed25519_from_seed, public_jwk
from gateway.terms.model import Terms, parse_terms

FILE = Path(__file__).with_name("contract.json")

HOSPITAL, PHARMA, GATEWAY = "did:web:hospital-a.example", "did:web:pharma-b.example", "did:web:gateway.example"
SEEDS = {HOSPITAL: b"\x11" * 32, PHARMA: b"\x12" * 32, GATEWAY: b"\x13" * 32}
JWKS = {did: ed25519_from_seed(seed) for did, seed in SEEDS.items()}

DRAFTED, FROM, TO = 1795392000, 1795392000, 1826928000
SIGNED, ACCEPTED, NOW = DRAFTED + 60, DRAFTED + 120, DRAFTED + 3600
CONTRACT_ID = "urn:uuid:0b7c1d4e-2f3a-4b5c-8d6e-7f8091a2b3c4"


class Ring:
    """A key ring that holds what it was given."""

    def __init__(self, keys: Iterable[EnrolledKey]) -> None:
        self._keys = {key.kid: key for key in keys}

    def lookup(self, kid: str) -> EnrolledKey | None:
        return self._keys.get(kid)

    def but(self, kid: str, **changes: Any) -> Ring:
        """The same ring with one key changed."""
        return Ring(replace(key, **changes) if key.kid == kid else key for key in self._keys.values())

    def with_key(self, key: EnrolledKey) -> Ring:
        return Ring([*self._keys.values(), key])


def kid(did: str) -> str:
    return f"{did}#k1"


def enrolled(
    did: str, jwk: Mapping[str, Any], *, name: str | None = None, purpose: Purpose = "contract"
) -> EnrolledKey:
    public = screen(public_jwk(jwk), purpose=purpose)
    return EnrolledKey(name or kid(did), did, public, purpose, "active", DRAFTED - 1000)


def ring() -> Ring:
    purposes: dict[str, Purpose] = {HOSPITAL: "contract", PHARMA: "contract", GATEWAY: "countersign"}
    return Ring(enrolled(did, JWKS[did], purpose=purpose) for did, purpose in purposes.items())


def terms(**changes: Any) -> Terms:
    return parse_terms(
        {
            "actions": ["read", "aggregate"],
            "purposes": ["P02", "P05"],
            "delivery_modes": ["M3", "M5"],
            "columns": ["age", "sex", "subject_id", "visit_date"],
            "processing_locations": ["CN-BJ"],
            "valid_from": FROM,
            "valid_to": TO,
            "uses": 10,
            "rows": 5000,
            "duties": [
                {"kind": "pseudonymise", "column": "subject_id"},
                {"kind": "generalise", "column": "age", "method": "band", "width": 10},
                {"kind": "suppress_small_cells", "threshold": 12},
            ],
            "prohibitions": ["distribute", "reidentify", "subprocess"],
            **changes,
        }
    )


def payload(agreed: Terms | None = None, **changes: Any) -> bytes:
    members: dict[str, Any] = {
        "id": CONTRACT_ID,
        "gateway": GATEWAY,
        "provider": HOSPITAL,
        "consumer": PHARMA,
        "target": Target(id="urn:uuid:6f1d2c3b-4a59-4687-9a0b-1c2d3e4f5061", digest="sha256:" + "ab" * 32),
        "terms": agreed or terms(),
        "status": StatusEntry(idx=412, uri="https://gateway.example/status/1"),
        "text": TermsText(lang="en", digest="sha256:" + "cd" * 32),
        "nonce": bytes(range(16)),
        "iat": DRAFTED,
    }
    return draft(**{**members, **changes})


def party_entries(signed: bytes) -> list[dict[str, str]]:
    return [party_entry(signed, JWKS[did], kid(did), iat=SIGNED) for did in (HOSPITAL, PHARMA)]


def envelope(signed: bytes | None = None) -> bytes:
    signed = payload() if signed is None else signed
    entries = party_entries(signed)
    return assemble(signed, [*entries, countersign(signed, entries, JWKS[GATEWAY], kid(GATEWAY), iat=ACCEPTED)])


def vector() -> dict[str, Any]:
    signed = payload()
    entries = party_entries(signed)
    return {
        "seeds": {did: seed.hex() for did, seed in SEEDS.items()},
        "public_keys": {did: public_jwk(jwk) for did, jwk in JWKS.items()},
        "payload": signed.decode(),
        "payload_b64": b64url_encode(signed),
        "digest": parse_payload(signed).digest,
        "cs": signatures_digest(entries),
        "envelope": json.loads(envelope(signed)),
        "verified_at": NOW,
    }


def as_text() -> str:
    return json.dumps(vector(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text())
