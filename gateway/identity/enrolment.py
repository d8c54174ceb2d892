"""How agents come in and go out, get tokens, and are known again by them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlmodel import Session, col, select

from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Object
from gateway.audit.log import Outcome, Record
from gateway.crypto.keys import PublicKey, screen
from gateway.db import Tx
from gateway.identity.caller import AgentRole, Caller
from gateway.identity.errors import AssertionRefused
from gateway.identity.tables import AgentRow
from gateway.identity.tokens import Assertion
from gateway.ids import handle
from gateway.participants import contract_keys, onboarding
from gateway.participants import store as participants
from gateway.participants.errors import AlreadyAdmitted
from gateway.participants.model import Kind
from gateway.participants.onboarding import Admission
from gateway.problems import Malformed, NotFound, WrongState


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An agent of a participant. `label` is for its own people and stays off the log; `location` is where it sits."""

    participant: str
    label: str
    roles: tuple[AgentRole, ...]
    location: str
    secure_environment: bool
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Agent:
    """An enrolled agent as its own participant sees it."""

    id: str
    participant: str
    label: str
    roles: tuple[str, ...]
    location: str
    secure_environment: bool
    thumbprint: str
    state: str
    enrolled_at: int


def enrol(tx: Tx, enrolment: Enrolment, deed: Deed) -> Outcome:
    """Enrol an agent under a new random handle; the value is the Agent.

    Raises:
        AlreadyAdmitted: the key belongs to an agent or signs contracts already.
        Malformed: a role that this participant cannot give.
    """
    agent = handle()
    with tx.session() as session:
        owner = participants.participant(session, enrolment.participant)
        if owner is None:
            raise NotFound
        if AgentRole.OPERATOR in enrolment.roles and owner.facts.kind is not Kind.OPERATOR:
            raise Malformed("The role operator exists only inside the operator's own participant.")
        if not owner.facts.vouches_for(enrolment.location, secure_environment=enrolment.secure_environment):
            raise Malformed(
                "The operator vouches for no such site of this participant. Agents sit in its own country, or at the"
                " sites it was admitted with; a secure environment is always one of these."
            )
        if is_agents(session, enrolment.key.thumbprint):
            raise AlreadyAdmitted("This key belongs to an agent already. Make one key for each agent.")
        if participants.signs_contracts(session, enrolment.key.thumbprint):
            raise AlreadyAdmitted("This is a contract key. An agent needs a key of its own.")
        row = AgentRow(
            id=agent,
            participant=owner.id,
            label=enrolment.label,
            roles=[role.value for role in dict.fromkeys(enrolment.roles)],
            jwk=dict(enrolment.key.jwk),
            thumbprint=enrolment.key.thumbprint,
            location=enrolment.location,
            secure_environment=enrolment.secure_environment,
            state="active",
            enrolled_at=int(deed.at),
        )
        session.add(row)
        session.flush()
        enrolled = _agent(row)
    event = deed.event(
        "agent.enrolled",
        objects=(Object("agent", agent), Object("participant", owner.id)),
        facts={
            "roles": ",".join(enrolled.roles),
            "location": enrolled.location,
            "thumbprint": f"sha-256:{enrolled.thumbprint}",
        },
    )
    return Outcome((Record(event, (owner.id, deed.actor.org_id)),), enrolled)


def admit(tx: Tx, admission: Admission, first: Enrolment, deed: Deed) -> Outcome:
    """Admit an organisation with its first agent; the value is both, as they are now.

    Raises:
        AlreadyAdmitted: one of them, or a key of theirs, is known. Malformed: the facts contradict each other.
    """
    with tx.session() as session:
        if is_agents(session, admission.key.thumbprint):
            raise AlreadyAdmitted("This is an agent's key. A participant needs a contract key of its own.")
    admitted = onboarding.admit(tx, admission, deed)
    enrolled = enrol(tx, first, deed)
    return Outcome((*admitted.records, *enrolled.records), (admitted.value, enrolled.value))


def bring_key(tx: Tx, data: bytes, gateway: str, deed: Deed) -> Outcome:
    """A participant brings a contract key (`contract_keys.bring`), which may be no agent's.

    Raises:
        AlreadyAdmitted: it is an agent's, or somebody's contract key already.
    """
    brought = contract_keys.bring(tx, data, gateway, deed)
    sql = "SELECT 1 FROM agent JOIN participant_key ON agent.thumbprint = participant_key.thumbprint WHERE kid = ?"
    if brought.value is not None and tx.execute(sql, (brought.value,)).fetchone() is not None:
        raise AlreadyAdmitted("This is an agent's key. A participant needs a contract key of its own.")
    return brought


def is_agents(session: Session, thumbprint: str) -> bool:
    """Whether some agent, of whatever participant, proves itself by this key."""
    return session.exec(select(AgentRow).where(AgentRow.thumbprint == thumbprint)).first() is not None


def suspend(tx: Tx, agent: str, participant: str, deed: Deed) -> Outcome:
    """Shut an agent of this participant out at once."""
    return _move(tx, agent, participant, deed, "active", "suspended", "agent.suspended")


def reinstate(tx: Tx, agent: str, participant: str, deed: Deed) -> Outcome:
    return _move(tx, agent, participant, deed, "suspended", "active", "agent.reinstated")


def erase(tx: Tx, agent: str, participant: str, deed: Deed) -> Outcome:
    """Forget whom a suspended agent's handle stands for. The log keeps the handle, which says nothing any more."""
    row = tx.execute("SELECT state FROM agent WHERE id = ? AND participant = ?", (agent, participant)).fetchone()
    if row is None:
        raise NotFound
    if row[0] != "suspended":
        raise WrongState("The agent is in use. Suspend it first; whom its handle stands for is then erased for good.")
    tx.execute("UPDATE agent SET label = '', state = 'erased' WHERE id = ?", (agent,))
    tx.execute("DELETE FROM outside_identity WHERE agent = ?", (agent,))
    event = deed.event("record.erased", objects=(Object("agent", agent),), facts={"kind": "agent-label"})
    return Outcome((Record(event, (participant, deed.actor.org_id)),))


def _move(tx: Tx, agent: str, participant: str, deed: Deed, source: str, target: str, event: str) -> Outcome:
    if agent == deed.actor.user_id:
        raise WrongState("An agent cannot suspend itself; ask another administrator.")
    sql = "UPDATE agent SET state = ? WHERE id = ? AND participant = ? AND state = ?"
    if tx.execute(sql, (target, agent, participant, source)).rowcount != 1:
        known = tx.execute("SELECT state FROM agent WHERE id = ? AND participant = ?", (agent, participant)).fetchone()
        if known is None:
            raise NotFound
        raise WrongState(f"The agent is {known[0]}, not {source}.")
    state.bump_epoch(tx)
    record = Record(deed.event(event, objects=(Object("agent", agent),)), (participant, deed.actor.org_id))
    return Outcome((record,))


def agents_of(session: Session, participant: str) -> list[Agent]:
    """A participant's agents, oldest first."""
    query = select(AgentRow).where(AgentRow.participant == participant)
    rows = session.exec(query.order_by(col(AgentRow.enrolled_at), col(AgentRow.id)))
    return [_agent(row) for row in rows]


def key_of(session: Session, agent: str) -> PublicKey | None:
    """The key an enrolled agent proves itself by; None for a handle nobody has."""
    row = session.get(AgentRow, agent)
    return None if row is None else screen(row.jwk, purpose="agent")


def member_key(session: Session, agent: str, participant: str) -> PublicKey | None:
    """The key of an agent of this participant, active or not; None for anybody else's."""
    row = session.get(AgentRow, agent)
    return None if row is None or row.participant != participant else screen(row.jwk, purpose="agent")


def caller(
    session: Session, agent: str, *, token_id: str = "", expires_at: int = 0, auth_method: str = "private_key_jwt"
) -> Caller | None:
    """The agent with enrolment's facts as of now; None when it, or its participant, is not active."""
    row = session.get(AgentRow, agent)
    if row is None or row.state != "active":
        return None
    owner = participants.participant(session, row.participant)
    if owner is None or not owner.active:
        return None
    roles = frozenset(AgentRole(role) for role in row.roles)
    return Caller(agent, owner, roles, row.location, row.secure_environment, token_id, expires_at, auth_method)


def actor(caller: Caller, issuer: str) -> Actor:
    """The caller as the log shows it: a handle, roles and an organisation."""
    facts = caller.participant.facts
    foreign = facts.overseas_entity or facts.foreign_control or facts.foreign_equity_pct >= 50
    return _actor(
        caller.agent,
        caller.participant.id,
        facts.kind.value,
        caller.roles,
        issuer,
        foreign,
        caller.token_id or None,
        caller.auth_method,
    )


@lru_cache(maxsize=1024)  # one for each token in use
def _actor(
    agent: str,
    org: str,
    kind: str,
    roles: frozenset[AgentRole],
    issuer: str,
    foreign: bool,
    token: str | None,
    method: str,
) -> Actor:
    return Actor(
        user_id=agent,
        org_id=org,
        org_kind=kind,
        roles=tuple(sorted(role.value for role in roles)),
        issuer=issuer,
        foreign_party=foreign,
        token_jti=token,
        auth_method=method,
    )


def use_assertion(tx: Tx, assertion: Assertion, deed: Deed) -> Outcome:
    """Take an assertion's single use and record the login.

    Raises:
        AssertionRefused: it was used before, in any process.
    """
    now = int(deed.at)
    tx.execute("DELETE FROM assertion WHERE expires_at < ?", (now,))
    taken = tx.execute(
        "INSERT INTO assertion (agent, jti, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (assertion.agent, assertion.jti, assertion.expires_at),
    )
    if taken.rowcount != 1:
        raise AssertionRefused("This assertion was used before. Sign a new one, with a new `jti`.")
    event = deed.event("auth.login", objects=(Object("agent", assertion.agent),))
    return Outcome((Record(event, (deed.actor.org_id,)),))


def _agent(row: AgentRow) -> Agent:
    return Agent(
        id=row.id,
        participant=row.participant,
        label=row.label,
        roles=tuple(row.roles),
        location=row.location,
        secure_environment=row.secure_environment,
        thumbprint=row.thumbprint,
        state=row.state,
        enrolled_at=row.enrolled_at,
    )
