"""What an approval says, and whether its issuer said it. Pure: reads no database, asks no network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from gateway.approvals.errors import ApprovalMalformed, ApprovalSignatureInvalid
from gateway.crypto import signed
from gateway.crypto.did import check_did, check_kid, enrolled_key
from gateway.crypto.keys import EnrolledKey, KeyRing
from gateway.crypto.signed import CLOCK_SKEW_S, Signed, Value
from gateway.problems import Problem
from gateway.terms.model import MAX_TIME
from gateway.terms.purposes import GRANTABLE

MEDIA_TYPE = "application/corridor-approval+json"
TYPE = "corridor-approval"
MAX_SCOPE = 20
MAX_TERM_S = 11 * 366 * 24 * 3600
"""The longest an approval may run, seconds: eleven years, one more than a European data permit."""

Kind = Literal[
    "ethics",
    "cooperation_approval",
    "trial_filing",
    "prior_report",
    "security_review",
    "export",
    "pia",
    "risk_assessment",
    "permit",
]
Mechanism = Literal[
    "assessment",
    "scc",
    "certification",
    "exempt_collected_abroad",
    "exempt_contract",
    "exempt_staff",
    "exempt_emergency",
]
"""What lets personal information leave the country; or why nothing is asked for (CBDF24 4 and 5, NDSR 35)."""
KINDS: tuple[Kind, ...] = get_args(Kind)
GENETIC = frozenset({"cooperation_approval", "trial_filing", "prior_report", "security_review"})
OWN = frozenset({"pia", "risk_assessment"})
"""What the handler of the data assesses itself: its provider issues these, without anybody's leave."""

_EXTRAS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ethics": frozenset({"exempt"}),
        "export": frozenset({"mechanism"}),
        **{kind: frozenset({"backup_submitted"}) for kind in GENETIC},
    }
)


def _did(value: str) -> str:
    try:
        return check_did(value)
    except Problem as error:
        raise ValueError(error.detail) from error


def _purpose(value: str) -> str:
    if value not in GRANTABLE:
        raise ValueError("a purpose is one of those that contracts can grant, such as P05")
    return value


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("something is listed twice")
    return values


Did = Annotated[str, AfterValidator(_did)]
Urn = Annotated[str, Field(pattern=r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Time = Annotated[int, Field(ge=0, le=MAX_TIME)]
Purpose = Annotated[str, AfterValidator(_purpose)]


class Approval(Value):
    """The payload. Term: [nbf, exp), seconds UTC. It covers each of its datasets, recipients and purposes with each
    of the others. `ref` is the issuer's own number of it, as people write it."""

    ver: Annotated[int, Field(ge=1, le=1)]
    typ: Literal["DataUseApproval"]
    id: Urn
    gateway: Did
    issuer: Did
    kind: Kind
    ref: Annotated[str, Field(min_length=1, max_length=100)]
    iat: Time
    nbf: Time
    exp: Time
    datasets: Annotated[list[Urn], Field(min_length=1, max_length=MAX_SCOPE), AfterValidator(_distinct)]
    recipients: Annotated[list[Did], Field(min_length=1, max_length=MAX_SCOPE), AfterValidator(_distinct)]
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=50), AfterValidator(_distinct)]
    exempt: bool | None = None
    backup_submitted: bool | None = None
    mechanism: Mechanism | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = {name for name in ("exempt", "backup_submitted", "mechanism") if getattr(self, name) is not None}
        if given != (asked := _EXTRAS.get(self.kind, frozenset())):
            what = f"exactly {', '.join(sorted(asked))}" if asked else "nothing"
            raise ValueError(f"of exempt, backup_submitted and mechanism, the kind {self.kind} says {what}")
        if not self.nbf < self.exp <= self.nbf + MAX_TERM_S:
            raise ValueError(f"`nbf` must be before `exp`, by at most {MAX_TERM_S} seconds")
        if not self.ref.isprintable():
            raise ValueError("`ref` is one line of text")
        return self


@dataclass(frozen=True, slots=True)
class VerifiedApproval:
    """An approval whose signature held; only `verify_approval` makes one. `digest`: hex SHA-256 of the payload."""

    content: Approval
    digest: str
    kid: str
    thumbprint: str
    iat: int

    @property
    def group(self) -> str:
        """The member of the policy's input where it stands."""
        return "hgr" if self.content.kind in GENETIC else self.content.kind

    def as_policy_input(self, dataset: str, recipient: str, *, country: str) -> dict[str, Any]:
        """As the policy sees it from one request: what it says of others is nobody's business there.

        `country` is the issuer's, by enrolment.
        """
        content = self.content
        extras: dict[str, Any] = {name: getattr(content, name) for name in _EXTRAS.get(content.kind, ())}
        if content.kind in GENETIC:
            extras["kind"] = content.kind
        return {
            "ref": content.ref,
            "issuer": content.issuer,
            "country": country,
            "valid_from": content.nbf,
            "valid_to": content.exp,
            "datasets": [d for d in content.datasets if d == dataset],
            "recipients": [r for r in content.recipients if r == recipient],
            "purposes": list(content.purposes),
            **extras,
        }


def sign_approval(content: Approval, private_jwk: Mapping[str, Any], kid: str, *, iat: int) -> bytes:
    """The approval as its issuer hands it out. `kid`: `<issuer's DID>#<name>`."""
    if check_kid(kid)[0] != content.issuer:
        raise ApprovalSignatureInvalid("the key is not the issuer's")
    return signed.seal(content.model_dump(exclude_none=True), private_jwk, kid, typ=TYPE, iat=iat)


def verify_approval(data: bytes, *, keys: KeyRing, gateway: str, at: int) -> VerifiedApproval:
    """The approval in these bytes, if its issuer signed it with a key that was good at `at` (seconds UTC).

    A key that turns out compromised signs nothing from then on. Term and authority are judged where they are used.

    Raises:
        ApprovalMalformed, ApprovalSignatureInvalid: which check failed.
    """
    envelope = signed.parse(data, typ=TYPE, refusal=ApprovalMalformed)
    content = signed.read(envelope.payload, Approval, refusal=ApprovalMalformed)
    if content.gateway != gateway:
        raise ApprovalMalformed("the approval names another gateway; it cannot be used here")
    key = _key(envelope, content, keys, at)
    if not content.iat - CLOCK_SKEW_S <= envelope.iat <= at + CLOCK_SKEW_S:
        raise ApprovalMalformed("the signature's `iat` lies before the approval's, or in the future")
    signed.check(envelope, key.public, refusal=ApprovalSignatureInvalid)
    digest = hashlib.sha256(envelope.payload).hexdigest()
    return VerifiedApproval(content, digest, key.kid, key.public.thumbprint, envelope.iat)


def _key(envelope: Signed, content: Approval, keys: KeyRing, at: int) -> EnrolledKey:
    try:
        key = enrolled_key(envelope.kid, keys)
    except Problem as error:
        raise ApprovalSignatureInvalid(error.detail) from error
    if key is None or key.purpose != "contract":
        raise ApprovalSignatureInvalid("no contract key is enrolled under this `kid`")
    if key.did != content.issuer:
        raise ApprovalSignatureInvalid("the approval is signed by somebody else than its issuer")
    if (why := key.unusable(at)) is not None:
        raise ApprovalSignatureInvalid(why)
    return key
