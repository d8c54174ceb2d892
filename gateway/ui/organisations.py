"""Organisations and agents for people: who takes part, who is let in, who is shut out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from gateway.crypto.keys import screen
from gateway.identity import enrolment
from gateway.identity.caller import AgentRole
from gateway.identity.enrolment import Enrolment
from gateway.participants import onboarding, store
from gateway.participants.model import Facts, Kind, Participant, Site
from gateway.participants.onboarding import Admission
from gateway.problems import Malformed, NotFound, Problem, first_complaint
from gateway.ui import forms
from gateway.ui.render import organisation_page
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
MANAGES: Final = (AgentRole.ADMIN, AgentRole.OPERATOR)
FLAGS: Final = tuple(name for name, field in Facts.model_fields.items() if isinstance(field.default, bool))
NUMBERS: Final = ("foreign_equity_pct", "mlps_level", "persons_held")

Did = Annotated[str, Path(max_length=255)]
AgentId = Annotated[str, Path(max_length=64)]


@router.get("/organisations")
def organisations(visit: Signed, after: Annotated[str, Query(max_length=255)] = "") -> Response:
    """Everybody who takes part, by DID."""
    with visit.gateway.db.reading() as session:
        found = store.participants(session, after=after, limit=PAGE + 1)
    shown = found[:PAGE]
    return visit.page(
        "organisations.html",
        organisations=shown,
        older=f"/organisations?{urlencode({'after': shown[-1].id})}" if len(found) > PAGE else None,
        newest="/organisations" if after else None,
    )


@router.get("/organisations/new")
def begin(visit: Signed) -> Response:
    """The form to admit one (operator)."""
    visit.acting.caller.need(AgentRole.OPERATOR)
    return _form(visit, FormData())


@router.post("/organisations/new")
async def admit(visit: Posted) -> Response:
    """Admit it, with the key that signs its contracts and its first agent."""
    return await asyncio.to_thread(_admitted, visit, await visit.request.form())


@router.get("/organisations/{participant}")
def organisation(participant: Did, visit: Signed) -> Response:
    """One of them: its keys for everybody; its facts for itself and the operator."""
    caller = visit.acting.caller
    with visit.gateway.db.reading() as session:
        found = store.participant(session, participant)
        keys = store.keys_of(session, participant)
        waiting = store.waiting(session, participant)
    if found is None:
        raise NotFound
    own, operator = caller.participant.id == participant, AgentRole.OPERATOR in caller.roles
    return visit.page(
        "organisation.html",
        organisation=found,
        keys=keys,
        waiting=waiting if own or operator else [],
        may_approve=operator,
        may_mark=operator or (own and AgentRole.ADMIN in caller.roles),
        may_bring=own and AgentRole.ADMIN in caller.roles,
        facts=found.facts if own or operator else None,
        flags=FLAGS,
        may_establish=operator,
        may_suspend=operator and found.facts.kind is not Kind.OPERATOR,
    )


@router.get("/organisations/{participant}/facts")
def known(participant: Did, visit: Signed) -> Response:
    """The form of what the operator knows of one."""
    return _known(visit, participant)


@router.post("/organisations/{participant}/facts")
async def establish(participant: Did, visit: Posted) -> Response:
    """Put down what is known by now, which bites at once."""
    return await asyncio.to_thread(_established, visit, participant, await visit.request.form())


@router.post("/organisations/{participant}/suspend")
def suspend(participant: Did, visit: Posted) -> Response:
    """Shut it out at once: its agents, its contracts, its data."""
    return _moved(visit, participant, onboarding.suspend)


@router.post("/organisations/{participant}/reinstate")
def reinstate(participant: Did, visit: Posted) -> Response:
    """Let it in again."""
    return _moved(visit, participant, onboarding.reinstate)


@router.get("/agents")
def agents(visit: Signed) -> Response:
    """Our agents, and a form for another."""
    return _agents(visit, FormData())


@router.post("/agents")
async def enrol(visit: Posted) -> Response:
    """Enrol an agent whose private key was made elsewhere and stays there."""
    return await asyncio.to_thread(_enrolled, visit, await visit.request.form())


@router.post("/agents/{agent}/{verb}")
def move(agent: AgentId, verb: Annotated[str, Path(pattern="^(suspend|reinstate|erase)$")], visit: Posted) -> Response:
    """Shut an agent out, let it in again, or forget for good whom its handle stands for."""
    acting = visit.acting
    acting.caller.need(*MANAGES)
    change = {"suspend": enrolment.suspend, "reinstate": enrolment.reinstate, "erase": enrolment.erase}[verb]
    deed = acting.deed()
    acting.record(lambda tx: change(tx, agent, acting.caller.participant.id, deed))
    return visit.go("/agents")


def _form(visit: Visit, given: FormData, problem: Problem | None = None) -> Response:
    return visit.page(
        "organisation_new.html",
        status=200 if problem is None else problem.status,
        given=given,
        fresh="id" not in given,
        kinds=[kind for kind in Kind if kind is not Kind.OPERATOR],
        flags=FLAGS,
        usual=frozenset(name for name in FLAGS if Facts.model_fields[name].default),
        problem=problem,
    )


def _admitted(visit: Visit, given: FormData) -> Response:
    acting = visit.acting
    acting.caller.need(AgentRole.OPERATOR)
    did = forms.text(given, "id")
    try:
        admission = Admission(
            did,
            forms.text(given, "name"),
            _facts(given),
            forms.text(given, "kid") or f"{did}#contract-1",
            screen(forms.public_key(given, "contract_key"), purpose="contract"),
        )
        first, deed = _enrolment(given, did), acting.deed()
        acting.record(lambda tx: enrolment.admit(tx, admission, first, deed))
    except Problem as problem:
        return _form(visit, given, problem)
    return visit.go(organisation_page(did))


def _known(
    visit: Visit, participant: str, given: Mapping[str, Any] | None = None, problem: Problem | None = None
) -> Response:
    visit.acting.caller.need(AgentRole.OPERATOR)
    found = _found(visit, participant)
    return visit.page(
        "organisation_facts.html",
        status=200 if problem is None else problem.status,
        organisation=found,
        given=_as_form(found.facts) if given is None else given,
        kinds=[kind for kind in Kind if (kind is Kind.OPERATOR) == (found.facts.kind is Kind.OPERATOR)],
        flags=FLAGS,
        problem=problem,
    )


def _established(visit: Visit, participant: str, given: FormData) -> Response:
    acting = visit.acting
    acting.caller.need(AgentRole.OPERATOR)
    found = _found(visit, participant)
    try:
        # The form has no place for sites without a secure environment: they stay.
        others = tuple(site for site in found.facts.sites if not site.secure_environment)
        facts, deed = _facts(given, others), acting.deed()
        acting.record(lambda tx: onboarding.establish(tx, participant, facts, deed))
    except Problem as problem:
        return _known(visit, participant, given, problem)
    return visit.go(organisation_page(participant))


def _found(visit: Visit, participant: str) -> Participant:
    with visit.gateway.db.reading() as session:
        found = store.participant(session, participant)
    if found is None:
        raise NotFound
    return found


def _as_form(facts: Facts) -> dict[str, str]:
    """As the form would have sent them."""
    said = {name: "yes" for name in FLAGS if getattr(facts, name)} | {n: str(getattr(facts, n)) for n in NUMBERS}
    secure = ", ".join(site.location for site in facts.sites if site.secure_environment)
    return {**said, "kind": facts.kind.value, "country": facts.country, "secure_sites": secure}


def _facts(given: FormData, sites: tuple[Site, ...] = ()) -> Facts:
    country = forms.text(given, "country").upper()
    document: dict[str, Any] = {name: name in given for name in FLAGS}
    document |= {"kind": forms.text(given, "kind"), "country": country}
    document |= {name: forms.whole(given, name) for name in NUMBERS if forms.text(given, name)}
    secure = forms.listed(given, "secure_sites")
    try:
        made = [Site(location=place, secure_environment=True) for place in secure]
        return Facts.model_validate({**document, "sites": [*sites, *made]})
    except ValidationError as error:
        raise Malformed(first_complaint(error, whole="the facts")) from error


def _enrolment(given: FormData, participant: str) -> Enrolment:
    try:
        roles = tuple(AgentRole(role) for role in forms.values(given, "roles"))
    except ValueError:
        raise Malformed("A role is one of those that the page offers.") from None
    label = forms.text(given, "label")
    if not roles or not 1 <= len(label) <= 200:
        raise Malformed("An agent has a label for your own people, of up to 200 characters, and at least one role.")
    try:
        location = Site(location=forms.text(given, "location")).location
    except ValidationError as error:
        raise Malformed(first_complaint(error, whole="the location")) from error
    key = screen(forms.public_key(given, "key"), purpose="agent")
    return Enrolment(participant, label, roles, location, "secure_environment" in given, key)


def _agents(visit: Visit, given: FormData, problem: Problem | None = None) -> Response:
    caller = visit.acting.caller
    caller.need(*MANAGES, AgentRole.OFFICER)
    with visit.gateway.db.reading() as session:
        found = enrolment.agents_of(session, caller.participant.id)
    own = caller.participant.facts.kind is Kind.OPERATOR
    return visit.page(
        "agents.html",
        status=200 if problem is None else problem.status,
        agents=found,
        given=given,
        may_manage=not caller.roles.isdisjoint(MANAGES),
        offered=[role.value for role in AgentRole if own or role is not AgentRole.OPERATOR],
        problem=problem,
    )


def _enrolled(visit: Visit, given: FormData) -> Response:
    acting = visit.acting
    acting.caller.need(*MANAGES)
    try:
        wanted, deed = _enrolment(given, acting.caller.participant.id), acting.deed()
        acting.record(lambda tx: enrolment.enrol(tx, wanted, deed))
    except Problem as problem:
        return _agents(visit, given, problem)
    return visit.go("/agents")


def _moved(visit: Visit, participant: str, change: Any) -> Response:
    acting = visit.acting
    acting.caller.need(AgentRole.OPERATOR)
    deed = acting.deed()
    acting.record(lambda tx: change(tx, participant, deed))
    return visit.go(organisation_page(participant))
