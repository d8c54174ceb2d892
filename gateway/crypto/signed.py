"""One signature over one JSON document: Flattened JWS (RFC 7515 section 7.2.2), payload attached, RFC 8785 bytes.

The header is exactly `alg`, `kid`, `typ` and `iat`. `typ` says what kind of document is signed, so that a signature
made for one kind never stands for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.crypto import jws
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json, strict_json
from gateway.crypto.keys import ALG_OF_TYPE, PublicKey
from gateway.crypto.private import private_key
from gateway.problems import Problem, first_complaint

MAX_PAYLOAD = 64 * 1024
MAX_SIGNED = 96 * 1024
MAX_HEADER = 4096
CLOCK_SKEW_S = 60
_MEMBERS = {"payload", "protected", "signature"}
_HEADER = {"alg", "kid", "typ", "iat"}


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Form = TypeVar("Form", bound=Value)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed document as it came: what its header says, its payload's bytes. Whether it holds is for `check`."""

    payload: bytes
    protected: str
    signature: str
    alg: str
    kid: str
    iat: int


def seal(document: Mapping[str, Any], private_jwk: Mapping[str, Any], kid: str, *, typ: str, iat: int) -> bytes:
    """The document, signed. `iat`: seconds UTC."""
    private_key(private_jwk)
    header = {"alg": ALG_OF_TYPE[private_jwk["kty"]], "kid": kid, "typ": typ, "iat": iat}
    payload = b64url_encode(canonical_json(dict(document)))
    signature = jws.sign(private_jwk, header, payload)
    return canonical_json({"payload": payload, "protected": jws.protect(header), "signature": signature})


def parse(data: bytes, *, typ: str, refusal: type[Problem]) -> Signed:
    """The parts of a signed document of this type. Raises `refusal` for anything that is not exactly one."""
    try:
        value = strict_json(data, max_bytes=MAX_SIGNED, max_depth=4, plain_text=True)
        if (
            not isinstance(value, dict)
            or value.keys() != _MEMBERS
            or not all(isinstance(v, str) for v in value.values())
        ):
            raise refusal("a signed document is three texts: `payload`, `protected` and `signature`")
        header = strict_json(
            b64url_decode(value["protected"], "`protected`"), max_bytes=MAX_HEADER, max_depth=2, plain_text=True
        )
        payload = b64url_decode(value["payload"], "`payload`")
        b64url_decode(value["signature"], "`signature`")
    except Problem as problem:
        raise refusal(problem.detail) from problem
    if not isinstance(header, dict) or header.keys() != _HEADER:
        raise refusal(f"the header must hold exactly {', '.join(sorted(_HEADER))}")
    if header["typ"] != typ:
        raise refusal(f"`typ` must be {typ!r}")
    if not isinstance(header["alg"], str) or not isinstance(header["kid"], str) or type(header["iat"]) is not int:
        raise refusal("`alg` and `kid` must be text, `iat` whole seconds")
    return Signed(payload, value["protected"], value["signature"], header["alg"], header["kid"], header["iat"])


def read(payload: bytes, form: type[Form], *, refusal: type[Problem]) -> Form:
    """What a payload says, if these bytes are the one way of saying it. Raises `refusal`."""
    try:
        members = strict_json(payload, max_bytes=MAX_PAYLOAD, max_depth=8, plain_text=True)
        content = form.model_validate(members)
        canonical = canonical_json(members)
    except ValidationError as error:
        raise refusal(first_complaint(error, whole="the document")) from error
    except Problem as problem:
        raise refusal(problem.detail) from problem
    if canonical != payload:
        raise refusal("the payload is not the RFC 8785 form of what it says")
    # A member that is null would be a second way of leaving it out.
    if any(value is None for value in members.values()):
        raise refusal("a member is null; leave it out")
    return content


def check(signed: Signed, key: PublicKey, *, refusal: type[Problem]) -> None:
    """Nothing, if exactly this key signed these bytes. Raises `refusal`."""
    if signed.alg != key.alg:
        raise refusal("`alg` must be the algorithm the key is enrolled with")
    try:
        jws.verify(key, signed.protected, b64url_encode(signed.payload), signed.signature)
    except Problem as problem:
        raise refusal("the signature does not cover these bytes under the enrolled key") from problem
