"""What a committee decides with: the question as it was asked, two signed votes, and the decision they come to.

The decision is worked out from the signed votes alone, so that whoever holds them can work it out again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.approvals.document import Did, Purpose, Time, Urn
from gateway.approvals.errors import VoteRefused
from gateway.crypto import signed
from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json, strict_json
from gateway.crypto.keys import PublicKey
from gateway.crypto.signed import Value
from gateway.problems import Problem

TYPE = "corridor-review-vote"
USE = ("purpose", "filter_digest", "months", "accepts", "collaboration_ref", "project", "research_types")
VOTES = 2
MAX_REASON = 2000
MAX_OBLIGATIONS = 50
MAX_TERM_S = 366 * 24 * 3600
"""The longest a committee's decision holds, seconds: a year, then it is asked again."""
CONDITIONS = frozenset({"drop", "pseudonymise", "generalise", "cap_rows", "suppress_small_cells"})
"""What a committee may ask to be done to the data, beside what contract and policy demand; their form is judged where a
vote is taken."""

Keys = Callable[[str], PublicKey | None]
"""The key an agent is enrolled with, by its handle."""


def _of_known_kinds(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if strange := sorted({str(demand.get("kind"))[:64] for demand in documents} - CONDITIONS):
        raise ValueError(f"a committee asks for {', '.join(sorted(CONDITIONS))}, not for {strange[0]}")
    return documents


class Question(Value):
    """What is decided on, as the gateway puts it: one contract, one way of using the data, the rules that refer it.

    `use`: what the request says of itself beside, the members USE of the policy's input: the whole purpose with what
    makes it sensitive, for how long, what was promised, which filter (by digest). `entry` and `input_digest` lead to
    the decision that referred it, and to all it was made on.
    """

    ver: Annotated[int, Field(ge=1, le=1)]
    typ: Literal["ReviewQuestion"]
    gateway: Did
    review: Urn
    entry: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    input_digest: Annotated[str, Field(min_length=1, max_length=200)]
    contract: Urn
    dataset: Urn
    provider: Did
    recipient: Did
    purpose: Purpose
    action: Annotated[str, Field(min_length=1, max_length=20)]
    mode: Annotated[str, Field(pattern=r"^M[0-6]$")]
    columns: Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=2000)]
    use: dict[str, Any]
    rules: Annotated[list[Annotated[str, Field(min_length=1, max_length=20)]], Field(min_length=1, max_length=100)]

    def as_bytes(self) -> bytes:
        """RFC 8785 form, which is what `digest` is of."""
        return canonical_json(self.model_dump())

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.as_bytes()).hexdigest()


class Conditions(Value):
    """Under what an approval is given: until when (seconds UTC), for which of the columns, what is done to the data."""

    exp: Time
    columns: Annotated[list[str], Field(max_length=2000)]
    obligations: Annotated[list[dict[str, Any]], Field(max_length=MAX_OBLIGATIONS), AfterValidator(_of_known_kinds)]


class Vote(Value):
    """The payload. `question`: the digest of what the reviewer was shown; only an approval has conditions."""

    ver: Annotated[int, Field(ge=1, le=1)]
    typ: Literal["ReviewVote"]
    question: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    reviewer: Annotated[str, Field(pattern=r"^a-[0-9a-f]{20}$")]
    vote: Literal["approve", "refuse"]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
    iat: Time
    conditions: Conditions | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.vote == "approve") != (self.conditions is not None):
            raise ValueError("an approval has conditions, a refusal has none")
        if not self.reason.strip():
            raise ValueError("`reason` says why")
        return self


@dataclass(frozen=True, slots=True)
class VerifiedVote:
    """A vote whose signature held; only `verify_vote` makes one."""

    content: Vote
    data: bytes


@dataclass(frozen=True, slots=True)
class CommitteeDecision:
    """What two votes come to. Approved: the strictest of both. `reasons`: each reviewer's, by handle."""

    question: Question
    approved: bool
    nbf: int
    exp: int
    columns: tuple[str, ...]
    obligations: tuple[dict[str, Any], ...]
    reasons: Mapping[str, str]

    def as_policy_input(self, *, country: str) -> dict[str, Any]:
        question = self.question
        return {
            "ref": question.review,
            "issuer": question.provider,
            "country": country,
            "valid_from": self.nbf,
            "valid_to": self.exp,
            "datasets": [question.dataset],
            "recipients": [question.recipient],
            "purposes": [question.purpose],
            "contract": question.contract,
            "actions": [question.action],
            "modes": [question.mode],
            "columns": list(self.columns),
            "use": question.use,
            "rules": list(question.rules),
            "obligations": list(self.obligations),
        }


def sign_vote(vote: Vote, private_jwk: Mapping[str, Any]) -> bytes:
    """The vote, signed with the reviewer's own key."""
    return signed.seal(vote.model_dump(exclude_none=True), private_jwk, vote.reviewer, typ=TYPE, iat=vote.iat)


def verify_vote(data: bytes, question: Question, *, keys: Keys, now: int) -> VerifiedVote:
    """One vote on this question, by who signed it. Raises VoteRefused."""
    envelope = signed.parse(data, typ=TYPE, refusal=VoteRefused)
    vote = signed.read(envelope.payload, Vote, refusal=VoteRefused)
    if vote.question != question.digest:
        raise VoteRefused("the vote is on another question; look at the review again, and vote on what it shows")
    if vote.reviewer != envelope.kid or vote.iat != envelope.iat:
        raise VoteRefused("`reviewer` and `iat` must be those of the signature's header")
    if vote.iat > now + signed.CLOCK_SKEW_S:
        raise VoteRefused("the vote is dated in the future; check the clock")
    if vote.conditions is not None:
        _check_conditions(vote.conditions, question, vote.iat)
    key = keys(vote.reviewer)
    if key is None:
        raise VoteRefused("no agent of this handle is enrolled")
    signed.check(envelope, key, refusal=VoteRefused)
    return VerifiedVote(vote, data)


def decided(question: Question, votes: Sequence[VerifiedVote]) -> CommitteeDecision:
    """What exactly two votes of two reviewers come to: approved if both approve, and agree on a column and a time."""
    first, second = votes
    if first.content.reviewer == second.content.reviewer:
        raise VoteRefused("both votes are of one reviewer")
    reasons = {vote.content.reviewer: vote.content.reason for vote in votes}
    nbf = max(vote.content.iat for vote in votes)
    conditions = [vote.content.conditions for vote in votes]
    given = [one for one in conditions if one is not None]
    if len(given) < VOTES:
        return CommitteeDecision(question, False, nbf, nbf, (), (), reasons)
    columns = tuple(c for c in question.columns if all(c in one.columns for one in given))
    exp = min(one.exp for one in given)
    demands = {json.dumps(demand, sort_keys=True): demand for one in given for demand in one.obligations}
    agreed = exp > nbf and (bool(columns) or not question.columns)
    owed = tuple(demands[key] for key in sorted(demands)) if agreed else ()
    return CommitteeDecision(question, agreed, nbf, exp if agreed else nbf, columns if agreed else (), owed, reasons)


def envelope(question: Question, votes: Sequence[VerifiedVote]) -> bytes:
    """Question and votes in one document, from which the decision can be worked out again."""
    parts = [strict_json(vote.data, max_bytes=signed.MAX_SIGNED) for vote in votes]
    return canonical_json({"question": b64url_encode(question.as_bytes()), "votes": parts})


def _check_conditions(conditions: Conditions, question: Question, iat: int) -> None:
    if strange := sorted(set(conditions.columns) - set(question.columns)):
        raise VoteRefused(f"the column {strange[0][:64]!r} was not asked for; approve columns of the question only")
    if question.columns and not conditions.columns:
        raise VoteRefused("an approval without a column approves nothing; vote to refuse instead")
    if not iat < conditions.exp <= iat + MAX_TERM_S:
        raise VoteRefused(f"an approval ends after it begins, and within {MAX_TERM_S // 86400} days")


def read_decision(data: bytes, *, keys: Keys, now: int) -> CommitteeDecision:
    """The decision in an `envelope`, worked out anew from its votes. Raises VoteRefused."""
    try:
        value = strict_json(data, max_bytes=4 * signed.MAX_SIGNED, plain_text=True)
        question = b64url_decode(value["question"]) if isinstance(value, dict) else b""
        votes = value["votes"] if isinstance(value, dict) else None
    except (Problem, KeyError, TypeError) as problem:
        raise VoteRefused("this is no committee's decision") from problem
    if not isinstance(votes, list) or len(votes) != VOTES:
        raise VoteRefused(f"a committee's decision has exactly {VOTES} votes")
    asked = read_question(question)
    return decided(asked, [verify_vote(canonical_json(vote), asked, keys=keys, now=now) for vote in votes])


def read_question(data: bytes) -> Question:
    return signed.read(data, Question, refusal=VoteRefused)
