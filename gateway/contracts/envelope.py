"""The contract's payload and envelope: exact members, exact bytes. Says nothing of whether signatures hold."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gateway.contracts.errors import (
    ContractTooLarge,
    EnvelopeMalformed,
    PartiesRefused,
    PayloadMalformed,
    PayloadNotCanonical,
    PolicyDiffers,
    TimesRefused,
)
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json, record_json, strict_json
from gateway.crypto.did import check_did
from gateway.crypto.errors import CanonicalError
from gateway.problems import Problem, TooLarge, first_complaint
from gateway.terms.model import MAX_TIME, Terms
from gateway.terms.odrl import from_odrl, to_odrl
from gateway.terms.profile import PROFILE

MEDIA_TYPE = "application/corridor-contract+json"
MAX_ENVELOPE = 256 * 1024
MAX_PAYLOAD = 64 * 1024
MAX_PARTIES = 8
MAX_URI = 500
MAX_TERM_S = 5 * 366 * 24 * 3600
"""The longest a contract may run, seconds: five years."""


def _did(value: str) -> str:
    try:
        return check_did(value)
    except Problem as error:
        raise ValueError(error.detail) from error


def _sixteen_bytes(value: str) -> str:
    try:
        nonce = b64url_decode(value)
    except Problem as error:
        raise ValueError(error.detail) from error
    if len(nonce) != 16:
        raise ValueError("a nonce has 16 bytes")
    return value


_Did = Annotated[str, AfterValidator(_did)]
_Time = Annotated[int, Field(ge=0, le=MAX_TIME)]
_Hex256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
# Identifiers and addresses are ASCII: nothing in them may look like something else.
_Urn = Annotated[str, Field(pattern=r"^urn:[a-z0-9][a-z0-9-]{1,31}:[A-Za-z0-9._:-]{1,200}$")]
_Uri = Annotated[str, Field(pattern=rf"^https?://[!-~]{{1,{MAX_URI}}}$")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Party(_Value):
    """One who must sign. Exactly one provider and one consumer; a processor signs what it is bound by."""

    id: _Did
    role: Literal["provider", "consumer", "processor"]


class Target(_Value):
    """The dataset, and the digest of its governance version: columns, roles, classification, conditions."""

    id: _Urn
    digest: _Sha256


class TermsText(_Value):
    """The terms as people read them, by digest; `lang` is a language tag (RFC 5646)."""

    lang: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
    digest: _Sha256
    uri: _Uri | None = None


class StatusEntry(_Value):
    idx: Annotated[int, Field(ge=0, lt=2**24)]
    uri: _Uri


class Status(_Value):
    """Where the contract's place in the token status list is."""

    status_list: StatusEntry


class Payload(_Value):
    """What the parties sign. Members and rules: shared reference on contract signing, section 3."""

    ver: Annotated[int, Field(ge=1, le=1)]
    typ: Literal["DataUsageContract"]
    profile: Literal["corridor-terms/1"]
    id: Annotated[str, Field(pattern=r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    gateway: _Did
    parties: Annotated[list[Party], Field(min_length=2, max_length=MAX_PARTIES)]
    iat: _Time
    nbf: _Time
    exp: _Time
    nonce: Annotated[str, AfterValidator(_sixteen_bytes)]
    supersedes: _Hex256 | None = None
    target: Target
    policy: dict[str, Any]
    terms: TermsText | None = None
    status: Status

    def party(self, role: str) -> str:
        return next(party.id for party in self.parties if party.role == role)


@dataclass(frozen=True)
class Draft:
    """A payload that was checked in itself: its bytes, their digest (hex SHA-256), what they say."""

    payload: bytes
    digest: str
    content: Payload
    terms: Terms


@dataclass(frozen=True)
class Entry:
    """One signature of an envelope, as it came: protected header and signature, both base64url."""

    protected: str
    signature: str

    def as_json(self) -> dict[str, str]:
        return {"protected": self.protected, "signature": self.signature}


def draft(
    *,
    id: str,
    gateway: str,
    provider: str,
    consumer: str,
    target: Target,
    terms: Terms,
    status: StatusEntry,
    iat: int,
    processors: tuple[str, ...] = (),
    nonce: bytes | None = None,
    supersedes: str | None = None,
    text: TermsText | None = None,
) -> bytes:
    """The canonical bytes of a contract, to be shown to and signed by its parties. Checked like one from outside."""
    parties = [(provider, "provider"), (consumer, "consumer"), *((did, "processor") for did in processors)]
    members = {
        "ver": 1,
        "typ": "DataUsageContract",
        "profile": PROFILE,
        "id": id,
        "gateway": gateway,
        "parties": [{"id": did, "role": role} for did, role in parties],
        "iat": iat,
        "nbf": terms.valid_from,
        "exp": terms.valid_to,
        "nonce": b64url_encode(secrets.token_bytes(16) if nonce is None else nonce),
        "supersedes": supersedes,
        "target": target.model_dump(),
        "policy": to_odrl(terms, assigner=provider, assignee=consumer, target=target.id, id=id),
        "terms": text and text.model_dump(exclude_none=True),
        "status": {"status_list": status.model_dump()},
    }
    payload = canonical_json({name: value for name, value in members.items() if value is not None})
    return parse_payload(payload).payload


def parse_payload(payload: bytes) -> Draft:
    """What these bytes say, if they are the one way of saying it; signatures aside, time of day aside.

    Raises ContractTooLarge, PayloadMalformed, PayloadNotCanonical, PartiesRefused, TimesRefused, PolicyDiffers, or
    TermNotUnderstood for terms outside the profile.
    """
    members = _strict(payload, MAX_PAYLOAD, PayloadMalformed, "payload")
    _check_canonical(members, payload)
    try:
        content = Payload.model_validate(members)
    except ValidationError as error:
        raise PayloadMalformed(first_complaint(error, whole="the contract")) from error
    # A member that is null would be a second way of leaving it out.
    if any(value is None for holder in (members, members.get("terms", {})) for value in holder.values()):
        raise PayloadMalformed("a member is null; leave it out")
    _check_parties(content)
    _check_times(content)
    return Draft(payload, hashlib.sha256(payload).hexdigest(), content, _check_policy(content))


def parse_envelope(envelope: bytes) -> tuple[bytes, list[Entry]]:
    """The payload's bytes and the entries of an envelope (RFC 7515 section 7.2.1, payload attached).

    Exactly the members `payload` and `signatures`, in each entry `protected` and `signature`. Raises ContractTooLarge
    or EnvelopeMalformed.
    """
    value = _strict(envelope, MAX_ENVELOPE, EnvelopeMalformed, "envelope")
    if value.keys() != {"payload", "signatures"} or not isinstance(value["payload"], str):
        raise EnvelopeMalformed("an envelope has exactly the members `payload` and `signatures`")
    signatures = value["signatures"]
    if not isinstance(signatures, list) or len(signatures) > MAX_PARTIES + 1:
        raise EnvelopeMalformed(f"`signatures` must be an array of at most {MAX_PARTIES + 1} entries")
    return _decode(value["payload"]), [parse_entry(entry) for entry in signatures]


def parse_entry(value: Any) -> Entry:
    """One signature entry from parsed JSON."""
    if not isinstance(value, dict) or value.keys() != {"protected", "signature"}:
        raise EnvelopeMalformed("a signature entry has exactly the members `protected` and `signature`")
    if not all(isinstance(part, str) for part in value.values()):
        raise EnvelopeMalformed("`protected` and `signature` must be text")
    return Entry(value["protected"], value["signature"])


def assemble(payload: bytes, entries: list[dict[str, str]]) -> bytes:
    """The envelope's bytes, canonical: party entries in the order of signing, the gateway's entry last."""
    return canonical_json({"payload": b64url_encode(payload), "signatures": entries})


def _strict(data: bytes, max_bytes: int, refusal: type[Problem], what: str) -> dict[str, Any]:
    try:
        value = strict_json(data, max_bytes=max_bytes, plain_text=True)
    except TooLarge as error:
        raise ContractTooLarge(f"the {what} has more than {max_bytes} bytes") from error
    except Problem as error:
        raise refusal(error.detail) from error
    if not isinstance(value, dict):
        raise refusal(f"the {what} must be a JSON object")
    return value


def _decode(payload: str) -> bytes:
    try:
        return b64url_decode(payload, "`payload`")
    except Problem as error:
        raise EnvelopeMalformed(error.detail) from error


def _check_canonical(members: dict[str, Any], payload: bytes) -> None:
    try:
        # Every member name of a contract is ASCII, so the fast form is the canonical one.
        canonical = record_json(members)
    except CanonicalError as error:
        raise PayloadMalformed("a member name is not in the contract's vocabulary") from error
    if canonical != payload:
        raise PayloadNotCanonical("the payload is not the RFC 8785 form of what it says")


def _check_parties(content: Payload) -> None:
    ids = [party.id for party in content.parties]
    if len(set(ids)) != len(ids):
        raise PartiesRefused("a party is listed twice")
    if content.gateway in ids:
        raise PartiesRefused("the gateway cannot be a party")
    roles = [party.role for party in content.parties]
    if roles.count("provider") != 1 or roles.count("consumer") != 1:
        raise PartiesRefused("a contract has exactly one provider and one consumer")


def _check_times(content: Payload) -> None:
    if not content.nbf < content.exp <= content.nbf + MAX_TERM_S:
        raise TimesRefused(f"`nbf` must be before `exp`, by at most {MAX_TERM_S} seconds")
    if content.iat >= content.exp:
        raise TimesRefused("the contract ends before it was drafted")


def _check_policy(content: Payload) -> Terms:
    terms = from_odrl(content.policy)
    repeated = to_odrl(
        terms,
        assigner=content.party("provider"),
        assignee=content.party("consumer"),
        target=content.target.id,
        id=content.id,
    )
    # One comparison for parties, target, id and form: there is one way to write these terms for this contract.
    if content.policy != repeated:
        raise PolicyDiffers("`policy` must be the Agreement of this id, parties and target, in the profile's order")
    if (terms.valid_from, terms.valid_to) != (content.nbf, content.exp):
        raise PolicyDiffers("the policy's `dateTime` constraints must repeat `nbf` and `exp`")
    return terms
