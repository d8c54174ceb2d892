"""Publishing for people: a look at the source, then what must be said of it; and the terms it is offered under."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from connectors.base import Description, SourceError
from gateway.access import publish
from gateway.access.errors import source_refusal
from gateway.catalog import store
from gateway.catalog.model import ColumnType, Role, SourceRef
from gateway.catalog.naming import looks_identifying
from gateway.catalog.registration import PARAMETERS, Consent, Governance, Registration
from gateway.catalog.store import Dataset
from gateway.contracts import lifecycle
from gateway.identity.caller import AgentRole
from gateway.participants.model import Kind
from gateway.participants.store import participants
from gateway.problems import Malformed, NotFound, Problem, WrongState, first_complaint
from gateway.terms.model import parse_terms
from gateway.terms.profile import Action, DeliveryMode, Prohibition
from gateway.terms.purposes import PURPOSES
from gateway.ui import forms
from gateway.ui.visit import PageRoute, Posted, Signed, Visit

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MAX_COLUMNS: Final = 120
"""A form has so many fields at most (Starlette reads 1000); wider data is registered over REST."""
MAX_LISTED: Final = 200
DAY_S: Final = 24 * 3600
KINDS: Final = {"csv": "CSV", "parquet": "Parquet"}
PUBLISHABLE: Final = frozenset(ColumnType)

DatasetId = Annotated[str, Path(max_length=100)]


@dataclass(frozen=True, slots=True)
class Looked:
    """A column as the source has it, and what is proposed to be said of it: rather too careful than not."""

    n: int
    name: str
    type: str
    role: str
    publishable: bool


@router.get("/datasets/new")
def begin(visit: Signed, path: Annotated[str, Query(max_length=1024)] = "") -> Response:
    """Which file is it? Files beneath the provider's own folder are named."""
    return _begun(visit, path)


@router.post("/datasets/look")
async def look(visit: Posted) -> Response:
    """What the source holds, and the form to say the rest. Nothing is registered by it."""
    given = await visit.request.form()
    return await asyncio.to_thread(_form, visit, given)


@router.post("/datasets/register")
async def register(visit: Posted) -> Response:
    """Register it, once what is declared was compared with the source; what is wrong is said beside the form."""
    return await asyncio.to_thread(_registered, visit, await visit.request.form())


@router.get("/datasets/{dataset}/offer")
def propose(dataset: DatasetId, visit: Signed) -> Response:
    """The form for terms, with what is usual filled in."""
    return _offer_form(visit, _own(visit, dataset), FormData())


@router.post("/datasets/{dataset}/offer")
async def offer(dataset: DatasetId, visit: Posted) -> Response:
    """Offer these terms."""
    return await asyncio.to_thread(_offered, visit, dataset, await visit.request.form())


def _begun(visit: Visit, path: str, problem: Problem | None = None) -> Response:
    caller = visit.acting.caller
    caller.need(AgentRole.PROVIDER)
    return visit.page(
        "dataset_new.html",
        status=200 if problem is None else problem.status,
        files=visit.gateway.source_files(caller.participant.id, most=MAX_LISTED),
        kinds=KINDS,
        chosen=path,
        problem=problem,
    )


def _form(visit: Visit, given: FormData, problem: Problem | None = None) -> Response:
    """What the source holds now, with what was said of it so far."""
    caller = visit.acting.caller
    caller.need(AgentRole.PROVIDER)
    path = forms.text(given, "path")
    try:
        source = _source(given)
        found = visit.gateway.open_source(caller.participant.id, source).describe()
        if len(found.columns) > MAX_COLUMNS:
            raise Malformed(f"The page shows {MAX_COLUMNS} columns at most; register this one by `corridor dataset`.")
    except SourceError as error:
        return _begun(visit, path, source_refusal(error))
    except Problem as refused:
        return _begun(visit, path, refused)
    return visit.page(
        "dataset_register.html",
        status=200 if problem is None else problem.status,
        source=source,
        found=found,
        columns=list(_proposed(found)),
        given=given,
        fresh="title" not in given,
        column_roles=tuple(Role),
        identifiability=get_args(Governance.model_fields["identifiability"].annotation),
        contents=("health", "genetic", "biometric", "imaging", "free_text", "location", "financial", "other"),
        bases=get_args(Consent.model_fields["basis"].annotation),
        codes=_codes(visit),
        kinds=tuple(Kind),
        problem=problem,
        findings=[] if problem is None else problem.members.get("findings", ()),
    )


def _proposed(found: Description) -> Iterator[Looked]:
    for n, column in enumerate(found.columns):
        role = Role.QUASI_IDENTIFIER if _quasi(column.type) else Role.SENSITIVE
        if looks_identifying(column.name):
            role = Role.DIRECT_IDENTIFIER
        yield Looked(n, column.name, column.type, role.value, column.type in PUBLISHABLE)


def _quasi(type: str) -> bool:
    """Dates place a person in time; whatever else looks harmless is for the provider to say."""
    return type in ("date", "datetime")


def _codes(visit: Visit) -> list[tuple[str, str]]:
    """The data use conditions that need no parameter of their own, with what they allow."""
    bundle = visit.gateway.policies.current.bundle
    titles = {rule.name: rule.title for rule in bundle.catalogue}
    data = bundle.data["access"]["rules"]["duo_permission"]["table"]["codes"]
    return [
        (code, f"{entry['short']}: {entry.get('allows') or titles.get(entry.get('decided_by'), '')}")
        for code, entry in data.items()
        if code not in PARAMETERS and len(code) == len("DUO:0000000")
    ]


def _registered(visit: Visit, given: FormData) -> Response:
    acting, gateway = visit.acting, visit.gateway
    acting.caller.need(AgentRole.PROVIDER)
    deed = acting.deed()
    try:
        body = _registration(given)
        dataset = publish.examine(body, acting.caller.participant.id, gateway.open_source, int(deed.at))
        acting.record(lambda tx: publish.publish(tx, dataset, deed))
    except Problem as problem:
        return _form(visit, given, problem)
    return visit.go(f"/datasets/{dataset.id}")


def _registration(given: FormData) -> Registration:
    """The form as a registration.

    Raises:
        Malformed: something in it is not of its form.
    """
    columns = []
    for n in range(MAX_COLUMNS):
        if f"name{n}" not in given or f"keep{n}" not in given:
            continue
        column: dict[str, Any] = {
            name: forms.text(given, f"{name}{n}") for name in ("name", "type", "role", "description")
        }
        columns.append(column | ({"not_identifying": why} if (why := forms.text(given, f"why{n}")) else {}))
    diseases = forms.text(given, "disease_terms").replace(",", " ").split()
    codes = [
        {"id": str(code), "disease_terms": diseases} if code == "DUO:0000007" else {"id": str(code)}
        for code in given.getlist("duo")
    ]
    governance: dict[str, Any] = {
        "origin": forms.listed(given, "origin"),
        "identifiability": forms.text(given, "identifiability"),
        "contains": forms.values(given, "contains"),
        "persons": forms.whole(given, "persons"),
        "under_14": "under_14" in given,
        "classification": {"scheme": "GB/T 39725-2020", "level": forms.whole(given, "level")},
        "source_level": forms.whole(given, "source_level"),
        "deidentification_report": forms.text(given, "deidentification_report") or None,
        "core_data": "core_data" in given,
        "important_data": "important_data" in given,
        "duo": codes,
        "provenance_statement": forms.text(given, "provenance_statement"),
    }
    if basis := forms.text(given, "basis"):
        purposes = forms.values(given, "consented")
        governance["consent"] = {
            "basis": basis,
            "purposes": purposes,
            "separate": "separate" in given,
            "overseas": "overseas" in given,
        }
    if "genetic_resources" in given:
        governance["hgr"] = {"information": True, "persons": forms.whole(given, "persons")}
    everyone = forms.text(given, "who") == "everyone"
    document = {
        "metadata": {
            "title": forms.text(given, "title"),
            "description": forms.text(given, "description"),
            "licence": forms.text(given, "licence"),
            "health_category": forms.listed(given, "health_category"),
            "keyword": forms.listed(given, "keyword"),
        },
        "source": _source(given).model_dump(),
        "columns": columns,
        "person_column": forms.text(given, "person_column") or None,
        "governance": governance,
        "visibility": {
            "everyone": everyone,
            "kinds": [] if everyone else forms.values(given, "kinds"),
            "participants": [] if everyone else forms.listed(given, "named"),
        },
    }
    try:
        return Registration.model_validate(document)
    except ValidationError as error:
        raise Malformed(first_complaint(error, whole="the registration")) from error


def _source(given: FormData) -> SourceRef:
    path = forms.text(given, "path")
    kind = forms.text(given, "kind") or ("parquet" if path.lower().endswith((".parquet", ".pq")) else "csv")
    try:
        return SourceRef.model_validate({"kind": kind, "path": path})
    except ValidationError as error:
        raise Malformed(first_complaint(error, whole="the source")) from error


def _own(visit: Visit, dataset: str) -> Dataset:
    """A dataset of the provider's own.

    Raises:
        NotFound. WrongState: it is withdrawn.
    """
    caller = visit.acting.caller
    caller.need(AgentRole.PROVIDER)
    with visit.gateway.db.reading() as session:
        found = store.dataset_by_id(session, dataset)
    if found is None or found.provider != caller.participant.id:
        raise NotFound
    if found.state != "published":
        raise WrongState("The dataset is withdrawn.")
    return found


def _offer_form(visit: Visit, dataset: Dataset, given: FormData, problem: Problem | None = None) -> Response:
    with visit.gateway.db.reading() as session:
        others = [one for one in participants(session, limit=MAX_LISTED) if one.id != dataset.provider and one.active]
    return visit.page(
        "dataset_offer.html",
        status=200 if problem is None else problem.status,
        dataset=dataset,
        columns=dataset.registration.columns,
        person_column=dataset.registration.person_column,
        others=others,
        actions=get_args(Action),
        modes=get_args(DeliveryMode),
        prohibitions=get_args(Prohibition),
        purposes=[one for one in PURPOSES.values() if one.grantable],
        given=given,
        fresh="days" not in given,
        problem=problem,
    )


def _offered(visit: Visit, dataset: str, given: FormData) -> Response:
    found, acting = _own(visit, dataset), visit.acting
    deed = acting.deed()
    try:
        terms = parse_terms(_terms(given, int(deed.at)))
        consumer = forms.text(given, "consumer") or None
        acting.record(lambda tx: lifecycle.offer(tx, found, terms, consumer, deed))
    except Problem as problem:
        return _offer_form(visit, found, given, problem)
    return visit.go(f"/datasets/{dataset}")


def _terms(given: FormData, now: int) -> dict[str, Any]:
    """The form as terms, yet to be judged.

    Raises:
        Malformed: a number is none.
    """
    columns = forms.values(given, "columns")
    duties: list[dict[str, Any]] = []
    for column in columns:
        does, _, width = forms.text(given, f"does:{column}").partition(":")
        if does in ("drop", "pseudonymise"):
            duties.append({"kind": does, "column": column})
        elif does == "band" and width.isdecimal():
            duties.append({"kind": "generalise", "column": column, "method": "band", "width": int(width)})
        elif does in ("month", "year"):
            duties.append({"kind": "generalise", "column": column, "method": does})
    if forms.text(given, "threshold"):
        duties.append({"kind": "suppress_small_cells", "threshold": forms.whole(given, "threshold")})
    sets = ("actions", "purposes", "delivery_modes", "prohibitions")
    bounds = ("uses", "rows", "persons")
    return {
        **{name: forms.values(given, name) for name in sets},
        **{name: forms.whole(given, name) if forms.text(given, name) else None for name in bounds},
        "columns": columns,
        "processing_locations": forms.listed(given, "processing_locations"),
        "valid_from": now,
        "valid_to": now + forms.whole(given, "days") * DAY_S,
        "duties": duties,
    }
