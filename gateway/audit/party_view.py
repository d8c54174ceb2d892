"""One party's own numbering through an export: each entry opened to it, none left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.audit.commit import opens
from gateway.audit.export import Opening
from gateway.audit.report import PartyHead, Word


class PartyView:
    """Follows the openings of `party`. `after`: where its view ended the last time it looked.

    The numbering begins at 1, or goes on from `after`. `complete`: whether nothing may be left out; an export by a
    filter leaves out by its nature, and only each opening for itself can be judged.
    """

    def __init__(self, party: str, after: PartyHead | None, *, complete: bool) -> None:
        self.party = party
        self.after = after
        self.complete = complete
        self.head: PartyHead | None = None

    def follow(self, record: Any, leaf: bytes, opening: Opening) -> Iterator[tuple[Word, str]]:
        """What is wrong with the next entry of this party; nothing, if all is well."""
        commitments = record.get("parties") if isinstance(record, dict) else None
        texts = [c for c in commitments if isinstance(c, str)] if isinstance(commitments, list) else []
        if not any(opens(c, opening.salt, self.party, opening.seq, opening.prev) for c in texts):
            yield Word.INVALID, "The entry commits to another number for this party."
        if self.after is not None and opening.seq == self.after.seq and leaf != self.after.leaf:
            yield Word.INVALID, "The log was rewritten: the last entry that this party holds is another one here."
        if self.complete:
            yield from self._continue(opening)
        self.head = PartyHead(opening.seq, leaf)

    def end(self) -> Iterator[tuple[Word, str]]:
        """What the end of the file says about the view: it must not be shorter than the one already held."""
        if self.complete and self.after is not None and self.head is not None and self.head.seq < self.after.seq:
            yield Word.MISSING, f"This party already holds entries up to {self.after.seq}; here they end before."

    def _continue(self, opening: Opening) -> Iterator[tuple[Word, str]]:
        last = self.head
        if last is None and self.after is not None and opening.seq > 1:
            last = self.after
        expected = last.seq + 1 if last else 1
        if opening.seq > expected:
            count = opening.seq - expected
            yield Word.GAP, f"Entries of this party are not here: {count}, from its number {expected} on."
        elif opening.seq < expected:
            yield Word.MOVED, f"The party's numbering goes back from {expected - 1} to {opening.seq}."
        elif last is not None and opening.prev != last.leaf:
            yield Word.INVALID, "The party's entry before this one is another than this one names."
