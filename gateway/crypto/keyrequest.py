"""A contract key that its owner brings: what is said of it, signed with the key itself and with the one it replaces.

The key's own signature proves that whoever brings it has it. The present key's says that its owner wants the change;
where it cannot (it is lost, or marked compromised), the operator has to. Pure: reads no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.crypto import signed
from gateway.crypto.canonical import canonical_json, strict_json
from gateway.crypto.did import check_kid
from gateway.crypto.errors import KeyRequestRefused
from gateway.crypto.keys import EnrolledKey, PublicKey, screen
from gateway.crypto.private import public_jwk

TYPE = "corridor-key"
LIFE_S = 24 * 3600
"""How long what was signed may be brought: whoever had a key for an hour must not use it months later."""
MAX_BYTES = 16 * 1024
"""Of a request: enough for two signatures over an RSA key of 8192 bits."""

_Text = Annotated[str, Field(min_length=1, max_length=512)]


class KeyRequest(signed.Value):
    """The payload. `kid`: the new key's full id; `replaces`: that of the key in use, if there is one."""

    ver: Annotated[int, Field(ge=1, le=1)]
    typ: Literal["ContractKey"]
    gateway: _Text
    participant: _Text
    kid: _Text
    key: dict[str, str]
    replaces: _Text | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """A key whose owner has it. `endorsed`: the key in use says so too; only `verify_request` makes one."""

    content: KeyRequest
    public: PublicKey
    endorsed: bool
    data: bytes


def sign_request(
    private_jwk: Mapping[str, Any],
    kid: str,
    *,
    gateway: str,
    iat: int,
    present: tuple[str, Mapping[str, Any]] | None = None,
    replaces: str | None = None,
) -> bytes:
    """The request for a new key. `present`: id and private half of the key in use, `replaces` only its id."""
    document = {
        "ver": 1,
        "typ": "ContractKey",
        "gateway": gateway,
        "participant": check_kid(kid)[0],
        "kid": kid,
        "key": public_jwk(private_jwk),
    }
    if replaced := present[0] if present else replaces:
        document["replaces"] = replaced
    parts = {"request": signed.seal(document, private_jwk, kid, typ=TYPE, iat=iat)}
    if present is not None:
        parts["endorsement"] = signed.seal(document, present[1], present[0], typ=TYPE, iat=iat)
    return canonical_json({name: strict_json(part, max_bytes=signed.MAX_SIGNED) for name, part in parts.items()})


def verify_request(data: bytes, *, gateway: str, present: EnrolledKey | None, now: int) -> Brought:
    """The key in a request, if it signed this request itself; `present` is its owner's key in use now.

    Raises:
        KeyRequestRefused: which check failed. KeyRefused: nobody may rely on such a key.
    """
    value = strict_json(data, max_bytes=MAX_BYTES, max_depth=4, plain_text=True)
    if not isinstance(value, dict) or not {"request"} <= value.keys() <= {"request", "endorsement"}:
        raise KeyRequestRefused("a request has the member `request`, and `endorsement` where a key is in use")
    envelope = signed.parse(canonical_json(value["request"]), typ=TYPE, refusal=KeyRequestRefused)
    content = signed.read(envelope.payload, KeyRequest, refusal=KeyRequestRefused)
    if content.gateway != gateway:
        raise KeyRequestRefused("the request names another gateway; it cannot be used here")
    if check_kid(content.kid)[0] != content.participant:
        raise KeyRequestRefused("a key's id begins with its participant's own DID and a #")
    if content.replaces != (present.kid if present else None):
        in_use = f"it is {present.kid}" if present else "there is none"
        raise KeyRequestRefused(f"`replaces` must name the participant's key in use: {in_use}")
    public = screen(content.key, purpose="contract")
    _check(envelope, content.kid, public, now)
    endorsed = False
    if "endorsement" in value:
        if present is None:
            raise KeyRequestRefused("no key of the participant is in use, so none can endorse another")
        endorsement = signed.parse(canonical_json(value["endorsement"]), typ=TYPE, refusal=KeyRequestRefused)
        if endorsement.payload != envelope.payload:
            raise KeyRequestRefused("the endorsement is of something else than the request")
        _check(endorsement, present.kid, present.public, now)
        endorsed = True
    return Brought(content, public, endorsed, canonical_json(value))


def replaced_by(data: bytes) -> str | None:
    """Which key a request that was verified once is to replace."""
    value = strict_json(data, max_bytes=MAX_BYTES, max_depth=4)
    envelope = signed.parse(canonical_json(value["request"]), typ=TYPE, refusal=KeyRequestRefused)
    return signed.read(envelope.payload, KeyRequest, refusal=KeyRequestRefused).replaces


def endorsed_by(data: bytes) -> str | None:
    """The key that endorsed a request which was verified once; None where none did."""
    value = strict_json(data, max_bytes=MAX_BYTES, max_depth=4)
    return replaced_by(data) if "endorsement" in value else None


def _check(envelope: signed.Signed, kid: str, key: PublicKey, now: int) -> None:
    if envelope.kid != kid:
        raise KeyRequestRefused(f"the signature's `kid` must be {kid}")
    if not now - LIFE_S <= envelope.iat <= now + signed.CLOCK_SKEW_S:
        raise KeyRequestRefused("the signature's `iat` lies more than a day back, or in the future; sign again")
    signed.check(envelope, key, refusal=KeyRequestRefused)
