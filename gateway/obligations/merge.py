"""Joining what a contract and a policy demand: the strictest wins, nothing is loosened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from gateway.obligations.model import (
    CapPersons,
    CapRows,
    CountExport,
    DeleteAtEnd,
    Drop,
    FilterRows,
    Generalise,
    KeepRecord,
    NoPublicationBefore,
    Obligation,
    Pseudonymise,
    PublishBy,
    PublishResults,
    ReturnDerivedData,
    RoundCounts,
    SuppressSmallCells,
    document,
)

Mask = Drop | Pseudonymise | Generalise


def merge(*demands: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """One list that discharges every list given, in canonical order.

    Per column drop > pseudonymise > generalise, the wider band, year over month, the lower top; the highest threshold,
    the coarsest rounding; the lowest caps; the longest record; all filters; every promise, with the latest day and the
    fewest months. Merging a list with itself, or in another order, gives the same.
    """
    everything = [obligation for demand in demands for obligation in demand]
    merged: dict[str, Obligation] = {}
    for obligation in (*_masks(everything), *_rest(everything)):
        merged[_canonical(obligation)] = obligation
    return tuple(merged[key] for key in sorted(merged))


def _canonical(obligation: Obligation) -> str:
    return json.dumps(document(obligation), sort_keys=True, ensure_ascii=False)


def _masks(everything: Sequence[Obligation]) -> list[Mask]:
    by_column: dict[str, list[Mask]] = {}
    for obligation in everything:
        if isinstance(obligation, Drop | Pseudonymise | Generalise):
            by_column.setdefault(obligation.column, []).append(obligation)
    return [_strictest(column, masks) for column, masks in by_column.items()]


def _strictest(column: str, masks: list[Mask]) -> Mask:
    if any(isinstance(mask, Drop) for mask in masks):
        return Drop(column=column)
    if any(isinstance(mask, Pseudonymise) for mask in masks):
        return Pseudonymise(column=column)
    widths = [mask.width for mask in masks if isinstance(mask, Generalise) and mask.width is not None]
    tops = [mask.top for mask in masks if isinstance(mask, Generalise) and mask.top is not None]
    methods = {mask.method for mask in masks if isinstance(mask, Generalise)}
    if methods == {"band"}:
        return Generalise(column=column, method="band", width=max(widths), top=min(tops, default=None))
    if "band" in methods:
        # A band and a month of one column: whatever its type, one of them cannot be discharged. Nothing is released.
        return Drop(column=column)
    return Generalise(column=column, method="year" if "year" in methods else "month")


def _rest(everything: Sequence[Obligation]) -> list[Obligation]:
    rest: list[Obligation] = [o for o in everything if isinstance(o, FilterRows)]
    if rows := [o.rows for o in everything if isinstance(o, CapRows)]:
        rest.append(CapRows(rows=min(rows)))
    if persons := [o.persons for o in everything if isinstance(o, CapPersons)]:
        rest.append(CapPersons(persons=min(persons)))
    if years := [o.years for o in everything if isinstance(o, KeepRecord)]:
        rest.append(KeepRecord(years=max(years)))
    if exports := [o for o in everything if isinstance(o, CountExport)]:
        rest.append(CountExport(sensitive=any(o.sensitive for o in exports)))
    if cells := [o for o in everything if isinstance(o, SuppressSmallCells)]:
        rest.append(
            SuppressSmallCells(
                threshold=max(o.threshold for o in cells), complementary=any(o.complementary for o in cells)
            )
        )
    if bases := [o.base for o in everything if isinstance(o, RoundCounts)]:
        rest.append(RoundCounts(base=max(bases)))
    return [*rest, *_promises(everything)]


def _promises(everything: Sequence[Obligation]) -> list[Obligation]:
    promises: list[Obligation] = [o for o in everything if isinstance(o, PublishResults | ReturnDerivedData)]
    # Days of ISO 8601 sort as they come.
    if days := [o.date for o in everything if isinstance(o, NoPublicationBefore)]:
        promises.append(NoPublicationBefore(date=max(days)))
    if months := [o.months for o in everything if isinstance(o, DeleteAtEnd)]:
        promises.append(DeleteAtEnd(months=min(months)))
    if months := [o.months for o in everything if isinstance(o, PublishBy)]:
        promises.append(PublishBy(months=min(months)))
    return promises
