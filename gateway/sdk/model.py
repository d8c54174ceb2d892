"""What the gateway says, as values: datasets, contracts, what would be answered. Each shows itself in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeVar

from gateway.sdk.refusals import Reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """A published column; `role` is what it can give away about a person."""

    name: str
    type: str
    role: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that may be found. `raw` holds all that the gateway says of it."""

    id: str
    title: str
    provider: str
    description: str
    rows: int
    persons: int
    columns: tuple[Column, ...]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Dataset:
        columns = tuple(Column(c["name"], c["type"], c["role"], c["description"]) for c in said["columns"])
        plain = {name: said[name] for name in ("id", "title", "provider", "description", "rows", "persons")}
        return cls(**plain, columns=columns, raw=said)

    def _repr_html_(self) -> str:
        rows = [(c.name, c.type, c.role.replace("_", " "), c.description) for c in self.columns]
        size = f"{self.rows:,} rows, {self.persons:,} persons"
        head = f"<p><b>{escape(self.title)}</b> · {escape(self.provider)} · {size}"
        return f"{head}<br>{escape(self.description)}</p>" + _table(("Column", "Type", "Gives away", "What"), rows)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract or its draft, and what is left of it. Times are UTC."""

    id: str
    dataset: str
    provider: str
    consumer: str
    state: str
    actions: tuple[str, ...]
    modes: tuple[str, ...]
    purposes: tuple[str, ...]
    columns: tuple[str, ...]
    left: Mapping[str, int]
    valid_to: datetime
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Contract:
        terms = said["terms"]
        return cls(
            **{name: said[name] for name in ("id", "dataset", "provider", "consumer", "state", "left")},
            actions=tuple(terms["actions"]),
            modes=tuple(terms["delivery_modes"]),
            purposes=tuple(terms["purposes"]),
            columns=tuple(terms["columns"]),
            valid_to=datetime.fromtimestamp(terms["valid_to"], UTC),
            raw=said,
        )

    @property
    def in_force(self) -> bool:
        return self.state == "FINALIZED"

    def _repr_html_(self) -> str:
        left = ", ".join(f"{n:,} {what}" for what, n in self.left.items()) or "no limit"
        rows = [
            ("Dataset", self.dataset),
            ("Between", f"{self.provider} and {self.consumer}"),
            ("State", self.state),
            ("May", ", ".join(self.actions)),
            ("For", ", ".join(self.purposes)),
            ("As", ", ".join(self.modes)),
            ("Columns", ", ".join(self.columns)),
            ("Left", left),
            ("Until", f"{self.valid_to:%Y-%m-%d %H:%M} UTC"),
        ]
        return _table((), rows)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would be answered to a request: nothing was granted or counted. `entry` records the question."""

    result: str
    reasons: tuple[Reason, ...]
    would_pass: tuple[str, ...]
    obligations: tuple[Mapping[str, Any], ...]
    hindrance: str | None
    entry: str

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Explanation:
        hindrance = said.get("hindrance")
        return cls(
            result=said["result"],
            reasons=tuple(Reason.of(one) for one in said["reasons"]),
            would_pass=tuple(" and ".join(change["text"] for change in together) for together in said["would_pass"]),
            obligations=tuple(said["obligations"]),
            hindrance=None if hindrance is None else f"{hindrance['title']}: {hindrance['detail']}",
            entry=said["entry"],
        )

    @property
    def permitted(self) -> bool:
        """Whether the request would be carried out."""
        return self.result == "permit" and self.hindrance is None

    def __str__(self) -> str:
        lines = [f"It would be: {self.result}", *(f"  {reason}" for reason in self.reasons)]
        lines += [f"  would pass: {text}" for text in self.would_pass]
        lines += [f"  on its way: {_owed(one)}" for one in self.obligations]
        return "\n".join(lines + ([] if self.hindrance is None else [f"  but: {self.hindrance}"]))

    def _repr_html_(self) -> str:
        items = [f"<b>{escape(one.code)}</b> {escape(one.text)}<br>{escape(one.remedy)}" for one in self.reasons]
        items += [f"would pass: {escape(text)}" for text in self.would_pass]
        items += [f"on its way: {escape(_owed(one))}" for one in self.obligations]
        items += [] if self.hindrance is None else [f"but: {escape(self.hindrance)}"]
        return f"<p>It would be: <b>{escape(self.result)}</b></p><ul>{''.join(f'<li>{i}</li>' for i in items)}</ul>"


class Found(list[T]):
    """A list that shows itself as a table."""

    def _repr_html_(self) -> str:
        if not self:
            return "<p>Nothing.</p>"
        if isinstance(self[0], Dataset):
            rows = [(d.title, d.provider, f"{d.rows:,}", d.id) for d in self if isinstance(d, Dataset)]
            return _table(("Title", "Provider", "Rows", "Id"), rows)
        rows = [(c.dataset, c.state, ", ".join(c.purposes), c.id) for c in self if isinstance(c, Contract)]
        return _table(("Dataset", "State", "For", "Id"), rows)


def _owed(obligation: Mapping[str, Any]) -> str:
    rest = ", ".join(f"{name} {value}" for name, value in obligation.items() if name != "kind")
    return f"{obligation['kind'].replace('_', ' ')} {rest}".strip()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Every text is what somebody typed: shown as text, never as markup."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{heads}</tr></thead>' if heads else ''}<tbody>{body}</tbody></table>"
