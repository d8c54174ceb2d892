"""Datasets: register, find, describe, withdraw."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from gateway.access import publish
from gateway.access.content import content_key
from gateway.api import examples
from gateway.api.deps import Actor, AuthenticatedCaller, Gateway
from gateway.api.wire import StrictRoute
from gateway.catalog import dcat, store
from gateway.catalog.registration import Registration
from gateway.catalog.store import Dataset, Search
from gateway.contracts.store import offered_purposes
from gateway.identity.caller import AgentRole, Caller
from gateway.participants.store import participant
from gateway.problems import NotFound

router = APIRouter(route_class=StrictRoute, tags=["catalog"])

DatasetId = Annotated[str, Path(max_length=100, examples=["urn:uuid:019a0000-0000-7000-8000-000000000001"])]


class ColumnView(BaseModel):
    name: str
    type: str
    role: str
    description: str


class DatasetView(BaseModel):
    """A dataset as whoever may find it sees it; what is of its source only for its provider."""

    id: str
    provider: str
    state: str
    title: str
    description: str
    keywords: list[str]
    health_category: list[str]
    licence: str
    columns: list[ColumnView]
    person_column: str | None
    rows: int
    persons: int
    classification: str
    identifiability: str
    duo: list[str]
    governance_version: str
    registered_at: int
    content_digest: str | None = Field(default=None, description="of the source's bytes when it was registered")
    content_key: str | None = Field(
        default=None, description="names the content that a delivery read: HMAC-SHA-256 of `sha256:` and its digest"
    )
    registration: dict[str, Any] | None = Field(default=None)

    @classmethod
    def of(cls, dataset: Dataset, caller: Caller, root: bytes) -> DatasetView:
        registration, own = dataset.registration, caller.participant.id == dataset.provider
        metadata, governance = registration.metadata, registration.governance
        level = governance.classification
        return cls(
            id=dataset.id,
            provider=dataset.provider,
            state=dataset.state,
            title=metadata.title,
            description=metadata.description,
            keywords=list(metadata.keyword),
            health_category=list(metadata.health_category),
            licence=metadata.licence,
            columns=[
                ColumnView(name=c.name, type=c.type, role=c.role, description=c.description)
                for c in registration.columns
            ],
            person_column=registration.person_column,
            rows=dataset.rows,
            persons=governance.persons,
            classification=f"{level.scheme}:{level.level}",
            identifiability=governance.identifiability,
            duo=[code.id for code in governance.duo],
            governance_version=dataset.governance_version,
            registered_at=dataset.registered_at,
            content_digest=dataset.content_digest if own else None,
            content_key=content_key(root, dataset.id).hex() if own else None,
            registration=registration.model_dump(mode="json") if own else None,
        )


@router.post("/datasets", status_code=201, summary="Register a dataset, a view of a source (provider)")
def register(
    body: Annotated[Registration, Body(examples=[examples.REGISTRATION])], actor: Actor, gateway: Gateway
) -> DatasetView:
    """The declaration is compared with the source: columns, types, every cell of a CSV."""
    actor.caller.need(AgentRole.PROVIDER)
    deed = actor.deed()
    dataset = publish.examine(body, actor.caller.participant.id, gateway.open_source, int(deed.at))
    actor.record(lambda tx: publish.publish(tx, dataset, deed))
    return DatasetView.of(dataset, actor.caller, gateway.home.pseudonym_root)


@router.get("/datasets", summary="Find datasets")
def find(
    caller: AuthenticatedCaller,
    gateway: Gateway,
    text: Annotated[str | None, Query(max_length=200, description="every word must occur")] = None,
    purpose: Annotated[str | None, Query(pattern=r"^P[0-9]{2}$", description="offered for this purpose")] = None,
    category: Annotated[str | None, Query(max_length=300, description="health category")] = None,
    provider: Annotated[str | None, Query(max_length=255)] = None,
    after: Annotated[str | None, Query(max_length=100, description="id of the last one seen")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[DatasetView]:
    search = Search(text, purpose, category, provider, after, limit)
    with gateway.db.reading() as session:
        offered = {} if purpose is None else offered_purposes(session, caller.participant.id, gateway.clock())
        found = list(store.find(session, caller.participant, search, offered))
    return [DatasetView.of(dataset, caller, gateway.home.pseudonym_root) for dataset in found]


@router.get("/datasets/{dataset}", summary="One dataset")
def get(dataset: DatasetId, caller: AuthenticatedCaller, gateway: Gateway) -> DatasetView:
    return DatasetView.of(_seen(gateway, caller, dataset), caller, gateway.home.pseudonym_root)


@router.get(
    "/datasets/{dataset}/dcat",
    summary="The dataset in DCAT 3 with HealthDCAT-AP, as JSON-LD",
    response_class=Response,
    responses={200: {"content": {"application/ld+json": {"schema": {"type": "object"}}}}},
)
def get_dcat(dataset: DatasetId, caller: AuthenticatedCaller, gateway: Gateway) -> JSONResponse:
    found = _seen(gateway, caller, dataset)
    with gateway.db.reading() as session:
        publisher = participant(session, found.provider)
    name = publisher.name if publisher is not None else found.provider
    document = dcat.as_json_ld(found, publisher=name, base=gateway.home.public_url)
    return JSONResponse(document, media_type="application/ld+json")


@router.post("/datasets/{dataset}/withdraw", status_code=204, summary="Take a dataset out at once (its provider)")
def withdraw(dataset: DatasetId, actor: Actor) -> None:
    actor.caller.need(AgentRole.PROVIDER)
    deed = actor.deed()
    actor.record(lambda tx: publish.withdraw(tx, dataset, actor.caller.participant.id, deed))


def _seen(gateway: Gateway, caller: Caller, dataset: str) -> Dataset:
    with gateway.db.reading() as session:
        found = store.dataset_seen_by(session, caller.participant, dataset)
    if found is None:
        raise NotFound
    return found
