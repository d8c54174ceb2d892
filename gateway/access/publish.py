"""Registering a dataset: what its provider declares is compared with the source before anybody can find it."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import Source, SourceColumn, SourceError
from gateway.access.errors import source_refusal
from gateway.audit import state
from gateway.audit.deed import Deed
from gateway.audit.event import Object
from gateway.audit.log import Outcome, Record
from gateway.catalog import store
from gateway.catalog.model import SourceRef
from gateway.catalog.registration import Registration, check_declaration
from gateway.catalog.store import Dataset
from gateway.db import Tx
from gateway.ids import urn
from gateway.problems import NotFound, WrongState


def examine(
    registration: Registration, provider: str, open_source: Callable[[str, SourceRef], Source], now: int
) -> Dataset:
    """The dataset as it would be published, after comparing the declaration with itself and with the source. Blocks.

    Raises:
        RegistrationRefused: the declaration contradicts itself; every contradiction is named.
        SourceNotAsDeclared: the source does not hold what is declared, or cannot be read.
    """
    check_declaration(registration)
    declared = tuple(SourceColumn(c.name, c.type.value) for c in registration.columns)
    try:
        found = open_source(provider, registration.source).check(declared)
    except SourceError as error:
        raise source_refusal(error) from error
    return Dataset(
        id=urn(),
        provider=provider,
        state="published",
        registration=registration,
        governance_version=registration.governance_version,
        content_digest=found.content_digest,
        rows=found.rows,
        registered_at=now,
    )


def publish(tx: Tx, dataset: Dataset, deed: Deed) -> Outcome:
    """Keep an examined dataset and say so in the log; the value is the dataset."""
    store.insert(tx, dataset)
    level = dataset.registration.governance.classification
    event = deed.event(
        "dataset.registered",
        objects=(
            Object(
                "dataset",
                dataset.id,
                version=dataset.governance_version,
                classification=f"{level.scheme}:{level.level}",
            ),
        ),
        facts={"content_digest": dataset.content_digest, "columns": len(dataset.registration.columns)},
    )
    return Outcome((Record(event, (dataset.provider,)),), dataset)


def withdraw(tx: Tx, dataset_id: str, provider: str, deed: Deed) -> Outcome:
    """Take a dataset of one's own out: no grant on it commits any more, running streams stop."""
    with tx.session() as session:
        dataset = store.dataset_by_id(session, dataset_id)
    if dataset is None or dataset.provider != provider:
        raise NotFound
    if not store.withdraw(tx, dataset_id):
        raise WrongState("The dataset is withdrawn already.")
    state.bump_epoch(tx)
    event = deed.event(
        "dataset.withdrawn", objects=(Object("dataset", dataset_id, version=dataset.governance_version),)
    )
    return Outcome((Record(event, (provider,)),))
