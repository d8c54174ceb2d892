"""The whole log judged against its own head: every entry's bytes, every leaf, every tile, the signed checkpoint.

Run before a gateway begins to write. About 10 µs an entry; it takes no lock, other processes go on writing.
"""

from __future__ import annotations

from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.errors import LogDamaged, NoteMalformed, ProofInvalid, SignatureUnverified
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.note import VerifierKey
from gateway.audit.reader import all_entries
from gateway.audit.tiles import TileBuilder, tile_root
from gateway.audit.tree import Head, read_head
from gateway.db import Tx


def check_log(tx: Tx, key: VerifierKey) -> Head:
    """The head, once everything below it adds up to it.

    Raises:
        LogDamaged: something was changed, removed or added at rest; says what was met first.
    """
    head = read_head(tx)
    frontier, tiles, size = Frontier(), TileBuilder(), 0
    for entry in all_entries(tx, begin=0, end=head.size):
        if entry.index != size:
            raise LogDamaged(f"Entry {size} of the log is missing.")
        if leaf_hash(entry.body) != entry.leaf:
            raise LogDamaged(f"Entry {size} of the log is not what was hashed.")
        frontier.append(entry.leaf)
        for level, n, hashes in tiles.append(entry.leaf):
            _check_tile(tx, level, n, hashes)
        size += 1
    if size != head.size:
        raise LogDamaged(f"Entry {size} of the log is missing.")
    if frontier.to_bytes() != head.frontier:
        raise LogDamaged("The stored entries do not add up to the stored head of the log.")
    check_checkpoint(head, key)
    return head


def check_checkpoint(head: Head, key: VerifierKey) -> None:
    """The checkpoint says what the head says, and this log's key signed it.

    Raises:
        LogDamaged: it does not.
    """
    try:
        checkpoint = open_checkpoint(head.note, key)
        root = Frontier.from_bytes(head.frontier).root()
    except (NoteMalformed, SignatureUnverified, ProofInvalid) as error:
        raise LogDamaged("The stored checkpoint is not signed by this log's key.") from error
    if (checkpoint.size, checkpoint.root) != (head.size, root):
        raise LogDamaged("The stored checkpoint is of another tree than the stored head.")


def _check_tile(tx: Tx, level: int, n: int, hashes: bytes) -> None:
    row = tx.execute("SELECT root, hashes FROM log_tile WHERE level = ? AND n = ?", (level, n)).fetchone()
    if row is None:
        raise LogDamaged(f"Tile {level}/{n} of the log is missing.")
    if bytes(row[1]) != hashes or bytes(row[0]) != tile_root(hashes):
        raise LogDamaged(f"Tile {level}/{n} of the log is not what its entries hash to.")
