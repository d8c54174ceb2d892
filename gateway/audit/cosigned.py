"""Cosigned checkpoints at rest: notes to which witnesses have added their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.audit.change import Outcome
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import LogDamaged
from gateway.audit.note import Note, Signature, VerifierKey, parse_note
from gateway.audit.reader import head
from gateway.audit.witnesses import WitnessPolicy
from gateway.db import Tx

KEPT = 32
"""Checkpoints newer than the last that has its quorum."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A stored checkpoint with its witnesses' lines; `at`: when the last of them came, seconds UTC."""

    size: int
    note: str
    at: int


def stored(tx: Tx) -> list[Cosigned]:
    """Newest first."""
    rows = tx.execute("SELECT size, note, at FROM log_cosigned ORDER BY size DESC LIMIT ?", (KEPT,)).fetchall()
    return [Cosigned(*row) for row in rows]


def newest_final(tx: Tx, policy: WitnessPolicy) -> Cosigned | None:
    """The newest checkpoint that enough witnesses have cosigned."""
    if policy.quorum is None:
        return None
    notes = stored(tx)
    return next((one for one in notes if policy.satisfied(found.key for found in policy.present(one.note))), None)


def published(tx: Tx, key: VerifierKey, policy: WitnessPolicy) -> tuple[str, Checkpoint]:
    """The checkpoint that is given out: the newest that has its quorum, and while there is none the newest of all.

    What witnesses cosigned under a key that was replaced since is of no use to who knows only the present one.
    """
    final = newest_final(tx, policy)
    if final is None or not _signed_by(final.note, key):
        return head(tx, key)
    return final.note, open_checkpoint(final.note, key)


def covering(tx: Tx, key: VerifierKey, policy: WitnessPolicy, index: int) -> tuple[str, Checkpoint]:
    """The published checkpoint if it covers the entry of this index, else the newest one, which nobody cosigned yet."""
    note, checkpoint = published(tx, key, policy)
    return (note, checkpoint) if checkpoint.size > index else head(tx, key)


def keep(tx: Tx, note: str, lines: Sequence[Signature], policy: WitnessPolicy, at: int) -> Outcome:
    """Add witnesses' verified lines to a checkpoint, and forget those that are older than the newest with a quorum."""
    base = parse_note(note)
    size = int(base.text.split("\n")[1])
    row = tx.execute("SELECT note FROM log_cosigned WHERE size = ?", (size,)).fetchone()
    known = base if row is None else parse_note(row[0])
    if known.text != base.text:
        raise LogDamaged(f"Two checkpoints of {size} entries are stored, and they differ.")
    fresh = {(line.name, line.key_id) for line in lines}
    older = tuple(line for line in known.signatures if (line.name, line.key_id) not in fresh)
    tx.execute(_UPSERT, (size, Note(base.text, (*older, *lines)).format(), at))
    final = newest_final(tx, policy)
    floor = stored(tx)[-1].size if final is None else final.size
    tx.execute("DELETE FROM log_cosigned WHERE size < ?", (floor,))
    return Outcome(())


def _signed_by(note: str, key: VerifierKey) -> bool:
    return any((line.name, line.key_id) == (key.name, key.id) for line in parse_note(note).signatures)


_UPSERT = (
    "INSERT INTO log_cosigned (size, note, at) VALUES (?, ?, ?)"
    " ON CONFLICT (size) DO UPDATE SET note = excluded.note, at = excluded.at"
)
