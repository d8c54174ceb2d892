"""A participant and the facts policies may ask about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt


class Kind(StrEnum):
    HOSPITAL = "hospital"
    CLINICAL_RESEARCH_HOSPITAL = "clinical_research_hospital"
    PHARMA = "pharma"
    RESEARCH_INSTITUTE = "research_institute"
    AI_LAB = "ai_lab"
    AI_BASE = "ai_base"
    LABELLING_FACILITY = "labelling_facility"
    COMPUTING_CENTRE = "computing_centre"
    REGULATOR = "regulator"
    OPERATOR = "operator"
    OTHER = "other"


class Site(BaseModel):
    """A place the operator vouches for: agents of the participant may sit there, in a secure environment or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    location: str = Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")
    secure_environment: StrictBool = False


class Facts(BaseModel):
    """What the operator established about a participant; the health-data rules read these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")
    identity_verified: StrictBool = False
    for_profit: StrictBool = True
    public_body: StrictBool = False
    overseas_entity: StrictBool = False
    foreign_equity_pct: StrictInt = Field(default=0, ge=0, le=100)
    foreign_control: StrictBool = False
    ciio: StrictBool = Field(default=False, description="critical information infrastructure operator")
    in_ftz: StrictBool = Field(default=False, description="registered in a free-trade zone")
    mlps_level: StrictInt = Field(default=2, ge=1, le=5, description="multi-level protection scheme")
    persons_held: StrictInt = Field(
        default=0, ge=0, le=2**53 - 1, description="of how many persons it holds data; 0 until it is established"
    )
    security_officer: StrictBool = Field(default=False, description="somebody is in charge of its data security")
    blocked: StrictBool = False
    sites: tuple[Site, ...] = Field(
        default=(), max_length=50, description="where its agents sit beside its own country, and secure environments"
    )

    def vouches_for(self, location: str, *, secure_environment: bool) -> bool:
        """Whether an agent may sit there: in the participant's own country, or at a site that is as secure."""
        if any(s.location == location and (s.secure_environment or not secure_environment) for s in self.sites):
            return True
        return not secure_environment and location.split("-")[0] == self.country


class Participant(BaseModel):
    """An admitted organisation. `id` is its DID."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    facts: Facts
    state: str
    admitted_at: int

    @property
    def active(self) -> bool:
        return self.state == "active"

    def as_policy_input(self) -> dict[str, Any]:
        return {"id": self.id, **self.facts.model_dump(mode="json", exclude={"sites"})}
