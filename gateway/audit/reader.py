"""Reading the log: entries as one party may see them, and proofs about them. Looking is recorded by whoever calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import LogDamaged
from gateway.audit.note import Keys
from gateway.audit.tiles import TILE_WIDTH, TileReader, consistency_proof, inclusion_proof
from gateway.db import Tx

PAGE = 500


class Stored(NamedTuple):
    """One entry as it is kept: where it stands, and the exact bytes that were hashed.

    A tuple, so that a page of rows becomes entries without work on each.
    """

    index: int  # type: ignore[assignment]  # in the place of tuple.index, which nobody asks an entry for
    id: str
    leaf: bytes
    body: bytes

    def record(self) -> dict[str, Any]:
        value: dict[str, Any] = orjson.loads(self.body)
        return value


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a party's commitment in an entry: its running number there, the salt, its previous entry's leaf."""

    index: int
    seq: int
    salt: bytes
    prev: bytes | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What an officer looks for. Times are RFC 3339 instants in UTC, half-open; every part that is given must fit."""

    type: str | None = None
    outcome: str | None = None
    participant: str | None = None
    dataset: str | None = None
    contract: str | None = None
    since: str | None = None
    until: str | None = None
    agent: str | None = None
    code: str | None = None
    """Of a rule or a problem; with a star at its end, every code that begins so."""

    def given(self) -> dict[str, str]:
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


def entries(
    tx: Tx,
    *,
    seen_by: str | None,
    filter: Filter,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Stored]:
    """A page of entries below index `before`: newest first, or with `after` oldest first from just behind it.

    `seen_by` None: whoever asks sees all.
    """
    lead, tables, where, values = _found_by(filter, seen_by)
    if before is not None:
        where.append(f"{lead}.idx < ?")
        values.append(before)
    if after is not None:
        where.append(f"{lead}.idx > ?")
        values.append(after)
    order = "DESC" if after is None else "ASC"
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    sql = f"SELECT e.idx, e.id, e.leaf, e.body FROM {tables}{clause} ORDER BY {lead}.idx {order} LIMIT ?"
    return list(map(Stored._make, tx.execute(sql, (*values, limit)).fetchall()))


def _found_by(filter: Filter, seen_by: str | None) -> tuple[str, str, list[str], list[Any]]:
    """What leads to a page in its own order, so that it is read and no more: the alias, FROM, WHERE and its values.

    A code by its index; any other part of an entry by the index of that; a party by its own list. SQLite joins tables
    in the order of a CROSS JOIN; PostgreSQL finds the order by itself.
    """
    if seen_by is None or filter.participant == seen_by:
        # Whoever sees all and looks for one's entries, and whoever looks for its own, reads that one's list.
        seen_by, filter = seen_by or filter.participant, replace(filter, participant=None)
    exact = filter.code if filter.code is not None and not filter.code.endswith("*") else None
    own = any(getattr(filter, column) is not None for column in _OF_AN_ENTRY)
    lead = "c" if exact is not None else "e" if own or seen_by is None else "p"
    where, values = conditions(filter if exact is None else replace(filter, code=None), None)
    tables = ["log_entry e"]
    if seen_by is not None:
        tables.insert(0 if lead == "p" else 1, "log_party p")
        where[:0], values[:0] = ["p.idx = e.idx", "p.participant = ?"], [seen_by]
    if exact is not None:
        tables.insert(0, "log_code c")
        where[:0], values[:0] = ["c.idx = e.idx", "c.code = ?"], [exact]
    return lead, " CROSS JOIN ".join(tables), where, values


def entry_by_id(tx: Tx, entry_id: str, *, seen_by: str | None) -> Stored | None:
    """The entry, if the asker may see it; a stranger's entry and one that never was look the same."""
    sql = "SELECT idx, id, leaf, body FROM log_entry WHERE id = ?"
    row = tx.execute(sql, (entry_id,)).fetchone()
    if row is None or (seen_by is not None and opening(tx, row[0], seen_by) is None):
        return None
    return Stored._make(row)


def opening(tx: Tx, index: int, participant: str) -> Opening | None:
    """What opens this participant's own commitment in the entry; None when it is no party to it."""
    sql = "SELECT seq, salt, prev FROM log_party WHERE participant = ? AND idx = ?"
    row = tx.execute(sql, (participant, index)).fetchone()
    return None if row is None else Opening(index, row[0], bytes(row[1]), None if row[2] is None else bytes(row[2]))


def party_entries(tx: Tx, participant: str, *, size: int) -> Iterator[tuple[Stored, Opening]]:
    """Every entry below `size` the participant is a party to, in order, each with its opening."""
    sql = (
        "SELECT e.idx, e.id, e.leaf, e.body, p.seq, p.salt, p.prev FROM log_party p JOIN log_entry e ON e.idx = p.idx"
        " WHERE p.participant = ? AND p.idx >= ? AND p.idx < ? ORDER BY p.idx LIMIT ?"
    )
    start = 0
    while rows := tx.execute(sql, (participant, start, size, PAGE)).fetchall():
        for row in rows:
            prev = None if row[6] is None else bytes(row[6])
            yield Stored._make(row[:4]), Opening(row[0], row[4], bytes(row[5]), prev)
        start = rows[-1][0] + 1


def all_entries(tx: Tx, *, begin: int, end: int) -> Iterator[Stored]:
    """Entries [begin, end) in order."""
    sql = "SELECT idx, id, leaf, body FROM log_entry WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
    while begin < end and (rows := tx.execute(sql, (begin, end, PAGE)).fetchall()):
        yield from map(Stored._make, rows)
        begin = rows[-1][0] + 1


def head(tx: Tx, key: Keys) -> tuple[str, Checkpoint]:
    """The newest checkpoint, as the signed note and as what it says.

    Raises:
        SignatureUnverified: no such key has signed it.
    """
    row = tx.execute("SELECT checkpoint FROM log_head WHERE id = 1").fetchone()
    if row is None:
        raise LogDamaged("There is no log here. Run `corridor init` first.")
    return row[0], open_checkpoint(row[0], key)


def inclusion(tx: Tx, index: int, size: int) -> list[bytes]:
    """The proof that entry `index` is in the tree of `size`; touches a tile or two on each level."""
    return inclusion_proof(index, size, tile_reader(tx))


def consistency(tx: Tx, old: int, size: int) -> list[bytes]:
    """The proof that the tree of `size` only added to the tree of `old`."""
    return consistency_proof(old, size, tile_reader(tx))


def tile_reader(tx: Tx) -> TileReader:
    """Tiles of this log, full ones as stored, partial ones put together from what lies below them."""

    def read(level: int, n: int, width: int) -> bytes:
        if width == TILE_WIDTH:
            row = tx.execute("SELECT hashes FROM log_tile WHERE level = ? AND n = ?", (level, n)).fetchone()
            if row is not None:
                return bytes(row[0])
        first = n * TILE_WIDTH
        if level == 0:
            sql = "SELECT leaf FROM log_entry WHERE idx >= ? AND idx < ? ORDER BY idx"
            rows = tx.execute(sql, (first, first + width)).fetchall()
        else:
            sql = "SELECT root FROM log_tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n"
            rows = tx.execute(sql, (level - 1, first, first + width)).fetchall()
        hashes = b"".join(bytes(row[0]) for row in rows)
        if len(hashes) != 32 * width:
            raise LogDamaged(f"Tile {level}/{n} of the log is incomplete.")
        return hashes

    return read


TIMES: Final = MappingProxyType({"year": 4, "month": 7, "day": 10, "hour": 13})
"""How much of an instant names its year, month, day or hour, UTC."""
COLUMNS: Final = MappingProxyType(
    {"type": "e.type", "outcome": "e.outcome", "actor": "e.actor_org", "dataset": "e.dataset", "contract": "e.contract"}
)
MAX_COUNTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries have these values, one for each thing that was counted by; None where it does not apply."""

    values: tuple[str | None, ...]
    entries: int


def counts(tx: Tx, *, seen_by: str | None, filter: Filter, by: Sequence[str]) -> list[Count]:
    """How many of the entries that fit there are, by one or two of COLUMNS, TIMES and `code`; in order of the values.

    At most MAX_COUNTS. An entry with several codes counts for each of them.
    """
    where, values = conditions(filter, seen_by)
    named = [_COUNTED[name] for name in by]
    join = " JOIN log_party p ON p.idx = e.idx AND p.participant = ?" if seen_by is not None else ""
    join += " JOIN log_code k ON k.idx = e.idx" if "code" in by else ""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    # SQLite takes a type, an outcome or an organisation for rarer than a day, and would count through the whole log.
    by_time = " INDEXED BY log_entry_ts" if filter.since is not None and not tx.is_postgresql else ""
    keys = ", ".join(named)
    sql = f"SELECT {keys}, count(*) FROM log_entry e{by_time}{join}{clause} GROUP BY {keys} ORDER BY {keys} LIMIT ?"
    return [Count(tuple(row[:-1]), row[-1]) for row in tx.execute(sql, (*values, MAX_COUNTS)).fetchall()]


_COUNTED: Final = MappingProxyType(
    {**COLUMNS, **{name: f"substr(e.ts, 1, {length})" for name, length in TIMES.items()}, "code": "k.code"}
)


_OF_AN_ENTRY: Final = ("type", "outcome", "dataset", "contract", "agent")


def conditions(filter: Filter, seen_by: str | None) -> tuple[list[str], list[Any]]:
    """What follows WHERE, of an entry `e`, and its values; with `seen_by` the first is for a join with log_party."""
    where: list[str] = []
    values: list[Any] = [] if seen_by is None else [seen_by]
    for column in _OF_AN_ENTRY:
        value = getattr(filter, column)
        if value is not None:
            where.append(f"e.{column} = ?")
            values.append(value)
    if filter.code is not None:
        begin, star, _ = filter.code.partition("*")
        range_ = "d.code >= ? AND d.code < ?" if star else "d.code = ?"
        where.append(f"e.idx IN (SELECT d.idx FROM log_code d WHERE {range_})")
        # A code is ASCII, so nothing that begins alike is behind this.
        values += [begin, begin + "\x7f"] if star else [begin]
    if filter.participant is not None:
        where.append("EXISTS (SELECT 1 FROM log_party q WHERE q.participant = ? AND q.idx = e.idx)")
        values.append(filter.participant)
    if filter.since is not None:
        where.append("e.ts >= ?")
        values.append(filter.since)
    if filter.until is not None:
        where.append("e.ts < ?")
        values.append(filter.until)
    return where, values
