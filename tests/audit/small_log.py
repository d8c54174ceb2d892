"""Makers of small logs, and RFC 6962's definitions written down as they read, to compare with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.commit import commit
from gateway.audit.export import Opening, Row, export_range, export_selection
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.note import KeyType, NoteSigner
from gateway.audit.tiles import TileBuilder, TreeView
from gateway.crypto.canonical import record_json

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "audit.json").read_text())
ORIGIN = "gateway.example/audit/2026"
MADE_AT = "2026-11-23T08:15:30.412Z"
HOSPITAL, PHARMA = "did:web:hospital-a.example", "did:web:tenant-m.example"


def signer(name: str, seed: int, type: KeyType = KeyType.ED25519) -> NoteSigner:
    return NoteSigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), type)


LOG = signer(ORIGIN, 1)
WITNESS = signer("hospital-a.example/witness", 2, KeyType.COSIGNATURE)
OTHER_KEY = signer(ORIGIN, 3)


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, from leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(f"entry-{i}".encode()) for i in range(count)]


class Tiles:
    """Tiles of a grown log by place, and which were read."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.builder, self.kept, self.read = TileBuilder(), dict[tuple[int, int], bytes](), list[tuple[int, int]]()
        for leaf in hashes:
            for level, n, data in self.builder.append(leaf):
                self.kept[level, n] = data
        self.size = len(hashes)

    def __call__(self, level: int, n: int, width: int) -> bytes:
        self.read.append((level, n))
        kept = self.kept.get((level, n))
        return self.builder.partial(level) if kept is None else kept


@dataclass(frozen=True)
class SmallLog:
    bodies: list[bytes]
    openings: dict[str, list[tuple[int, Opening]]]

    @property
    def size(self) -> int:
        return len(self.bodies)

    @property
    def hashes(self) -> list[bytes]:
        return [leaf_hash(body) for body in self.bodies]

    def tree(self, size: int | None = None) -> TreeView:
        hashes = self.hashes[:size]
        return TreeView(len(hashes), Tiles(hashes))

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        frontier = Frontier()
        for leaf in self.hashes[:size]:
            frontier.append(leaf)
        return Checkpoint(ORIGIN, frontier.size, frontier.root())

    def note(self, size: int | None = None, by: NoteSigner = LOG) -> str:
        return by.sign(self.checkpoint(size).text())

    def range(self, first: int, end: int, by: NoteSigner = LOG) -> bytes:
        note, tree = self.note(by=by), self.tree()
        bodies = self.bodies[first:end]
        return b"".join(export_range(bodies, first, end, checkpoint=note, tree=tree, signer=by, made_at=MADE_AT))

    def selection(self, indices: Sequence[int]) -> bytes:
        rows = [Row(i, self.bodies[i]) for i in indices]
        kept = {"dataset": "urn:uuid:1"}
        return b"".join(
            export_selection(rows, checkpoint=self.note(), tree=self.tree(), signer=LOG, made_at=MADE_AT, filter=kept)
        )

    def party(self, who: str, numbers: Sequence[int] | None = None, opened: str | None = None) -> bytes:
        """The export of what `who` is a party to, perhaps only some of its numbers, or under another's name."""
        own = [(i, o) for i, o in self.openings[who] if numbers is None or o.seq in numbers]
        rows = [Row(i, self.bodies[i], opening) for i, opening in own]
        return b"".join(
            export_selection(
                rows, checkpoint=self.note(), tree=self.tree(), signer=LOG, made_at=MADE_AT, party=opened or who
            )
        )


def small_log(count: int, label: str = "one") -> SmallLog:
    """Short entries: every second one concerns the pharma tenant, every third the hospital."""
    bodies: list[bytes] = []
    openings: dict[str, list[tuple[int, Opening]]] = {HOSPITAL: [], PHARMA: []}
    for index in range(count):
        parties = [p for p, step in ((PHARMA, 2), (HOSPITAL, 3)) if index % step == 0]
        commitments = []
        for party in parties:
            before = openings[party][-1:]
            prev = leaf_hash(bodies[before[0][0]]) if before else None
            salt = sha256(f"{label} {party} {index}".encode()).digest()
            opening = Opening(len(openings[party]) + 1, prev, salt)
            commitments.append(commit(salt, party, opening.seq, prev))
            openings[party].append((index, opening))
        identifier = f"0193593f-6c2a-7d10-9a3e-{index:012x}"
        bodies.append(record_json({"id": identifier, "label": label, "n": index, "parties": sorted(commitments)}))
    return SmallLog(bodies, openings)
