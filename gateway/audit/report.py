"""What a check of an export found, as values; showing it is left to the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.export import Header
from gateway.audit.note import Verified


class Word(StrEnum):
    """What can be said of a place in an export."""

    INVALID = "invalid"  # it is there, and it is not what was signed
    MISSING = "missing"  # the file ends before it
    GAP = "gap"  # the places before and after it are there
    MOVED = "moved"  # it is there twice, or not where it belongs


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `line` counts from 1; `event_id` is what the entry itself says, true or not."""

    word: Word
    line: int
    sentence: str
    index: int | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class PartyHead:
    """How far a party's own view reaches: its last running number and that entry's leaf hash."""

    seq: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `valid` only if nothing was, to the last byte.

    `entries`: lines that should be entries. `checkpoint`: None when the log's key did not sign the one in the file.
    `pinned_agrees`: whether the checkpoint held before lies in this log; None when none was given or the file cannot
    tell. `party_head`: where the party's view ends in this file, to be kept for the next time. `cosigned`: the
    cosignatures under the checkpoint that were asked for.
    """

    findings: tuple[Finding, ...]
    more_findings: int
    entries: int
    header: Header | None
    checkpoint: Checkpoint | None
    pinned_agrees: bool | None
    party_head: PartyHead | None
    cosigned: tuple[Verified, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.findings
