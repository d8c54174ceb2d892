"""Data for people: found, described, and what one may do with it; for its provider, who uses it and how much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from gateway.access import publish
from gateway.catalog import store
from gateway.catalog.store import Search
from gateway.contracts import lifecycle
from gateway.contracts import store as contracts
from gateway.contracts.states import State
from gateway.contracts.store import Contract, offered_purposes
from gateway.identity.caller import AgentRole
from gateway.problems import NotFound
from gateway.terms.purposes import PURPOSES
from gateway.ui.visit import PageRoute, Posted, Signed

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE: Final = 20
FACETED: Final = 200
"""Of so many of the newest finds the categories and providers are counted."""
MAY_ACCEPT: Final = (AgentRole.RESEARCHER, AgentRole.ADMIN)

DatasetId = Annotated[str, Path(max_length=100)]
Text = Annotated[str, Query(max_length=200)]


@router.get("/datasets")
def find(
    visit: Signed,
    text: Text = "",
    purpose: Annotated[str, Query(pattern=r"^(P[0-9]{2})?$")] = "",
    category: Annotated[str, Query(max_length=300)] = "",
    provider: Annotated[str, Query(max_length=255)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """What this visitor may find, newest first; the search lives in the address."""
    caller = visit.acting.caller
    given = {"text": text, "purpose": purpose, "category": category, "provider": provider}
    kept = {name: value for name, value in given.items() if value}
    wanted = {name: value or None for name, value in given.items()}
    with visit.gateway.db.reading() as session:
        now = visit.gateway.clock()
        offered = offered_purposes(session, caller.participant.id, now) if purpose else {}
        page = list(
            store.find(session, caller.participant, Search(**wanted, after=after or None, limit=PAGE + 1), offered)
        )
        around = list(store.find(session, caller.participant, Search(text=text or None, limit=FACETED), {}))
    categories = Counter(name for one in around for name in one.registration.metadata.health_category)
    more = page[PAGE - 1].id if len(page) > PAGE else None
    return visit.page(
        "datasets.html",
        found=page[:PAGE],
        given=given,
        searched=bool(kept) or bool(after),
        categories=categories.most_common(12),
        providers=Counter(one.provider for one in around).most_common(12),
        purposes=[one for one in PURPOSES.values() if one.grantable],
        facet=lambda name, value: "/datasets?" + urlencode({**kept, name: value}),
        older=None if more is None else "/datasets?" + urlencode({**kept, "after": more}),
        newest="/datasets?" + urlencode(kept) if after else None,
    )


@router.get("/datasets/{dataset}")
def show(dataset: DatasetId, visit: Signed) -> Response:
    """What it holds, under which terms it may be had, and what we have already agreed on."""
    caller, now = visit.acting.caller, visit.gateway.clock()
    own = caller.participant.id
    with visit.gateway.db.reading() as session:
        found = store.dataset_seen_by(session, caller.participant, dataset)
        if found is None:
            raise NotFound
        offers = [
            offer
            for offer in contracts.offers_seen_by(session, own, dataset=dataset)
            if offer.state == "open" and offer.terms.valid_to > now
        ]
        agreed = contracts.contracts_on(session, own, dataset)
    return visit.page(
        "dataset.html",
        dataset=found,
        registration=found.registration,
        governance=found.registration.governance,
        offers=offers,
        contracts=[(one, one.state_at(now)) for one in agreed],
        ours=found.provider == own,
        may_accept=found.provider != own and not caller.roles.isdisjoint(MAY_ACCEPT),
        may_provide=found.provider == own and AgentRole.PROVIDER in caller.roles,
        used=_used(agreed, now),
    )


@router.post("/datasets/{dataset}/accept/{offer}")
def accept(dataset: DatasetId, offer: DatasetId, visit: Posted) -> Response:
    """Accept an offer: the gateway drafts the contract, and both sign it."""
    acting = visit.acting
    acting.caller.need(*MAY_ACCEPT)
    participant = acting.caller.participant
    with visit.gateway.db.reading() as session:
        found = contracts.offer_by_id(session, offer)
        open_to_us = found is not None and found.dataset == dataset and found.consumer in (None, participant.id)
        data = store.dataset_seen_by(session, participant, dataset) if open_to_us else None
    if data is None:
        raise NotFound
    deed, house = acting.deed(), visit.gateway.contract_house
    made = acting.record(lambda tx: lifecycle.accept(tx, offer, data, participant.id, house, deed)).value
    return visit.go(f"/contracts/{made}")


@router.post("/datasets/{dataset}/offers/{offer}/withdraw")
def withdraw_offer(dataset: DatasetId, offer: DatasetId, visit: Posted) -> Response:
    """Nobody accepts it any more; what was agreed stays."""
    acting = visit.acting
    acting.caller.need(AgentRole.PROVIDER)
    deed = acting.deed()
    acting.record(lambda tx: lifecycle.withdraw_offer(tx, offer, acting.caller.participant.id, deed))
    return visit.go(f"/datasets/{dataset}")


@router.get("/datasets/{dataset}/withdraw")
def ask_to_withdraw(dataset: DatasetId, visit: Signed) -> Response:
    """What withdrawing would stop, before anybody does it."""
    caller, now = visit.acting.caller, visit.gateway.clock()
    caller.need(AgentRole.PROVIDER)
    with visit.gateway.db.reading() as session:
        found = store.dataset_seen_by(session, caller.participant, dataset)
        if found is None or found.provider != caller.participant.id:
            raise NotFound
        agreed = contracts.contracts_on(session, caller.participant.id, dataset)
    stopped = [one for one in agreed if one.state_at(now) is State.FINALIZED]
    return visit.page("dataset_withdraw.html", dataset=found, stopped=stopped)


@router.post("/datasets/{dataset}/withdraw")
def withdraw(dataset: DatasetId, visit: Posted) -> Response:
    """Out at once: nothing more is granted on it."""
    acting = visit.acting
    acting.caller.need(AgentRole.PROVIDER)
    deed = acting.deed()
    acting.record(lambda tx: publish.withdraw(tx, dataset, acting.caller.participant.id, deed))
    return visit.go(f"/datasets/{dataset}")


@dataclass(slots=True)
class Use:
    """What a consumer has of a dataset, and has taken: under all of its contracts."""

    consumer: str
    in_force: int = 0
    uses: int = 0
    rows: int = 0


def _used(agreed: list[Contract], now: float) -> list[Use]:
    totals: dict[str, Use] = {}
    for one in agreed:
        use = totals.setdefault(one.consumer, Use(one.consumer))
        use.in_force += one.state_at(now) is State.FINALIZED
        use.uses += one.usage.uses
        use.rows += one.usage.rows
    return sorted(totals.values(), key=lambda use: -use.uses)
