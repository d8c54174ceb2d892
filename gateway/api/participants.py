"""Participants and their agents."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.api import examples
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import StrictRoute
from gateway.crypto.keys import screen
from gateway.identity import enrolment
from gateway.identity.caller import AgentRole
from gateway.identity.enrolment import Enrolment
from gateway.participants import onboarding, store
from gateway.participants.model import Facts, Participant
from gateway.participants.onboarding import Admission
from gateway.problems import NotFound

router = APIRouter(route_class=StrictRoute, tags=["participants"])

Did = Annotated[str, Path(max_length=255, examples=["did:web:hospital.example"])]
Jwk = Annotated[
    dict[str, Any],
    Field(
        description="a public JWK (RFC 7517): Ed25519, P-256 or RSA of 3072 bits and more",
        examples=[{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}],
    ),
]
AgentId = Annotated[str, Path(max_length=64, examples=["a-0f1e2d3c4b5a69788796"])]
Location = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", examples=["CN-BJ"])]


class AgentBody(BaseModel):
    """An agent to enrol. The private key stays with the agent."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=200, description="for your own people; never reaches the log")
    roles: list[AgentRole] = Field(min_length=1, max_length=5)
    location: Location
    secure_environment: bool = Field(default=False, description="the agent works inside an enrolled secure environment")
    key: Jwk

    def enrolment(self, participant: str) -> Enrolment:
        key = screen(self.key, purpose="agent")
        return Enrolment(participant, self.label, tuple(self.roles), self.location, self.secure_environment, key)


class ContractKeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kid: str = Field(max_length=250, examples=["did:web:hospital.example#contract-1"])
    key: Jwk


class AdmissionBody(BaseModel):
    """An organisation to admit, the key that signs its contracts, and its first agent."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=180, description="its DID", examples=["did:web:hospital.example"])
    name: str = Field(min_length=1, max_length=200)
    facts: Facts
    contract_key: ContractKeyBody
    first_agent: AgentBody


class AgentView(BaseModel):
    id: str = Field(description="the random handle under which the agent appears in the log")
    participant: str
    label: str
    roles: list[str]
    location: str
    secure_environment: bool
    thumbprint: str
    state: str
    enrolled_at: int

    @classmethod
    def of(cls, agent: enrolment.Agent) -> AgentView:
        return cls(**{name: getattr(agent, name) for name in cls.model_fields})


class ParticipantView(BaseModel):
    id: str
    name: str
    kind: str
    country: str
    state: str
    facts: Facts | None = Field(default=None, description="only for the operator and the participant itself")


class AdmittedView(BaseModel):
    participant: ParticipantView
    first_agent: AgentView


@router.post("/participants", status_code=201, summary="Admit an organisation (operator)")
def admit(body: Annotated[AdmissionBody, Body(examples=[examples.ADMISSION])], actor: Actor) -> AdmittedView:
    actor.caller.need(AgentRole.OPERATOR)
    key = screen(body.contract_key.key, purpose="contract")
    admission = Admission(body.id, body.name, body.facts, body.contract_key.kid, key)
    first = body.first_agent.enrolment(body.id)
    deed = actor.deed()
    participant, agent = actor.record(lambda tx: enrolment.admit(tx, admission, first, deed)).value
    return AdmittedView(participant=_view(participant, whole=True), first_agent=AgentView.of(agent))


@router.get("/participants", summary="List admitted organisations")
def list_participants(
    caller: AuthenticatedCaller,
    gateway: Gateway,
    after: Annotated[str, Query(max_length=255)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> list[ParticipantView]:
    with gateway.db.reading() as session:
        found = store.participants(session, after=after, limit=limit)
    return [_view(p, whole=_sees_facts(caller, p)) for p in found]


@router.get("/participants/{participant}", summary="One admitted organisation")
def get_participant(participant: Did, caller: AuthenticatedCaller, gateway: Gateway) -> ParticipantView:
    with gateway.db.reading() as session:
        found = store.participant(session, participant)
    if found is None:
        raise NotFound
    return _view(found, whole=_sees_facts(caller, found))


@router.put("/participants/{participant}/facts", summary="Put down what is known of an organisation now (operator)")
def establish(
    participant: Did,
    body: Annotated[Facts, Body(examples=[examples.ADMISSION["facts"]])],
    actor: Actor,
    gateway: Gateway,
) -> ParticipantView:
    """All of its facts: what is left out becomes what it is without being said. Bites at once, also on deliveries."""
    actor.caller.need(AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: onboarding.establish(tx, participant, body, deed))
    return get_participant(participant, actor.caller, gateway)


@router.post("/participants/{participant}/suspend", status_code=204, summary="Suspend an organisation (operator)")
def suspend(participant: Did, actor: Actor) -> None:
    actor.caller.need(AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: onboarding.suspend(tx, participant, deed))


@router.post("/participants/{participant}/reinstate", status_code=204, summary="Reinstate an organisation (operator)")
def reinstate(participant: Did, actor: Actor) -> None:
    actor.caller.need(AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: onboarding.reinstate(tx, participant, deed))


@router.post("/agents", status_code=201, summary="Enrol an agent of your participant")
def enrol(body: Annotated[AgentBody, Body(examples=[examples.AGENT])], actor: Actor) -> AgentView:
    actor.caller.need(AgentRole.ADMIN, AgentRole.OPERATOR)
    wanted, deed = body.enrolment(actor.caller.participant.id), actor.deed()
    return AgentView.of(actor.record(lambda tx: enrolment.enrol(tx, wanted, deed)).value)


@router.get("/agents", summary="Your participant's agents")
def list_agents(caller: AuthenticatedCaller, gateway: Gateway) -> list[AgentView]:
    caller.need(AgentRole.ADMIN, AgentRole.OPERATOR, AgentRole.OFFICER)
    with gateway.db.reading() as session:
        return [AgentView.of(agent) for agent in enrolment.agents_of(session, caller.participant.id)]


@router.post("/agents/{agent}/suspend", status_code=204, summary="Shut an agent of your participant out")
def suspend_agent(agent: AgentId, actor: Actor) -> None:
    actor.caller.need(AgentRole.ADMIN, AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: enrolment.suspend(tx, agent, actor.caller.participant.id, deed))


@router.post("/agents/{agent}/erase", status_code=204, summary="Forget whom a suspended agent's handle stands for")
def erase_agent(agent: AgentId, actor: Actor) -> None:
    """For good: the label is gone, the agent cannot come back. Entries and proofs stay as they are."""
    actor.caller.need(AgentRole.ADMIN, AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: enrolment.erase(tx, agent, actor.caller.participant.id, deed))


@router.post("/agents/{agent}/reinstate", status_code=204, summary="Let an agent of your participant in again")
def reinstate_agent(agent: AgentId, actor: Actor) -> None:
    actor.caller.need(AgentRole.ADMIN, AgentRole.OPERATOR)
    deed = actor.deed()
    actor.record(lambda tx: enrolment.reinstate(tx, agent, actor.caller.participant.id, deed))


@router.get("/me", summary="Who the gateway takes you for")
def me(caller: AuthenticatedCaller) -> dict[str, Any]:
    return {
        "agent": caller.agent,
        "participant": caller.participant.id,
        "roles": sorted(caller.roles),
        "location": caller.location,
        "secure_environment": caller.secure_environment,
    }


def _sees_facts(caller: Any, participant: Participant) -> bool:
    return caller.participant.id == participant.id or AgentRole.OPERATOR in caller.roles


def _view(participant: Participant, *, whole: bool) -> ParticipantView:
    return ParticipantView(
        id=participant.id,
        name=participant.name,
        kind=participant.facts.kind,
        country=participant.facts.country,
        state=participant.state,
        facts=participant.facts if whole else None,
    )
