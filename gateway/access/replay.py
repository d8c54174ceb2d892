"""Deciding again: what was decided, under the rules that decided it, or under rules that may decide one day.

Inputs are kept beside the log, each bound to its entry by a salted digest. Rules run in a child process of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.access.explain import NotReplayable
from gateway.access.grants import shown
from gateway.audit.commit import salted_digest
from gateway.audit.reader import Filter, conditions
from gateway.db import Database, Tx
from gateway.policy.decision import Decision
from gateway.policy.store import kept_bundle
from gateway.policy.trial import Trial

PAGE = 512
MAX_LISTED = 1000
"""Of the decisions that differ, so many are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A recorded decision with what it was made on."""

    index: int
    entry: str
    record: dict[str, Any]
    document: bytes
    intact: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that comes out otherwise: `before` and `after` are results; codes that went and that came."""

    index: int
    entry: str
    ts: str
    consumer: str
    dataset: str | None
    before: str
    after: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


@dataclass
class Report:
    """What deciding again came to. `changed_input`: kept inputs that are not those that were decided on."""

    decided: int = 0
    identical: int = 0
    unanswered: int = 0
    changed_input: int = 0
    bundles: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    different: int = 0
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_rule: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_consumer: Counter[str] = field(default_factory=Counter)
    by_dataset: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many decisions there are to make again."""
        return sum(self.bundles.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "decided": self.decided,
            "identical": self.identical,
            "different": self.different,
            "unanswered": self.unanswered,
            "changed_input": self.changed_input,
            "bundles": self.bundles,
            "results": [{"before": b, "after": a, "count": n} for (b, a), n in sorted(self.results.items())],
            "by_rule": [{"code": c, "change": w, "count": n} for (c, w), n in sorted(self.by_rule.items())],
            "by_consumer": dict(sorted(self.by_consumer.items())),
            "by_dataset": dict(sorted(self.by_dataset.items())),
            "differences": [{name: getattr(each, name) for name in Difference.__slots__} for each in self.differences],
        }


def replay(db: Database, filter: Filter, *, seen_by: str | None) -> Iterator[Report]:
    """Make recorded decisions again under the bundles that made them; the report, again and again as it grows.

    `identical`: everything the entry shows of the decision came out the same, byte for byte.

    Raises:
        NotReplayable: a bundle that decided is not kept.
    """
    report = Report()
    with db.reading_tx() as tx:
        report.bundles = _by_bundle(tx, filter, seen_by)
        yield report
        for digest in report.bundles:
            bundle = kept_bundle(tx, digest, floor=False)
            if bundle is None:
                raise NotReplayable(f"The bundle {digest} is not kept here; its decisions cannot be made again.")
            with Trial(bundle.files, bundle.packs, floor=False) as trial:
                for _ in _again(tx, trial, filter, seen_by, digest, report, exact=True):
                    yield report


def what_if(db: Database, trial: Trial, filter: Filter, *, seen_by: str | None) -> Iterator[Report]:
    """Decide recorded requests under a candidate bundle; the report, as it grows. Nobody is refused by it."""
    report = Report()
    with db.reading_tx() as tx:
        report.bundles = _by_bundle(tx, filter, seen_by)
        yield report
        for _ in _again(tx, trial, filter, seen_by, None, report, exact=False):
            yield report


def _again(
    tx: Tx,
    trial: Trial,
    filter: Filter,
    seen_by: str | None,
    digest: str | None,
    report: Report,
    *,
    exact: bool,
) -> Iterator[None]:
    for page in _pages(tx, filter, seen_by, digest):
        for kept, decision in zip(page, trial.decide([each.document for each in page]), strict=True):
            report.decided += 1
            report.changed_input += not kept.intact
            if decision is None:
                report.unanswered += 1
            elif not _same(kept.record, decision, exact=exact):
                _note(report, kept, decision)
            elif kept.intact:
                report.identical += 1
        yield


def _same(record: dict[str, Any], decision: Decision, *, exact: bool) -> bool:
    """`exact`: everything the entry shows of the decision; otherwise everything but which bundle it was."""
    now, reason = shown(decision)
    then = {name: value for name, value in record["decision"].items() if name != "input_digest"}
    if not exact:
        now, then = {**now, "policy_bundle": None}, {**then, "policy_bundle": None}
    return now == then and (not exact or reason == record["event"]["reason"])


def _note(report: Report, kept: Kept, decision: Decision) -> None:
    record = kept.record
    before = set(record["decision"]["rules"])
    after = {reason.code for reason in decision.reasons}
    dataset = next((each["id"] for each in record["objects"] if each["kind"] == "dataset"), None)
    gone, new = tuple(sorted(before - after)), tuple(sorted(after - before))
    report.different += 1
    report.results[record["decision"]["result"], decision.result] += 1
    report.by_rule.update({(code, "gone"): 1 for code in gone} | {(code, "new"): 1 for code in new})
    report.by_consumer[record["actor"]["org_id"]] += 1
    report.by_dataset[dataset or "-"] += 1
    if len(report.differences) < MAX_LISTED:
        consumer, result = record["actor"]["org_id"], record["decision"]["result"]
        found = (kept.index, kept.entry, record["ts"], consumer, dataset, result, decision.result, gone, new)
        report.differences.append(Difference(*found))


def _by_bundle(tx: Tx, filter: Filter, seen_by: str | None) -> dict[str, int]:
    """How many decisions each bundle made, in the order of their first."""
    found: dict[str, int] = {}
    for page in _pages(tx, filter, seen_by, None, documents=False):
        for kept in page:
            digest = kept.record["decision"]["policy_bundle"]
            found[digest] = found.get(digest, 0) + 1
    return found


def _pages(
    tx: Tx, filter: Filter, seen_by: str | None, digest: str | None, *, documents: bool = True
) -> Iterator[list[Kept]]:
    """Recorded decisions whose inputs are kept, oldest first; `digest`: those of this bundle only."""
    where, values = conditions(filter, seen_by)
    join = " JOIN log_party p ON p.idx = e.idx AND p.participant = ?" if seen_by is not None else ""
    column = "i.document" if documents else "''"
    sql = (
        f"SELECT e.idx, e.id, e.body, i.salt, {column} FROM log_entry e JOIN decision_input i ON i.entry = e.id{join}"
        f" WHERE {' AND '.join([*where, 'e.type = ?', 'e.idx > ?'])} ORDER BY e.idx LIMIT ?"
    )
    after = -1
    while rows := tx.execute(sql, (*values, "access.decision", after, PAGE)).fetchall():
        after = rows[-1][0]
        page = [_kept(row, documents) for row in rows]
        yield [kept for kept in page if digest in (None, kept.record["decision"]["policy_bundle"])]


def _kept(row: Any, documents: bool) -> Kept:
    index, entry, body, salt, document = row
    record = orjson.loads(bytes(body))
    if not documents:
        return Kept(index, entry, record, b"", intact=True)
    data = bytes(document)
    return Kept(index, entry, record, data, salted_digest(bytes(salt), data) == record["decision"]["input_digest"])
