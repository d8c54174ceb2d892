"""The narrowest read that answers a request and discharges what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from connectors.base import Read, SourceColumn
from connectors.files import quoted
from gateway.access.errors import ColumnsMalformed, NothingReleased
from gateway.access.filters import Mask, filter_sql, operand, visible
from gateway.catalog.model import Column, ColumnType, View
from gateway.obligations.errors import NotDischargeable, PredicateMalformed
from gateway.obligations.mask import generalised_sql
from gateway.obligations.merge import merge
from gateway.obligations.model import (
    CapPersons,
    CapRows,
    Drop,
    FilterRows,
    Generalise,
    Obligation,
    Pseudonymise,
    RoundCounts,
    SuppressSmallCells,
)
from gateway.obligations.parameters import Parameters, Value
from gateway.obligations.predicate import Predicate, columns_of
from gateway.obligations.pseudonym import pseudonym_key, pseudonym_sql
from gateway.obligations.rows import Operand, condition

Format = Literal["arrow", "csv", "parquet"]
Counts = Literal["rows", "persons"]

MAX_GROUPS = 10_000
MAX_MARGINS = 50_000
COUNT, SUPPRESSED = "count", "suppressed"


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What to deliver of one dataset.

    `read`: rows of `columns`, in this order. `aggregate`: counts by `group_by`. A filter may look at `columns` and
    `group_by`, no others; for an aggregate, `columns` are what else the filter may look at. `count`: what is counted;
    None counts persons where the dataset says who is one, otherwise rows.
    """

    action: Literal["read", "aggregate"]
    columns: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    filter: Predicate | None = None
    format: Format = "arrow"
    limit: int | None = None
    count: Counts | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """A column of the answer: its name, the type of its values there, and what was done to them."""

    name: str
    type: ColumnType
    treatment: str


@dataclass(frozen=True, slots=True)
class Finer:
    """Of a filtered aggregate: the counts, unfiltered, by groups and filter columns and whether each passes.

    `people`: as in the plan.
    """

    query: str
    people: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One query over one source. `query` has `{source}` where the source's relation goes, and parameters beside it."""

    action: Literal["read", "aggregate"]
    read: Read
    released: tuple[Released, ...]
    dropped: tuple[str, ...]
    query: str = field(repr=False)
    parameters: Mapping[str, Value] = field(repr=False)
    row_limit: int
    person_limit: int | None
    filtered: bool
    ordered_by_pseudonym: bool
    suppression: SuppressSmallCells | None
    rounding: RoundCounts | None
    counts: Counts
    people: str | None = field(default=None, repr=False)
    """Of an aggregate that counts rows of persons: groups and margins, which columns are summed, how many persons."""
    persons: str | None = field(default=None, repr=False)
    """Of an aggregate that counts persons: how many there are, each once."""
    finer: Finer | None = field(default=None, repr=False)

    def describe(self) -> str:
        """The plan in sentences, for people; no value, no key."""
        lines = [f"reads {', '.join(column.name for column in self.read.columns) or 'no column'} from the source"]
        lines += [f"releases {column.name} ({column.type.value}), {column.treatment}" for column in self.released]
        lines += [f"withholds {name}" for name in self.dropped]
        if self.filtered:
            lines.append("only rows that pass the filters")
        if self.person_limit is not None:
            lines.append(f"rows of at most {self.person_limit} persons")
        if self.action == "aggregate":
            lines.append(f"counts {self.counts} in at most {min(self.row_limit, MAX_GROUPS)} groups")
            if self.suppression is not None:
                lines.append(f"withholds counts of 1 to {self.suppression.threshold}, and what would reveal them")
            if self.rounding is not None:
                lines.append(f"tells counts as multiples of {self.rounding.base}")
        else:
            lines.append(f"at most {self.row_limit} rows")
        if self.ordered_by_pseudonym:
            lines.append("ordered by pseudonym, so that the source's order does not show")
        return "; ".join(lines)


@dataclass(frozen=True, slots=True)
class Secret:
    """What pseudonyms are made under: the gateway's root and this contract's id. Never shown."""

    root: bytes = field(repr=False)
    contract_id: str

    def key(self, domain: str) -> bytes:
        return pseudonym_key(self.root, self.contract_id, domain)


def narrow(
    view: View,
    request: DataRequest,
    obligations: tuple[Obligation, ...],
    *,
    row_cap: int,
    person_cap: int | None,
    secret: Secret,
) -> Plan:
    """The plan for a request, with the strictest of all obligations and caps.

    Raises:
        ColumnsMalformed, NothingReleased, FilterNotPermitted, PredicateMalformed: the caller can ask better.
        NotDischargeable: an obligation makes no sense of this dataset; nothing is released.
    """
    planner = _Planner(view, request, merge(obligations), row_cap, person_cap, secret)
    return planner.aggregate() if request.action == "aggregate" else planner.rows()


class _Planner:
    def __init__(
        self,
        view: View,
        request: DataRequest,
        owed: tuple[Obligation, ...],
        row_cap: int,
        person_cap: int | None,
        secret: Secret,
    ) -> None:
        self.view, self.request, self.secret = view, request, secret
        self.masks: dict[str, Mask] = {o.column: o for o in owed if isinstance(o, Drop | Pseudonymise | Generalise)}
        self.row_filters = [o for o in owed if isinstance(o, FilterRows)]
        self.suppression = next((o for o in owed if isinstance(o, SuppressSmallCells)), None)
        self.rounding = next((o for o in owed if isinstance(o, RoundCounts)), None)
        self.row_limit = min([row_cap, *(o.rows for o in owed if isinstance(o, CapRows))])
        persons = [o.persons for o in owed if isinstance(o, CapPersons)]
        if person_cap is not None:
            persons.append(person_cap)
        self.person_limit = min(persons) if persons else None
        self.parameters = Parameters()
        self.needed: dict[str, Column] = {}
        for name, kind in ((request.columns, "columns"), (request.group_by, "group_by")):
            if len(set(name)) != len(name):
                raise ColumnsMalformed(f"'{kind}' names a column twice")

    def rows(self) -> Plan:
        request = self.request
        if request.count is not None:
            raise ColumnsMalformed("'count' says what an aggregate counts; leave it out of a read")
        if not request.columns or request.group_by:
            raise ColumnsMalformed("a read names the columns to read, and groups by none")
        asked = [self.column(name) for name in request.columns]
        kept = [column for column in asked if not isinstance(self.masks.get(column.name), Drop)]
        if not kept:
            raise NothingReleased("every column asked for is withheld; ask for others")
        limit = self.row_limit if request.limit is None else min(self.row_limit, request.limit)
        masked = {column.name: self.masked(column) for column in kept}
        values = ", ".join(f"{sql} AS o{n}" for n, (sql, _) in enumerate(masked.values()))
        pseudonyms = [n for n, c in enumerate(kept) if isinstance(self.masks.get(c.name), Pseudonymise)]
        order = ""
        if pseudonyms:
            rest = [n for n in range(len(kept)) if n not in pseudonyms]
            order = " ORDER BY " + ", ".join(f"o{n} NULLS FIRST" for n in (*pseudonyms, *rest))
        names = ", ".join(f"o{n} AS {quoted(column.name)}" for n, column in enumerate(kept))
        # Identifiers are quoted or ours, values are parameters.
        query = (
            f"SELECT {names} FROM (SELECT {values} FROM {{source}} AS s WHERE {self.where(persons=True)})"
            f"{order} LIMIT {int(limit)}"
        )
        dropped = tuple(column.name for column in asked if column not in kept)
        return self.plan(query, tuple(released for _, released in masked.values()), dropped, limit, bool(pseudonyms))

    def aggregate(self) -> Plan:
        request = self.request
        if request.limit is not None:
            raise ColumnsMalformed("an aggregate is complete or not at all; leave 'limit' out")
        if {name.lower() for name in request.group_by} & {COUNT, SUPPRESSED}:
            raise ColumnsMalformed(f"'{COUNT}' and '{SUPPRESSED}' are columns of the answer and cannot be grouped by")
        groups = [visible(self.column(name), self.masks.get(name)) for name in request.group_by]
        operands = [operand(seen, self.value(seen.column), self.parameters) for seen in groups]
        counted = self.counted()
        keys = "".join(f"{o.sql} AS o{n}, " for n, o in enumerate(operands))
        by = ", ".join(str(n + 1) for n in range(len(operands)))
        # Whether a cell is small is judged over everything the filters let through: no cap on persons here.
        groups_sql = (
            f"SELECT {keys}{counted} AS n FROM {{source}} AS s WHERE {self.where(persons=False)}"
            f"{f' GROUP BY {by}' if by else ''}"
        )
        order = f" ORDER BY {by}" if by else ""
        query = f"SELECT * FROM ({groups_sql}) WHERE n > 0{order} LIMIT {MAX_GROUPS + 1}"
        released = tuple(
            Released(seen.column.name, made.type, _treatment(seen.mask))
            for seen, made in zip(groups, operands, strict=True)
        )
        people = self.people([o.sql for o in operands], self.where(persons=False))
        persons = f"SELECT {counted} FROM {{source}} AS s WHERE {self.owed_filters()}"
        finer = self.finer(operands, counted)
        # Last, because it says what all of these read.
        plan = self.plan(query, released, (), self.row_limit, ordered=False)
        return replace(plan, people=people, persons=persons if self.counts == "persons" else None, finer=finer)

    @property
    def counts(self) -> Counts:
        if self.view.person_column is None:
            if self.request.count == "persons":
                raise ColumnsMalformed("the dataset declares no column that tells persons apart; count rows")
            return "rows"
        return self.request.count or "persons"

    def counted(self) -> str:
        if self.counts == "rows" or self.view.person_column is None:
            return "count(*)"
        return f"count(DISTINCT {self.value(self.column(self.view.person_column))})"

    def people(self, keys: list[str], where: str) -> str | None:
        """SQL for how many persons' rows are in each group and each margin. Rows that name nobody are one person's."""
        if self.counts == "persons" or self.view.person_column is None:
            return None
        person = self.value(self.column(self.view.person_column))
        columns = "".join(f"{sql} AS o{n}, " for n, sql in enumerate(keys))
        by = ", ".join(f"o{n}" for n in range(len(keys)))
        # Each person once in each group first, so that the margins are made from fewer rows.
        once = f"SELECT DISTINCT {columns}{person} AS person FROM {{source}} AS s WHERE {where}"
        count = "count(DISTINCT person) + CAST(count(*) > count(person) AS INTEGER)"
        margins = f"SELECT {by}, grouping({by}), {count} FROM ({once}) GROUP BY CUBE ({by})"
        return f"{margins if keys else f'SELECT 0, {count} FROM ({once})'} LIMIT {MAX_MARGINS + 1}"

    def finer(self, groups: list[Operand], counted: str) -> Finer | None:
        """The unfiltered table that a filtered count is a sum of cells of: what it withholds, no filter may give.

        Counts under two filters that differ by one small cell would otherwise tell that cell.
        """
        request = self.request
        if request.filter is None:
            return None
        beside = sorted(columns_of(request.filter) - set(request.group_by))
        seen = [visible(self.column(name), self.masks.get(name)) for name in beside]
        keys = [*groups, *(operand(s, self.value(s.column), self.parameters) for s in seen)]
        columns = [*(key.sql for key in keys), f"coalesce({self.asked_filter(request.filter)}, false)"]
        owed = self.owed_filters()
        named = ", ".join(f"{sql} AS o{n}" for n, sql in enumerate(columns))
        by = ", ".join(str(n + 1) for n in range(len(columns)))
        cells = f"SELECT {named}, {counted} AS n FROM {{source}} AS s WHERE {owed} GROUP BY {by}"
        query = f"SELECT * FROM ({cells}) WHERE n > 0 LIMIT {MAX_GROUPS + 1}"
        return Finer(query, self.people(columns, owed))

    def plan(
        self, query: str, released: tuple[Released, ...], dropped: tuple[str, ...], limit: int, ordered: bool
    ) -> Plan:
        aggregate = self.request.action == "aggregate"
        columns = tuple(SourceColumn(column.name, column.type.value) for column in self.needed.values())
        return Plan(
            action=self.request.action,
            # A count of all rows needs no column, but a relation has at least one.
            read=Read(columns or (_as_read(self.view.columns[0]),)),
            released=released,
            dropped=dropped,
            query=query,
            parameters=dict(self.parameters.values),
            row_limit=limit,
            person_limit=None if aggregate else self.person_limit,
            filtered=bool(self.row_filters) or self.request.filter is not None,
            ordered_by_pseudonym=ordered,
            suppression=self.suppression if aggregate else None,
            rounding=self.rounding if aggregate else None,
            counts=self.counts if aggregate else "rows",
        )

    def column(self, name: str) -> Column:
        column = self.view.column(name)
        if column is None:
            raise ColumnsMalformed("a column that was asked for is not one of this dataset's")
        return column

    def value(self, column: Column) -> str:
        """SQL for the source's own value; from here on the column is one that must be read."""
        self.needed[column.name] = column
        return f"s.{quoted(column.name)}"

    def masked(self, column: Column) -> tuple[str, Released]:
        value, mask = self.value(column), self.masks.get(column.name)
        if isinstance(mask, Pseudonymise):
            key = self.secret.key(f"column:{column.name}")
            sql = pseudonym_sql(value, column.type, key, self.parameters)
            return sql, Released(column.name, ColumnType.STRING, "under pseudonyms")
        if isinstance(mask, Generalise):
            sql = generalised_sql(value, column.type, mask, self.parameters)
            return sql, Released(column.name, ColumnType.STRING, _treatment(mask))
        return value, Released(column.name, column.type, _treatment(None))

    def where(self, *, persons: bool) -> str:
        owed = [self.owed_filter(o) for o in self.row_filters]
        parts = list(owed)
        if persons and self.person_limit is not None:
            parts.append(self.of_few_persons(owed, self.person_limit))
        if self.request.filter is not None:
            parts.append(self.asked_filter(self.request.filter))
        return " AND ".join(parts) or "true"

    def owed_filters(self) -> str:
        return " AND ".join(self.owed_filter(o) for o in self.row_filters) or "true"

    def owed_filter(self, owed: FilterRows) -> str:
        names = columns_of(owed.predicate)
        columns = [column for column in self.view.columns if column.name in names]
        try:
            operands = {c.name: Operand(self.value(c), c.type) for c in columns}
            return condition(owed.predicate, operands, self.parameters)
        except PredicateMalformed as problem:
            raise NotDischargeable(f"a row filter that is owed does not fit the dataset: {problem.detail}") from problem

    def asked_filter(self, predicate: Predicate) -> str:
        allowed = {*self.request.columns, *self.request.group_by}
        looked_at = sorted(columns_of(predicate) & allowed)
        seen = [visible(self.column(name), self.masks.get(name)) for name in looked_at]
        operands = {s.column.name: operand(s, self.value(s.column), self.parameters) for s in seen}
        return filter_sql(predicate, operands, self.parameters)

    def of_few_persons(self, owed: list[str], limit: int) -> str:
        """Rows of the persons that come first in an order only this contract has.

        The order does not depend on what is asked, so many differently filtered reads show no more persons than one.
        """
        if self.view.person_column is None:
            raise NotDischargeable("persons are capped, and the dataset declares no column that tells them apart")
        column = self.column(self.view.person_column)
        person = self.value(column)
        rank = pseudonym_sql("person", column.type, self.secret.key(f"cap:{column.name}"), self.parameters)
        among = " AND ".join([*owed, f"{person} IS NOT NULL"])
        return (
            f"{person} IN (SELECT person FROM (SELECT DISTINCT {person} AS person FROM {{source}} AS s WHERE {among})"
            f" ORDER BY {rank} LIMIT {int(limit)})"
        )


def _as_read(column: Column) -> SourceColumn:
    return SourceColumn(column.name, column.type.value)


def _treatment(mask: Generalise | None) -> str:
    if mask is None:
        return "as it is"
    if mask.method != "band":
        return f"as its {mask.method}"
    return f"in bands of {mask.width}" + (f", open from {mask.top} on" if mask.top is not None else "")
