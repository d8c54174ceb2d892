"""Who takes part in the demo's story, and what they sign on their own side of the wire."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from gateway.approvals.votes import Conditions, Question, Vote, sign_vote
from gateway.contracts.sign import party_entry
from gateway.crypto.canonical import b64url_decode
from gateway.sdk.client import Client

MONTH_S = 30 * 24 * 3600


@dataclass
class Party:
    """A participant of the story: its contract key and its agents' clients, all on its own side of the wire."""

    did: str
    contract_key: dict[str, str]
    agents: dict[str, Client] = field(default_factory=dict)

    @property
    def kid(self) -> str:
        return f"{self.did}#contract-1"

    def sign(self, draft: Any, *, key: dict[str, str] | None = None) -> dict[str, str]:
        """This party's signature over a draft, made here."""
        return party_entry(b64url_decode(draft["payload"]), key or self.contract_key, self.kid, iat=int(time.time()))


def approve(reviewer: Client, review: str, reason: str, obligations: list[dict[str, Any]]) -> Any:
    """A vote to approve for a month, signed with the reviewer's own key; the review as it stands then."""
    now = int(time.time())
    question = Question.model_validate(reviewer.get(f"/v1/reviews/{review}")["question"])
    vote = Vote(
        ver=1,
        typ="ReviewVote",
        question=question.digest,
        reviewer=reviewer.agent.agent,
        vote="approve",
        reason=reason,
        iat=now,
        conditions=Conditions(exp=now + MONTH_S, columns=question.columns, obligations=obligations),
    )
    return reviewer.post(f"/v1/reviews/{review}/votes", json.loads(sign_vote(vote, reviewer.agent.key)))
