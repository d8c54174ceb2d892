"""Is this approval genuine? Checked with keys the asker trusts, without the gateway."""

from __future__ import annotations

from typing import Any

from gateway.approvals.document import TYPE, verify_approval
from gateway.approvals.errors import ApprovalMalformed
from gateway.approvals.votes import read_decision
from gateway.crypto import signed
from gateway.crypto.canonical import strict_json
from gateway.crypto.keys import PublicKey, screen
from gateway.sdk.contract import MAX_BYTES, KeyFile, KeyFileMalformed


def check(data: bytes, keys: bytes, *, now: int) -> dict[str, Any]:
    """What an approval says, if its issuer signed these bytes, or two reviewers the votes of a committee's decision.

    `keys`: from `GET /v1/approvals/{id}/keys`, or written by hand in the same form. Its term may be over.

    Raises:
        ApprovalRefused, VoteRefused: which check failed. KeyFileMalformed, KeyRefused.
    """
    value = strict_json(data, max_bytes=MAX_BYTES)
    if not isinstance(value, dict):
        raise ApprovalMalformed("An approval is a JSON object.")
    if "votes" in value:
        decision = read_decision(data, keys=_reviewers(keys).get, now=now)
        return {"approved": decision.approved, **decision.as_policy_input(country="")}
    trusted = KeyFile.parse(keys)
    # A key that was retired since stands behind what it signed in its time.
    signed_at = signed.parse(data, typ=TYPE, refusal=ApprovalMalformed).iat
    found = verify_approval(data, keys=trusted, gateway=trusted.gateway, at=min(now, signed_at))
    return {**found.content.model_dump(exclude_none=True), "digest": found.digest, "key": found.thumbprint}


def _reviewers(keys: bytes) -> dict[str, PublicKey]:
    value = strict_json(keys, max_bytes=MAX_BYTES)
    try:
        return {agent: screen(jwk, purpose="agent") for agent, jwk in value["reviewers"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise KeyFileMalformed("The keys of a committee's decision are in `reviewers`, by handle.") from error
