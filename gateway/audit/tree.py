"""The writer's picture of the tree: what the next entry is built on, and the rows that a batch of entries makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.audit import commit
from gateway.audit.change import Record
from gateway.audit.errors import EntryTooLarge, LogDamaged
from gateway.audit.event import finish
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.reader import tile_reader
from gateway.audit.tiles import MAX_ENTRY_BYTES, TileBuilder, TreeView, tile_root
from gateway.db import Tx


@dataclass(frozen=True, slots=True)
class Head:
    """The stored head: size, frontier and the signed checkpoint."""

    size: int
    frontier: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Staged:
    """An entry that is ready to be appended: what it is found by, its bytes, and the openings of its parties."""

    columns: tuple[Any, ...]
    codes: tuple[str, ...]
    leaf: bytes
    body: bytes
    openings: list[tuple[str, int, bytes | None, bytes]]


@dataclass(slots=True)
class Rows:
    """What a batch adds to the tables."""

    entries: list[tuple[Any, ...]] = field(default_factory=list)
    codes: list[tuple[str, int]] = field(default_factory=list)
    parties: list[tuple[Any, ...]] = field(default_factory=list)
    tiles: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)

    def insert(self, tx: Tx) -> None:
        tx.execute_many(_INSERT_ENTRY, self.entries)
        tx.execute_many(_INSERT_CODE, self.codes)
        tx.execute_many(_INSERT_PARTY, self.parties)
        tx.execute_many(_INSERT_TILE, self.tiles)


class Tree:
    """The tree as of one size, and each party's last entry. Thrown away whenever disk may differ."""

    def __init__(self, size: int, frontier: Frontier, tiles: TileBuilder) -> None:
        self.size = size
        self.frontier = frontier
        self._tiles = tiles
        self._tails: dict[str, tuple[int, bytes | None]] = {}

    @classmethod
    def load(cls, tx: Tx, head: Head) -> Tree:
        """The tree at the head on disk, its right edge put together anew from what is stored.

        Raises:
            LogDamaged: tiles and leaves do not lead to the head, or entries lie beyond it.
        """

        def full_tile(level: int, n: int) -> bytes:
            row = tx.execute("SELECT hashes FROM log_tile WHERE level = ? AND n = ?", (level, n)).fetchone()
            if row is None:
                raise LogDamaged(f"Tile {level}/{n} of the log is missing.")
            return bytes(row[0])

        if tx.execute("SELECT 1 FROM log_entry WHERE idx >= ? LIMIT 1", (head.size,)).fetchone() is not None:
            raise LogDamaged("There are entries behind the stored head of the log.")
        first = head.size - head.size % 256
        rows = tx.execute("SELECT leaf FROM log_entry WHERE idx >= ? ORDER BY idx", (first,)).fetchall()
        if len(rows) != head.size - first:
            raise LogDamaged("The newest entries of the log are missing.")
        if TreeView(head.size, tile_reader(tx)).frontier(head.size).to_bytes() != head.frontier:
            raise LogDamaged("The stored entries do not add up to the stored head of the log.")
        tiles = TileBuilder.restore(head.size, full_tile, [bytes(leaf) for (leaf,) in rows])
        return cls(head.size, Frontier.from_bytes(head.frontier), tiles)

    def follow(self, tx: Tx, head: Head) -> None:
        """Go on to a newer head, leaf by leaf: another process has appended.

        Raises:
            LogDamaged: the leaves do not lead there.
        """
        if head.size != self.size:
            rows = tx.execute("SELECT leaf FROM log_entry WHERE idx >= ? ORDER BY idx", (self.size,)).fetchall()
            for (leaf,) in rows:
                self._tiles.append(bytes(leaf))
                self.frontier.append(bytes(leaf))
            self.size += len(rows)
            self._tails.clear()
        if self.size != head.size or self.frontier.to_bytes() != head.frontier:
            raise LogDamaged("The stored entries do not add up to the stored head of the log.")

    def stage(self, tx: Tx, records: Sequence[Record]) -> list[Staged]:
        """The entries of one change, made ready. Nothing here has changed when this raises."""
        staged, tails = [], dict[str, tuple[int, bytes | None]]()
        for record in records:
            openings = []
            for who in dict.fromkeys(record.parties):
                seq, prev = tails.get(who) or self._tail(tx, who)
                openings.append((who, seq + 1, prev, commit.new_salt()))
            commitments = [commit.commit(salt, who, seq, prev) for who, seq, prev, salt in openings]
            body = finish(record.event, commitments)
            if len(body) > MAX_ENTRY_BYTES:
                raise EntryTooLarge(f"The entry has {len(body)} bytes.")
            leaf = leaf_hash(body)
            staged.append(Staged(record.event.index_columns(), record.event.codes(), leaf, body, openings))
            for who, seq, _prev, _salt in openings:
                tails[who] = (seq, leaf)
        return staged

    def append(self, staged: Sequence[Staged], rows: Rows) -> None:
        """Take staged entries into the tree, and their rows into the batch's."""
        for entry in staged:
            rows.entries.append((self.size, *entry.columns, entry.leaf, entry.body))
            rows.codes.extend((code, self.size) for code in entry.codes)
            for who, seq, prev, salt in entry.openings:
                rows.parties.append((who, self.size, seq, salt, prev))
                self._tails[who] = (seq, entry.leaf)
            for level, n, hashes in self._tiles.append(entry.leaf):
                rows.tiles.append((level, n, tile_root(hashes), hashes))
            self.frontier.append(entry.leaf)
            self.size += 1

    def _tail(self, tx: Tx, participant: str) -> tuple[int, bytes | None]:
        """The participant's last running number and the leaf of that entry; (0, None) before its first."""
        known = self._tails.get(participant)
        if known is None:
            row = tx.execute(_SELECT_TAIL, (participant,)).fetchone()
            known = (0, None) if row is None else (row[0], bytes(row[1]))
            self._tails[participant] = known
        return known


def read_head(tx: Tx, *, lock: bool = False) -> Head:
    """The stored head; `lock` keeps every other writer out until this transaction ends.

    Raises:
        LogDamaged: there is no log here.
    """
    row = tx.execute(_LOCK_HEAD if lock and tx.is_postgresql else _SELECT_HEAD).fetchone()
    if row is None:
        raise LogDamaged("There is no log here. Run `corridor init` first.")
    return Head(row[0], bytes(row[1]), row[2])


_SELECT_HEAD = "SELECT size, frontier, checkpoint FROM log_head WHERE id = 1"
_LOCK_HEAD = "SELECT size, frontier, checkpoint FROM log_head WHERE id = 1 FOR UPDATE"
_INSERT_ENTRY = (
    "INSERT INTO log_entry (idx, id, ts, type, outcome, actor_org, agent, dataset, contract, leaf, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_CODE = "INSERT INTO log_code (code, idx) VALUES (?, ?)"
_INSERT_PARTY = "INSERT INTO log_party (participant, idx, seq, salt, prev) VALUES (?, ?, ?, ?, ?)"
_INSERT_TILE = "INSERT INTO log_tile (level, n, root, hashes) VALUES (?, ?, ?, ?)"
_SELECT_TAIL = (
    "SELECT p.seq, e.leaf FROM log_party p JOIN log_entry e ON e.idx = p.idx"
    " WHERE p.participant = ? ORDER BY p.idx DESC LIMIT 1"
)
