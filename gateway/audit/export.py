"""Exports: entries in a file that proves itself, `corridor-export/1`, one JSON object in RFC 8785 form per line.

    {"checkpoint": …, "format": "corridor-export/1", …}        the header, see `Header`
    {"entry": {…}, "index": 7, "leaf": "<hex>"}                an entry of a range
    {"entry": {…}, "index": 9, "leaf": "<hex>", "opening": {…}, "proof": […]}     an entry of a selection
    {"seal": "<note>"}                                         the log's signature

The entry stands there as its stored bytes. A range [first, end) needs no proof per entry: with the roots left and right
of it, its leaves add up to the checkpoint's root. A selection carries an inclusion proof per entry; a party's, also
the opening of its commitment, which shows that nothing of its own is missing.

The seal signs the header, and of each line what follows the entry. The leaf hash in there binds the entry, so that
every byte is bound and the bulk is hashed only once. Written and read in one pass, a line at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal, Protocol

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import ExportMalformed, LogDamaged, ProofInvalid
from gateway.audit.merkle import HASH_BYTES, leaf_hash, subtrees, verify_inclusion
from gateway.audit.note import NoteSigner, decode_base64, encode_base64
from gateway.audit.tiles import TreeView
from gateway.crypto.canonical import canonical_json, strict_json
from gateway.problems import Malformed, TooLarge

FORMAT: Final = "corridor-export/1"
MEDIA_TYPE: Final = "application/corridor-export+jsonl"
MAX_LINE_BYTES: Final = 256 * 1024
ENTRY_PREFIX: Final = b'{"entry":'
SEAL_PREFIX: Final = b'{"seal":'
INDEX_MEMBER: Final = b',"index":'

_HOW = "corridor audit verify FILE --key KEY, with the log's key from a source you trust"

Kind = Literal["range", "selection"]


class Digest(Protocol):
    """What hashlib gives."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Header:
    """What the file is. `checkpoint`: the log's signed note. `first`, `end`, `left`, `right`: of a range only.

    `filter`: what was asked for, as names and values; the log cannot prove that nothing else matched. `party`: whose
    openings the entries carry.
    """

    kind: Kind
    origin: str
    checkpoint: str
    made_at: str
    first: int = 0
    end: int = 0
    left: tuple[bytes, ...] = ()
    right: tuple[bytes, ...] = ()
    filter: Mapping[str, str] = field(default_factory=dict)
    party: str | None = None

    def line(self) -> bytes:
        members = {name: getattr(self, name) for name in self.__slots__}
        hashes = {side: [encode_base64(h) for h in members[side]] for side in ("left", "right")}
        constants = {"format": FORMAT, "verify": _HOW}
        return canonical_json({**members, **hashes, "filter": dict(self.filter), **constants}) + b"\n"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a party is told of its commitment in an entry (see `commit`)."""

    seq: int
    prev: bytes | None
    salt: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the store holds it, and the asking party's opening."""

    index: int
    body: bytes
    opening: Opening | None = None


def parse_header(line: bytes) -> Header:
    """The inverse of `Header.line`.

    Raises:
        ExportMalformed: anything else, also the same in another order or spacing.
    """
    try:
        members = strict_json(line, max_bytes=MAX_LINE_BYTES, max_depth=3)
        header = Header(
            **{
                **{name: members[name] for name in Header.__slots__},
                **{side: tuple(map(decode_base64, members[side])) for side in ("left", "right")},
            }
        )
        sound = header.line() == line and _is_typed(header)
    except (Malformed, TooLarge, KeyError, TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise ExportMalformed(f"The first line is not the header of an export of the format {FORMAT}.")
    return header


def entry_tail(index: int, leaf: bytes, opening: Opening | None = None, proof: Iterable[bytes] | None = None) -> bytes:
    """What follows the entry in its line, and is sealed."""
    tail = b'%s%d,"leaf":"%s"' % (INDEX_MEMBER, index, leaf.hex().encode())
    if opening is not None:
        prev = opening.prev.hex() if opening.prev else None
        tail += b',"opening":' + canonical_json({"prev": prev, "salt": opening.salt.hex(), "seq": opening.seq})
    if proof is not None:
        tail += b',"proof":' + canonical_json([encode_base64(h) for h in proof])
    return tail + b"}\n"


def seal_text(origin: str, count: int, header: bytes, tails: Digest) -> str:
    """What the log's key signs under an export. It can never be taken for a checkpoint, which has three lines."""
    digests = (sha256(header).digest(), tails.digest())
    return "\n".join([FORMAT, origin, str(count), *map(encode_base64, digests), ""])


def seal_line(note: str) -> bytes:
    return canonical_json({"seal": note}) + b"\n"


def export_range(
    bodies: Iterable[bytes], first: int, end: int, *, checkpoint: str, tree: TreeView, signer: NoteSigner, made_at: str
) -> Iterator[bytes]:
    """The lines of an export of entries [first, end), in order; `bodies` yields their stored bytes.

    `tree`: as large as the checkpoint says. `made_at`: an instant, as `clock.instant` writes it.

    Raises:
        LogDamaged: before the seal, when the entries do not add up to the checkpoint. An export without its seal is
            worth nothing.
    """
    head = _open_own(checkpoint, tree, signer)
    if not 0 <= first <= end <= head.size:
        raise ProofInvalid("The log does not have entries of that range yet.")
    frontier, right = tree.frontier(first), tree.range_hashes(end, head.size)
    header = Header(
        "range", head.origin, checkpoint, made_at, first, end, left=frontier.hashes, right=tuple(right)
    ).line()
    tails = sha256()
    yield header
    for body in bodies:
        leaf = leaf_hash(body)
        tail = entry_tail(frontier.size, leaf)
        frontier.append(leaf)
        tails.update(tail)
        yield ENTRY_PREFIX + body + tail
    count = frontier.size - first
    if frontier.size == end:
        for (level, _), root in zip(subtrees(end, head.size), right, strict=True):
            frontier.append_subtree(level, root)
    if frontier.size != head.size or frontier.root() != head.root:
        raise LogDamaged("The stored entries do not add up to the log's checkpoint; the export was broken off.")
    yield seal_line(signer.sign(seal_text(head.origin, count, header, tails)))


def export_selection(
    rows: Iterable[Row],
    *,
    checkpoint: str,
    tree: TreeView,
    signer: NoteSigner,
    made_at: str,
    filter: Mapping[str, str] | None = None,
    party: str | None = None,
) -> Iterator[bytes]:
    """The lines of an export of some entries, by rising index, each with its proof; with a `party`, also its opening.

    Raises:
        ProofInvalid: the log has no such index, or not in rising order.
        LogDamaged: an entry is not what the tree holds at its index, or its opening is missing.
    """
    head = _open_own(checkpoint, tree, signer)
    header = Header("selection", head.origin, checkpoint, made_at, filter=filter or {}, party=party).line()
    tails, count, after = sha256(), 0, 0
    yield header
    for row in rows:
        if row.index < after:
            raise ProofInvalid("The entries of an export come by rising index, each once.")
        after = row.index + 1
        leaf, proof = leaf_hash(row.body), tree.inclusion_proof(row.index)
        try:
            verify_inclusion(row.index, head.size, leaf, proof, head.root)
        except ProofInvalid as error:
            raise LogDamaged("A stored entry is not what the log's tree holds; the export was broken off.") from error
        if (row.opening is None) != (party is None):
            raise LogDamaged("An entry's opening is not there; the export was broken off.")
        tail = entry_tail(row.index, leaf, row.opening, proof)
        tails.update(tail)
        count += 1
        yield ENTRY_PREFIX + row.body + tail
    yield seal_line(signer.sign(seal_text(head.origin, count, header, tails)))


def _open_own(checkpoint: str, tree: TreeView, signer: NoteSigner) -> Checkpoint:
    head = open_checkpoint(checkpoint, signer.verifier)
    if tree.size != head.size or tree.root() != head.root:
        raise LogDamaged("The log's tiles do not lead to its checkpoint.")
    return head


def _is_typed(header: Header) -> bool:
    texts: list[Any] = [header.origin, header.checkpoint, header.made_at, header.party or "", *header.filter.values()]
    return (
        header.kind in ("range", "selection")
        and all(isinstance(text, str) for text in texts)
        and type(header.first) is type(header.end) is int
        and 0 <= header.first <= header.end
        and all(len(h) == HASH_BYTES for h in (*header.left, *header.right))
    )
