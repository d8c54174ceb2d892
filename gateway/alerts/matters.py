"""What in the log is a matter somebody asked to be told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.access.exports import totals, year_of
from gateway.alerts.subscriptions import Subscription
from gateway.audit.reader import Filter, Stored, counts
from gateway.db import Tx

TROUBLE: Final = frozenset({"audit.gap", "audit.verify_failed", "audit.export_failed", "audit.stopped"})
HOUR: Final = 13
"""How much of an instant names its hour, UTC."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something to tell, once: `key` is the same for the same matter.

    `news` False: there is nothing to tell, and nothing to ask again.
    """

    kind: str
    key: str
    facts: Mapping[str, Any]
    news: bool = True


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Persons a year from which exports need more, by what kind of data and what is needed from there on."""

    sensitive: Mapping[str, int]
    other: Mapping[str, int]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Thresholds:
        """From the active bundle's table of rules XB-04 and XB-05; empty where it has none."""
        table = data.get("access", {}).get("rules", {}).get("recipient_abroad", {}).get("table", {})
        named = {name: table.get(f"{name}_from", {}) for name in ("mechanism", "assessed")}
        sensitive = {name: limits["sensitive"] for name, limits in named.items() if "sensitive" in limits}
        other = {name: limits["other"] for name, limits in named.items() if "other" in limits}
        return cls(sensitive, other)


Known = Callable[[str, str], bool]
"""Whether a subscription knows of a matter of this kind and key already."""


def found_in(
    tx: Tx, stored: Stored, subscription: Subscription, sees: str | None, thresholds: Thresholds, known: Known
) -> Iterator[Matter]:
    """What an entry that the subscriber may see is to it."""
    record = stored.record()
    event, kinds = record["event"], subscription.kinds
    if event["type"] == "access.decision" and event["outcome"] == "deny" and "refusals.spike" in kinds:
        yield from _spike(tx, record, subscription, sees, known)
    if event["type"] == "access.decision" and event["outcome"] == "permit":
        if "dataset.first_use" in kinds:
            yield from _first_use(tx, stored, record, known)
        if "exports.near" in kinds and any(o["kind"] == "count_export" for o in record["decision"]["obligations"]):
            yield from _near(tx, record, subscription, sees, thresholds, known)
    if event["type"] in TROUBLE and "log.trouble" in kinds:
        yield Matter("log.trouble", stored.id, {"type": event["type"], "outcome": event["outcome"]})


def _spike(
    tx: Tx, record: dict[str, Any], subscription: Subscription, sees: str | None, known: Known
) -> Iterator[Matter]:
    """So many refusals of one organisation in a clock hour, told once for that hour."""
    who, hour = record["actor"]["org_id"], record["ts"][:HOUR]
    key = f"{who} {hour}"
    if known("refusals.spike", key):
        return
    filter = Filter(type="access.decision", outcome="deny", since=f"{hour}:00:00.000Z")
    same = [count.entries for count in counts(tx, seen_by=sees, filter=filter, by=["actor"]) if count.values[0] == who]
    if same and same[0] >= subscription.refusals:
        yield Matter("refusals.spike", key, {"organisation": who, "hour": f"{hour}:00:00Z", "refusals": same[0]})


def _first_use(tx: Tx, stored: Stored, record: dict[str, Any], known: Known) -> Iterator[Matter]:
    """The first permit of an organisation on a dataset that there ever was."""
    who = record["actor"]["org_id"]
    dataset = next((item["id"] for item in record["objects"] if item["kind"] == "dataset"), None)
    if dataset is None or known("dataset.first_use", f"{dataset} {who}"):
        return
    sql = (
        "SELECT 1 FROM log_entry WHERE dataset = ? AND actor_org = ? AND type = 'access.decision'"
        " AND outcome = 'permit' AND idx < ? LIMIT 1"
    )
    before = tx.execute(sql, (dataset, who, stored.index)).fetchone() is not None
    facts = {"organisation": who, "dataset": dataset, "purpose": (record["request"] or {}).get("purpose_id")}
    yield Matter("dataset.first_use", f"{dataset} {who}", facts, news=not before)


def _near(
    tx: Tx, record: dict[str, Any], subscription: Subscription, sees: str | None, thresholds: Thresholds, known: Known
) -> Iterator[Matter]:
    """An exporter's total of this year has come to a share of a threshold, told once for each threshold and year."""
    dataset = next((item["id"] for item in record["objects"] if item["kind"] == "dataset"), None)
    row = tx.execute("SELECT provider FROM dataset WHERE id = ?", (dataset,)).fetchone()
    if row is None or (sees is not None and row[0] != sees):
        return  # an exporter's totals are its own
    provider, year = str(row[0]), year_of(datetime.fromisoformat(record["ts"]).timestamp())
    for what, limits, persons in zip(
        ("sensitive", "other"), (thresholds.sensitive, thresholds.other), totals(tx, provider, year), strict=True
    ):
        for name, limit in limits.items():
            key = f"{provider} {year} {what} {name}"
            if limit > 1 and persons * 100 >= limit * subscription.share and not known("exports.near", key):
                facts = {"exporter": provider, "year": year, "data": what, "persons": persons}
                yield Matter("exports.near", key, {**facts, "threshold": limit, "needs": name})
