"""Which contracts no longer stand, as a Token Status List (IETF draft-ietf-oauth-status-list-21) that anyone may read.

Each contract carries, under both signatures, a random place in the list of its gateway. The list says of every place
whether what stands there is valid, revoked or suspended, and nothing of whose it is; two bits a place, the first place
in the lowest bits, compressed (RFC 1950), signed with the key that countersigns contracts. When a contract ends of
itself stands in the contract.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import jwt

from gateway.contracts.errors import StatusListRefused
from gateway.crypto.canonical import b64url_decode, b64url_encode
from gateway.crypto.keys import EnrolledKey
from gateway.crypto.private import private_key
from gateway.problems import Problem

MEDIA_TYPE: Final = "application/statuslist+jwt"
LIFE_S: Final = 3600
"""How long a list may be believed (`exp`)."""
TTL_S: Final = 300
"""When whoever keeps one should look for a newer one (`ttl`)."""
MAX_TOKEN_BYTES: Final = 1024 * 1024
PLACES: Final = 2**17
MAX_PLACES: Final = 2**20
SKEW_S: Final = 60
_TYPE: Final = "statuslist+jwt"
_BITS: Final = 2
_PER_BYTE: Final = 8 // _BITS


class Status(IntEnum):
    """What may be said of a place (section 7.1 of the draft)."""

    VALID = 0
    REVOKED = 1
    SUSPENDED = 2


def packed(entries: Iterable[tuple[int, Status]], places: int = PLACES) -> bytes:
    """The list of so many places, compressed; a place that is not given is valid."""
    content = bytearray(places // _PER_BYTE)
    for place, status in entries:
        content[place // _PER_BYTE] |= status << place % _PER_BYTE * _BITS
    return zlib.compress(bytes(content), 9)


def sign_list(
    entries: Iterable[tuple[int, Status]], uri: str, key: EnrolledKey, private: Mapping[str, Any], *, now: int
) -> str:
    """The list as a signed JWT (section 5.1), valid from `now` for LIFE_S."""
    claims = {
        "sub": uri,
        "iat": now,
        "exp": now + LIFE_S,
        "ttl": TTL_S,
        "status_list": {"bits": _BITS, "lst": b64url_encode(packed(entries))},
    }
    headers = {"typ": _TYPE, "kid": key.kid}
    return jwt.encode(claims, private_key(private), algorithm=key.public.jwt_alg, headers=headers)


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list that verified. `made_at`, `expires_at`: seconds, UTC."""

    made_at: int
    expires_at: int
    content: bytes

    def at(self, place: int) -> Status:
        """What it says of a place.

        Raises:
            StatusListRefused: it has no such place, or says something that only its maker understands.
        """
        if not 0 <= place < len(self.content) * _PER_BYTE:
            raise StatusListRefused("The list has no place for this contract.")
        value = self.content[place // _PER_BYTE] >> place % _PER_BYTE * _BITS & 2**_BITS - 1
        if value not in list(Status):
            raise StatusListRefused("The list says something of this contract that is not known here.")
        return Status(value)


def list_signer(token: bytes) -> str:
    """The id of the key that a list says it is signed with; nothing vouches for it yet.

    Raises:
        StatusListRefused: it is no list, or names no key.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise StatusListRefused(f"The list is over {MAX_TOKEN_BYTES} bytes.")
    try:
        kid = jwt.get_unverified_header(token.decode("ascii").strip()).get("kid")
    except (UnicodeDecodeError, jwt.PyJWTError):
        kid = None
    if not isinstance(kid, str):
        raise StatusListRefused("This is no status list.")
    return kid


def read_list(token: bytes, *, uri: str, key: EnrolledKey, now: int) -> StatusList:
    """A status list, if it is the one at `uri`, of our form, signed with this key, and not too old.

    Raises:
        StatusListRefused: which check failed.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise StatusListRefused(f"The list is over {MAX_TOKEN_BYTES} bytes.")
    try:
        text = token.decode("ascii").strip()
        header = jwt.get_unverified_header(text)
        claims: dict[str, Any] = jwt.decode(
            text,
            key=key.public.key,
            algorithms=[key.public.jwt_alg],
            # Times are judged below against `now`, not against this machine's clock.
            options={"require": ["sub", "iat", "exp"], "verify_exp": False, "verify_iat": False},
        )
    except (UnicodeDecodeError, jwt.PyJWTError):
        raise StatusListRefused("The list is not signed by the gateway that countersigned the contract.") from None
    if header.get("typ") != _TYPE or header.get("kid") != key.kid:
        raise StatusListRefused("What is signed is no status list.")
    if claims["sub"] != uri:
        raise StatusListRefused("The list is not the one the contract names.")
    made_at, expires_at = claims["iat"], claims["exp"]
    if not (type(made_at) is int and type(expires_at) is int and made_at - SKEW_S <= now < expires_at):
        raise StatusListRefused("The list is too old, or not of this time. Fetch it again.")
    return StatusList(made_at, expires_at, _content(claims.get("status_list")))


def _content(given: Any) -> bytes:
    if not isinstance(given, dict) or given.get("bits") != _BITS or not isinstance(given.get("lst"), str):
        raise StatusListRefused("The list is not of two bits a place.")
    limit = MAX_PLACES // _PER_BYTE
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(b64url_decode(given["lst"]), limit + 1)
    except (zlib.error, Problem):
        raise StatusListRefused("The list cannot be unpacked.") from None
    if len(content) > limit or not inflate.eof or inflate.unused_data:
        raise StatusListRefused(f"The list has over {MAX_PLACES} places, or does not end where it says.")
    return content
