"""What a room hands to the log: a change to make inside its transaction, and the events that tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.audit.event import MAX_PARTIES, AuditEvent
from gateway.db import Tx
from gateway.problems import Problem


@dataclass(frozen=True, slots=True)
class Record:
    """One event to append, and the participants it concerns, each of which will see the entry."""

    event: AuditEvent
    parties: tuple[str, ...]

    def __post_init__(self) -> None:
        # Judged here, in the caller's hands: inside the writer it would take the whole batch down.
        if len(self.parties) > MAX_PARTIES:
            raise ValueError(f"an entry has at most {MAX_PARTIES} parties")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did: the events that tell it, what its caller gets, and the refusal it is answered with, if any.

    A change that raises a Problem leaves nothing behind, no entry either. One that returns a `problem` has its events
    recorded and the problem raised to its caller after the commit.
    """

    records: tuple[Record, ...]
    value: Any = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A committed change: where its events stand in the log (same order), the log's size then, and its value."""

    indices: tuple[int, ...]
    ids: tuple[str, ...]
    size: int
    value: Any


Change = Callable[[Tx], Outcome]
