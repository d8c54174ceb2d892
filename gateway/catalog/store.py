"""Datasets as a caller may know of them. A hidden dataset and one that never was look the same from here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from gateway.catalog.registration import Registration
from gateway.catalog.tables import DatasetRow
from gateway.db import Tx
from gateway.participants.model import Participant


@dataclass(frozen=True, slots=True)
class Dataset:
    """A registered dataset. `registration` is the provider's own word; the rest was established by the gateway."""

    id: str
    provider: str
    state: str
    registration: Registration
    governance_version: str
    content_digest: str
    rows: int
    registered_at: int

    def findable_by(self, participant: Participant) -> bool:
        """Its provider always knows it; others while it is published and they are admitted by its visibility."""
        if participant.id == self.provider:
            return True
        return self.state == "published" and self.registration.visibility.admits(participant.id, participant.facts.kind)


@dataclass(frozen=True, slots=True)
class Search:
    """What a researcher looks for; every part that is given must fit."""

    text: str | None = None
    purpose: str | None = None
    category: str | None = None
    provider: str | None = None
    after: str | None = None
    limit: int = 50


def dataset_by_id(session: Session, dataset_id: str) -> Dataset | None:
    """The dataset whoever asks; for the gateway's own decisions, never for an answer."""
    row = session.get(DatasetRow, dataset_id)
    return None if row is None else _dataset(row)


def dataset_seen_by(session: Session, participant: Participant, dataset_id: str) -> Dataset | None:
    """The dataset, if this participant may find it."""
    dataset = dataset_by_id(session, dataset_id)
    return dataset if dataset is not None and dataset.findable_by(participant) else None


def find(session: Session, participant: Participant, search: Search, offered: dict[str, set[str]]) -> Iterator[Dataset]:
    """Datasets the participant may find, newest first, at most `search.limit`.

    `offered`: purposes in open offers by dataset id, for searches by purpose. Ids are time-ordered, so `after` is the
    id of the last one seen.
    """
    query = select(DatasetRow).order_by(col(DatasetRow.id).desc())
    if search.provider is not None:
        query = query.where(DatasetRow.provider == search.provider)
    for word in (search.text or "").casefold().split():
        query = query.where(col(DatasetRow.search).contains(word, autoescape=True))
    if search.after is not None:
        query = query.where(DatasetRow.id < search.after)
    found = 0
    # Closed at the limit too: PostgreSQL keeps a cursor open for what was not fetched.
    with closing(session.exec(query.execution_options(yield_per=100))) as rows:
        for row in rows:
            dataset = _dataset(row)
            if not dataset.findable_by(participant) or not _fits(dataset, search, offered):
                continue
            yield dataset
            found += 1
            if found == search.limit:
                return


def insert(tx: Tx, dataset: Dataset) -> None:
    """Keep a newly registered dataset."""
    with tx.session() as session:
        session.add(
            DatasetRow(
                id=dataset.id,
                provider=dataset.provider,
                state=dataset.state,
                title=dataset.registration.metadata.title,
                search=_search_text(dataset.registration),
                governance_version=dataset.governance_version,
                document=dataset.registration.model_dump(mode="json"),
                content_digest=dataset.content_digest,
                rows=dataset.rows,
                registered_at=dataset.registered_at,
            )
        )


def withdraw(tx: Tx, dataset_id: str) -> bool:
    """Take a dataset out of the catalog; False when it was not published."""
    changed = tx.execute("UPDATE dataset SET state = 'withdrawn' WHERE id = ? AND state = 'published'", (dataset_id,))
    return changed.rowcount == 1


def _fits(dataset: Dataset, search: Search, offered: dict[str, set[str]]) -> bool:
    if search.category is not None:
        categories = {c.casefold() for c in dataset.registration.metadata.health_category}
        if search.category.casefold() not in categories:
            return False
    return search.purpose is None or search.purpose in offered.get(dataset.id, set())


def _search_text(registration: Registration) -> str:
    metadata = registration.metadata
    words: list[Any] = [metadata.title, metadata.description, *metadata.keyword, *metadata.health_category]
    words += [c.name for c in registration.columns] + [c.description for c in registration.columns]
    return " ".join(words).casefold()


def _dataset(row: DatasetRow) -> Dataset:
    return Dataset(
        id=row.id,
        provider=row.provider,
        state=row.state,
        registration=Registration.model_validate(row.document),
        governance_version=row.governance_version,
        content_digest=row.content_digest,
        rows=row.rows,
        registered_at=row.registered_at,
    )
