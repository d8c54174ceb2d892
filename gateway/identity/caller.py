"""The caller: an agent, acting for exactly one participant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.identity.errors import RoleNeeded
from gateway.participants.model import Kind, Participant


class AgentRole(StrEnum):
    """What an agent may do for its participant.

    A `reviewer` sits on its data access committee. `operator` exists only inside the operator's participant.
    """

    ADMIN = "admin"
    PROVIDER = "provider"
    RESEARCHER = "researcher"
    OFFICER = "officer"
    REVIEWER = "reviewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, with enrolment's facts as of `epoch`. `token_id` is the token's jti."""

    agent: str
    participant: Participant
    roles: frozenset[AgentRole]
    location: str
    secure_environment: bool
    token_id: str = ""
    expires_at: int = 0
    auth_method: str = "private_key_jwt"

    def need(self, *roles: AgentRole) -> None:
        """Raise RoleNeeded unless the caller has one of the roles."""
        if self.roles.isdisjoint(roles):
            wanted = " or ".join(sorted(roles))
            raise RoleNeeded(
                f"This needs the role {wanted}. Ask your participant's administrator to enrol such an agent."
            )

    @property
    def oversees(self) -> bool:
        """Whether this is the operator's own officer, who sees every entry."""
        return self.participant.facts.kind is Kind.OPERATOR and not self.roles.isdisjoint(
            {AgentRole.OFFICER, AgentRole.OPERATOR}
        )

    @property
    def sees(self) -> str | None:
        """Whose entries of the log the caller may see: its participant's, or None for everybody's."""
        return None if self.oversees else self.participant.id

    def as_policy_input(self) -> dict[str, Any]:
        return {
            "id": self.agent,
            "org_id": self.participant.id,
            "roles": sorted(role.value for role in self.roles),
            "accessing_from": self.location,
            "secure_environment": self.secure_environment,
        }
