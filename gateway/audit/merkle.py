"""The Merkle tree over the log's entries: hashes, roots and what proofs must satisfy (RFC 6962 section 2.1).

Pure: 32-byte hashes in and out. Indices start at 0, ranges are half-open. Nothing here knows what an entry says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from gateway.audit.errors import ProofInvalid

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
MAX_PROOF: Final = 63
EMPTY_ROOT: Final = sha256(b"").digest()

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry's stored bytes."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children."""
    return sha256(_NODE + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over roots of perfect subtrees, largest first: a tree's, or a range's whose begin is aligned."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


class Frontier:
    """The right edge of a tree: all a writer needs to go on, 32 bytes for each set bit of `size`."""

    __slots__ = ("_stack", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """`hashes`: the roots of `subtrees(0, size)`, in that order.

        Raises:
            ProofInvalid: their number or length does not go with the size.
        """
        if not 0 <= size <= MAX_SIZE or len(hashes) != size.bit_count() or any(len(h) != HASH_BYTES for h in hashes):
            raise ProofInvalid("A frontier holds one 32-byte hash for each set bit of the tree size.")
        self.size = size
        self._stack = list(hashes)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(self._stack)

    def append(self, leaf: bytes) -> None:
        """One more leaf (its hash) at index `size`."""
        # Kept apart from append_subtree and without calls: the writer and every verifier spend their time here.
        stack, carry = self._stack, self.size
        while carry & 1:
            leaf = sha256(_NODE + stack.pop() + leaf).digest()
            carry >>= 1
        stack.append(leaf)
        self.size += 1

    def append_subtree(self, level: int, root: bytes) -> None:
        """2**level leaves at once, by the root over them. `size` must be a multiple of 2**level.

        Raises:
            ProofInvalid: a subtree of this level cannot begin here.
        """
        if len(root) != HASH_BYTES or level < 0 or self.size & ((1 << level) - 1):
            raise ProofInvalid("A subtree begins at a multiple of its own width.")
        carry = self.size >> level
        while carry & 1:
            root = node_hash(self._stack.pop(), root)
            carry >>= 1
        self._stack.append(root)
        self.size += 1 << level

    def root(self) -> bytes:
        return fold(self._stack)

    def copy(self) -> Frontier:
        """Independent of this one: a batch can be tried on it."""
        return Frontier(self.size, self._stack)

    def to_bytes(self) -> bytes:
        """u64 size, then the hashes, largest subtree first."""
        return self.size.to_bytes(8, "big") + b"".join(self._stack)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """The inverse of `to_bytes`.

        Raises:
            ProofInvalid: not the exact length that goes with the size in it.
        """
        size, hashes = int.from_bytes(data[:8], "big"), data[8:]
        if len(data) < 8 or len(hashes) != size.bit_count() * HASH_BYTES:
            raise ProofInvalid("A frontier holds one 32-byte hash for each set bit of the tree size.")
        return cls(size, split_hashes(hashes))


def split_hashes(data: bytes) -> list[bytes]:
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def subtrees(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The fewest perfect subtrees that cover [begin, end), left to right: (level, index at that level)."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        yield level, begin >> level
        begin += 1 << level


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges whose roots prove that `index` is in a tree of `size`, leaf's sibling first (RFC 9162 2.1.3.1).

    Raises:
        ProofInvalid: there is no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid("There is no entry of that index in a tree of that size.")
    ranges, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(old: int, size: int) -> list[tuple[int, int]]:
    """The ranges whose roots prove that the tree of `size` continues that of `old` (RFC 9162 2.1.4.1).

    Raises:
        ProofInvalid: not 0 < old <= size.
    """
    if not 0 < old <= size <= MAX_SIZE:
        raise ProofInvalid("Consistency is proved between sizes 0 < old <= new.")
    ranges, begin, end = [], 0, size
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:  # the old root is no node of the new tree: its right edge has to be given
        ranges.append((begin, end))
    return ranges[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Accept only if `leaf` is at `index` of the tree with `size` leaves and this root (RFC 9162 2.1.3.2).

    Raises:
        ProofInvalid: it is not, or the proof does not show it.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid("There is no entry of that index in a tree of that size.")
    _check_hashes(leaf, root, *proof)
    last = size - 1
    inner = (index ^ last).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        raise ProofInvalid("The inclusion proof has not the length that goes with index and size.")
    node = leaf
    for sibling in proof:
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last or node != root:
        raise ProofInvalid("The inclusion proof does not lead to the signed root.")


def verify_consistency(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Accept only if the tree of `size` begins with that of `old` (RFC 9162 2.1.4.2). Nothing is proved from size 0.

    Raises:
        ProofInvalid: it does not, or the proof does not show it.
    """
    if not 0 < old <= size <= MAX_SIZE:
        raise ProofInvalid("Consistency is proved between sizes 0 < old <= new.")
    _check_hashes(old_root, root, *proof)
    if old == size:
        if proof or old_root != root:
            raise ProofInvalid("Two trees of one size have one root, and need no proof.")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not proof:
        raise ProofInvalid("A consistency proof between different sizes is not empty.")
    index, last = old - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old_node = node = path[0]
    for sibling in path[1:]:
        if not last:
            raise ProofInvalid("The consistency proof is too long.")
        if index & 1 or index == last:
            old_node, node = node_hash(sibling, old_node), node_hash(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last or old_node != old_root or node != root:
        raise ProofInvalid("The consistency proof does not lead from the old root to the new one.")


def _split(width: int) -> int:
    """The largest power of two strictly below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _check_hashes(*hashes: bytes) -> None:
    if len(hashes) > MAX_PROOF + 2 or any(len(h) != HASH_BYTES for h in hashes):
        raise ProofInvalid("A proof is at most 63 hashes of 32 bytes.")
