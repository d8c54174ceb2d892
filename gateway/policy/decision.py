"""The decision as a value, parsed so strictly that nothing unknown can pass for a permit."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.audit.event import Demands
from gateway.crypto.canonical import record_json
from gateway.crypto.errors import CanonicalError
from gateway.policy.errors import PolicyUnavailable

Mode = Literal["M0", "M1", "M2", "M3", "M4", "M5", "M6"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Reason(_Value):
    """Why a rule said no, or asked for a person: what it saw, on what ground, and what would make it pass."""

    rule: str = Field(min_length=1, max_length=100)
    code: str = Field(min_length=1, max_length=20)
    effect: Literal["deny", "refer"]
    text: str = Field(min_length=1, max_length=1000)
    facts: dict[str, Any]
    source: str = Field(min_length=1, max_length=500)
    remedy: str = Field(min_length=1, max_length=500)


class Limits(_Value):
    """`mode` is the highest delivery mode the dataset's classification allows."""

    mode: Mode


class Decision(_Value):
    """Permit, refer or deny. Only a permit carries obligations; only the others carry reasons.

    `reasons` are in order (effect, rule, code, text), `obligations` in order (kind, column): the same decision is
    the same bytes. Obligations stay as they are written; who discharges them parses them.
    """

    result: Literal["permit", "refer", "deny"]
    bundle: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    reasons: tuple[Reason, ...]
    obligations: tuple[dict[str, Any], ...]
    limits: Limits

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        effects = {reason.effect for reason in self.reasons}
        follows = "deny" if "deny" in effects else "refer" if effects else "permit"
        if self.result != follows:
            raise ValueError("the result does not follow from the reasons")
        if self.obligations and self.result != "permit":
            raise ValueError("a refusal carries obligations")
        if any(not isinstance(owed.get("kind"), str) for owed in self.obligations):
            raise ValueError("an obligation has no kind")
        return self

    @cached_property
    def demands(self) -> Demands:
        """What entries show of it. Of a very wide dataset's obligations only the number: the kept input gives them."""
        owed, limits = self.obligations, self.limits.model_dump()
        if len(owed) > FEW and len(record_json({"obligations": list(owed)})) > MAX_OWED_BYTES:
            owed = ({"kind": "as_decided", "count": len(owed)},)
        return Demands(owed, limits)

    def as_bytes(self) -> bytes:
        """RFC 8785 JSON. Two equal decisions give the same bytes, whichever engine answered."""
        return record_json(self.model_dump(mode="json"))


MAX_OWED_BYTES = 12_000
FEW = 16  # obligations that cannot be over it, however long their columns' names
MAX_REMEMBERED = 16 * 1024


def parse_decision(answer: bytes) -> Decision:
    """The decision an engine answered. Raises PolicyUnavailable for everything that is not exactly one.

    The same bytes are the same decision: short answers are remembered, so treat what comes back as read-only.
    """
    return _remembered(answer) if len(answer) <= MAX_REMEMBERED else _parsed(answer)


@lru_cache(maxsize=512)
def _remembered(answer: bytes) -> Decision:
    return _parsed(answer)


def _parsed(answer: bytes) -> Decision:
    try:
        parsed = Decision.model_validate_json(answer)
        # A fact that has no canonical form could not be recorded; the order must not depend on who sorted.
        reasons = sorted(parsed.reasons, key=lambda r: (r.effect, r.rule, r.code, r.text, record_json(r.facts)))
        obligations = sorted(
            parsed.obligations, key=lambda o: (str(o["kind"]), str(o.get("column", "")), record_json(o))
        )
    except (ValidationError, CanonicalError) as error:
        raise PolicyUnavailable("The policy engine's answer is not a decision; nothing was released.") from error
    return parsed.model_copy(update={"reasons": tuple(reasons), "obligations": tuple(obligations)})
