"""The tree cut into tiles of 256 hashes, and entries into bundles (C2SP tlog-tiles v0.1.0).

Tile `n` of level `l` holds the roots over 256**l leaves each, from leaf n * 256**(l+1) on: 32 bytes a root, 8,192 when
full. Only the rightmost tile of a level is partial. A proof for a tree of a billion leaves reads at most six tiles.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from gateway.audit.errors import EntryTooLarge, ProofInvalid, TileMalformed
from gateway.audit.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    MAX_SIZE,
    Frontier,
    consistency_ranges,
    fold,
    inclusion_ranges,
    node_hash,
    split_hashes,
    subtrees,
)

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
FULL_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
MAX_ENTRY_BYTES: Final = 65_535
CACHED_TILES: Final = 128

TileReader = Callable[[int, int, int], bytes]
"""(level, n, width) to `width` * 32 bytes. A longer tile of the same place may be answered: it begins with the same."""

Tile = tuple[int, int, bytes]
"""(level, n, hashes)"""

_PATH = re.compile(r"tile/(entries|0|[1-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes tile `n` of `level` has in a tree of `size`: 0 to 256."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - n * TILE_WIDTH))


def tile_path(level: int | None, n: int, width: int = TILE_WIDTH) -> str:
    """`tile/0/x001/234/067.p/44`; level None is the bundle of entries."""
    if not 1 <= width <= TILE_WIDTH or n < 0 or (level is not None and not 0 <= level <= 63):
        raise TileMalformed("A tile has 1 to 256 hashes, at level 0 to 63.")
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{'entries' if level is None else level}/{'/'.join(reversed(groups))}{partial}"


def parse_tile_path(path: str) -> tuple[int | None, int, int]:
    """(level or None for entries, n, width) of a path that `tile_path` writes, and of no other.

    Raises:
        TileMalformed: it is none.
    """
    match = _PATH.fullmatch(path) if len(path) <= 64 else None
    if match is None or not path.isascii():
        raise TileMalformed("A tile path is tile/<level>/<number in groups of three digits>[.p/<width>].")
    level = None if match[1] == "entries" else int(match[1])
    n, width = int(match[2].replace("x", "").replace("/", "")), int(match[3] or TILE_WIDTH)
    if width > TILE_WIDTH or tile_path(level, n, width) != path:
        raise TileMalformed("A tile path has no group of zeros in front, and a partial tile 1 to 255 hashes.")
    return level, n, width


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """For each entry its length in two bytes, then its bytes.

    Raises:
        EntryTooLarge, TileMalformed: an entry over 65,535 bytes; not 1 to 256 entries.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise TileMalformed("A bundle holds 1 to 256 entries.")
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise EntryTooLarge("An entry of a bundle is at most 65,535 bytes.")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle.

    Raises:
        TileMalformed: it ends too early or too late.
    """
    entries, at = [], 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise TileMalformed("The bundle ends inside an entry.")
        entries.append(data[start:at])
    if at != len(data) or not 1 <= width <= TILE_WIDTH:
        raise TileMalformed("The bundle goes on after its last entry.")
    return entries


class TreeView:
    """A tree of fixed size, read through its tiles: roots of ranges and proofs.

    Tiles are read once and kept hashed, `CACHED_TILES` at most (about 3 MB), so that many proofs of neighbours cost
    little more than one. Raises TileMalformed when a tile is shorter than the tree needs it.
    """

    def __init__(self, size: int, read_tile: TileReader) -> None:
        if not 0 <= size <= MAX_SIZE:
            raise ProofInvalid("A tree has 0 to 2**63 - 1 leaves.")
        self.size = size
        self._read = read_tile
        self._tiles: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def root(self) -> bytes:
        return self.range_root(0, self.size)

    def subtree_root(self, level: int, index: int) -> bytes:
        """The root over the 2**level leaves from index * 2**level on, all of them inside the tree."""
        tile_level, row = divmod(level, TILE_HEIGHT)
        n, position = divmod(index, TILE_WIDTH >> row)
        return self._rows(tile_level, n)[row][position]

    def range_hashes(self, begin: int, end: int) -> list[bytes]:
        """The roots of `subtrees(begin, end)`: what stands for that range in a frontier or beside an export."""
        return [self.subtree_root(level, index) for level, index in subtrees(begin, end)]

    def range_root(self, begin: int, end: int) -> bytes:
        """The root over a range that is a node of some tree: a power of two, at least as wide, divides `begin`."""
        return fold(self.range_hashes(begin, end)) if end > begin else EMPTY_ROOT

    def frontier(self, size: int) -> Frontier:
        """The right edge as it was when the tree had `size` leaves."""
        return Frontier(size, self.range_hashes(0, size))

    def inclusion_proof(self, index: int) -> list[bytes]:
        return [self.range_root(*r) for r in inclusion_ranges(index, self.size)]

    def consistency_proof(self, old: int) -> list[bytes]:
        return [self.range_root(*r) for r in consistency_ranges(old, self.size)]

    def _rows(self, level: int, n: int) -> list[list[bytes]]:
        """A tile's hashes, and all perfect nodes above them inside the tile, row by row."""
        key = (level, n)
        rows = self._tiles.get(key)
        if rows is not None:
            self._tiles.move_to_end(key)
            return rows
        width = tile_width(level, n, self.size)
        data = self._read(level, n, width)
        if not width * HASH_BYTES <= len(data) <= FULL_TILE_BYTES:
            raise TileMalformed("A tile is shorter than the tree needs it, or longer than a tile.")
        rows = [split_hashes(data[: width * HASH_BYTES])]
        while len(rows[-1]) > 1:
            row = rows[-1]
            rows.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
        self._tiles[key] = rows
        if len(self._tiles) > CACHED_TILES:
            self._tiles.popitem(last=False)
        return rows


def inclusion_proof(index: int, size: int, read_tile: TileReader) -> list[bytes]:
    """The proof that entry `index` is in the tree of `size`: siblings from the leaf's upwards."""
    return TreeView(size, read_tile).inclusion_proof(index)


def consistency_proof(old: int, size: int, read_tile: TileReader) -> list[bytes]:
    """The proof that the tree of `size` begins with the tree of `old`."""
    return TreeView(size, read_tile).consistency_proof(old)


class TileBuilder:
    """Cuts tiles from a growing log. Full tiles are handed out once; partial ones stay here (8 KB a level)."""

    def __init__(self) -> None:
        self.size = 0
        self._partial: list[bytearray] = [bytearray()]

    def append(self, leaf: bytes) -> list[Tile]:
        """One more leaf hash; the tiles it completes, lowest level first: none but for every 256th."""
        self.size += 1
        bottom = self._partial[0]
        bottom += leaf
        return [] if len(bottom) < FULL_TILE_BYTES else self._complete()

    def partial(self, level: int) -> bytes:
        """The unfinished tile of `level`, perhaps empty: 0 to 255 hashes."""
        return bytes(self._partial[level]) if level < len(self._partial) else b""

    @property
    def levels(self) -> int:
        return len(self._partial)

    @classmethod
    def restore(cls, size: int, read_full_tile: Callable[[int, int], bytes], last: Sequence[bytes]) -> TileBuilder:
        """A builder as it was at `size`, from full tiles and `last`, the leaf hashes after the last full one.

        Reads at most 255 tiles a level.

        Raises:
            TileMalformed: a full tile that is none, or not the leaf hashes that go with the size.
        """
        if len(last) != size % TILE_WIDTH or any(len(leaf) != HASH_BYTES for leaf in last):
            raise TileMalformed("The leaf hashes after the last full tile do not go with the size.")
        builder = cls()
        builder.size, builder._partial[0] = size, bytearray().join(last)
        level, full = 0, size >> TILE_HEIGHT
        while full:
            tile = bytearray()
            for n in range(full - full % TILE_WIDTH, full):
                tile += tile_root(read_full_tile(level, n))
            builder._partial.append(tile)
            level, full = level + 1, full >> TILE_HEIGHT
        return builder

    def _complete(self) -> list[Tile]:
        tiles: list[Tile] = []
        for level in range(len(self._partial)):
            if len(self._partial[level]) < FULL_TILE_BYTES:
                break
            data = bytes(self._partial[level])
            tiles.append((level, (self.size >> TILE_HEIGHT * (level + 1)) - 1, data))
            self._partial[level] = bytearray()
            if level + 1 == len(self._partial):
                self._partial.append(bytearray())
            self._partial[level + 1] += tile_root(data)
        return tiles


def tile_root(data: bytes) -> bytes:
    """The root over one full tile.

    Raises:
        TileMalformed: not 8,192 bytes.
    """
    if len(data) != FULL_TILE_BYTES:
        raise TileMalformed("A full tile is 8,192 bytes.")
    pair = 2 * HASH_BYTES
    while len(data) > HASH_BYTES:
        data = b"".join([sha256(b"\x01" + data[i : i + pair]).digest() for i in range(0, len(data), pair)])
    return data
