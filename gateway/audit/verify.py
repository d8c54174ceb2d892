"""Checking an export without the gateway: is it what the log's key signed, and if not, what is wrong and where.

Trusted is the key that was handed in, and nothing in the file. One pass, a line at a time. It goes on after a fault, so
that one report names all of them (up to `MAX_FINDINGS`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import ExportMalformed, NoteMalformed, ProofInvalid, SignatureUnverified, WitnessesMissing
from gateway.audit.export import (
    ENTRY_PREFIX,
    INDEX_MEMBER,
    MAX_LINE_BYTES,
    SEAL_PREFIX,
    Header,
    Opening,
    entry_tail,
    parse_header,
    seal_line,
    seal_text,
)
from gateway.audit.merkle import Frontier, leaf_hash, subtrees, verify_inclusion
from gateway.audit.note import Keys, Verified, as_keys, decode_base64, open_note
from gateway.audit.party_view import PartyView
from gateway.audit.report import Finding, PartyHead, Report, Word
from gateway.audit.witnesses import NO_WITNESSES, WitnessPolicy
from gateway.crypto.canonical import strict_json
from gateway.problems import Malformed, TooLarge

MAX_FINDINGS: Final = 100

_SEALED_PARTS = ("format", "origin", "number of entries", "header", "indices, leaf hashes, openings or proofs")
_HASH = rb'"[A-Za-z0-9+/]{43}="'
_TAIL = re.compile(
    rb',"index":(?P<index>0|[1-9][0-9]{0,18}),"leaf":"(?P<leaf>[0-9a-f]{64})"'
    rb'(?:,"opening":\{"prev":(?:null|"(?P<prev>[0-9a-f]{64})"),"salt":"(?P<salt>[0-9a-f]{64})",'
    rb'"seq":(?P<seq>[1-9][0-9]{0,14})\})?'
    rb'(?:,"proof":\[(?P<proof>(?:' + _HASH + rb"(?:," + _HASH + rb"){0,62})?)\])?\}\n"
)
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def verify_export(
    source: bytes | Path | BinaryIO,
    key: Keys,
    *,
    pinned: Checkpoint | None = None,
    after: PartyHead | None = None,
    witnesses: WitnessPolicy = NO_WITNESSES,
) -> Report:
    """Check an export to its last byte.

    `key`: the log's, or those that it has had, from elsewhere than the file. `pinned`: a checkpoint that was verified
    and kept earlier; the log must still contain it. `after`: where the party's view ended the last time; the numbering
    must go on from there.
    `witnesses`: enough of these must have cosigned the checkpoint.
    Memory is bounded by a line, whatever the file's size.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return _Verifier(key, pinned, after, witnesses).run(stream)
    return _Verifier(key, pinned, after, witnesses).run(io.BytesIO(source) if isinstance(source, bytes) else source)


class _Verifier:
    """The state of one pass. `frontier` is None once a range cannot lead to the root any more, and in selections."""

    def __init__(self, key: Keys, pinned: Checkpoint | None, after: PartyHead | None, witnesses: WitnessPolicy) -> None:
        self.keys = as_keys(key)
        self.witnesses = witnesses
        self.cosigned: tuple[Verified, ...] = ()
        self.pinned = pinned
        self.after = after
        self.findings: list[Finding] = []
        self.found = 0
        self.line = 0
        self.entries = 0
        self.next_index = 0
        self.checkpoint: Checkpoint | None = None
        self.pinned_agrees: bool | None = None
        self.frontier: Frontier | None = None
        self.view: PartyView | None = None
        self.tails = sha256()

    def run(self, stream: BinaryIO) -> Report:
        lines = _lines(stream)
        self.line = 1
        header_line = next(lines, b"")
        try:
            header = parse_header(header_line)
        except ExportMalformed as error:
            self._find(Word.INVALID, f"{error.detail} Nothing else in the file was checked.")
            return self._report(None)
        self._open(header)
        self._follow(header, header_line, lines)
        return self._report(header)

    def _report(self, header: Header | None) -> Report:
        return Report(
            findings=tuple(self.findings),
            more_findings=self.found - len(self.findings),
            entries=self.entries,
            header=header,
            checkpoint=self.checkpoint,
            pinned_agrees=self.pinned_agrees,
            party_head=self.view.head if self.view else None,
            cosigned=self.cosigned,
        )

    def _find(self, word: Word, sentence: str, index: int | None = None, event_id: str | None = None) -> None:
        self.found += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(word, self.line, sentence, index, event_id))

    def _follow(self, header: Header, header_line: bytes, lines: Iterator[bytes]) -> None:
        for line in lines:
            self.line += 1
            if line.startswith(SEAL_PREFIX):
                self._close(header, header_line, line)
                break
            self._entry(header, line)
        else:
            self._find(Word.MISSING, "The file ends before its seal: it was cut off, or never finished.")
        if next(lines, None) is not None:
            self.line += 1
            self._find(Word.INVALID, "There is something after the seal, which nobody signed.")

    # -- the header ------------------------------------------------------------------------------------------------

    def _open(self, header: Header) -> None:
        try:
            self.checkpoint = open_checkpoint(header.checkpoint, self.keys)
        except (NoteMalformed, SignatureUnverified) as error:
            self._find(Word.INVALID, f"The checkpoint is not one that this log signed. {error.detail}")
        else:
            self._ask_witnesses(header)
        if header.origin != self.keys[0].name:
            self._find(Word.INVALID, "The export is of another log than the key.")
        if header.party is not None:
            self.view = PartyView(header.party, self.after, complete=not header.filter)
        if header.kind == "range":
            self.next_index = header.first
            try:
                self.frontier = Frontier(header.first, header.left)
            except ProofInvalid:
                self._find(Word.INVALID, "The roots to the left of the range do not go with where it begins.")
        self._compare_checkpoints()
        self._compare_frontier()

    def _ask_witnesses(self, header: Header) -> None:
        try:
            self.cosigned = self.witnesses.cosigned(header.checkpoint)
        except WitnessesMissing as error:
            self._find(Word.MISSING, error.detail)
        except (NoteMalformed, SignatureUnverified) as error:
            self._find(Word.INVALID, f"A witness's line under the checkpoint is not its own. {error.detail}")

    def _compare_checkpoints(self) -> None:
        pinned, checkpoint = self.pinned, self.checkpoint
        if pinned is None or checkpoint is None:
            return
        if pinned.origin != checkpoint.origin:
            self._find(Word.INVALID, "The checkpoint you hold is of another log.")
        elif pinned.size > checkpoint.size:
            self._find(Word.MISSING, "The log is shorter here than by the checkpoint you hold.")
        elif pinned.size == checkpoint.size:
            self._compare_roots(pinned, checkpoint.root)

    def _compare_frontier(self) -> None:
        pinned, frontier = self.pinned, self.frontier
        if pinned is not None and frontier is not None and frontier.size == pinned.size:
            self._compare_roots(pinned, frontier.root())

    def _compare_roots(self, pinned: Checkpoint, root: bytes) -> None:
        if self.pinned_agrees is None:
            self.pinned_agrees = root == pinned.root
            if not self.pinned_agrees:
                self._find(Word.INVALID, "The log was rewritten: it does not contain the checkpoint you hold.")

    # -- the entries -----------------------------------------------------------------------------------------------

    def _entry(self, header: Header, line: bytes) -> None:
        self.entries += 1
        at = max(line.rfind(INDEX_MEMBER), 0)
        body, tail = line[len(ENTRY_PREFIX) : at], line[at:]
        self.tails.update(tail)
        if not line.startswith(ENTRY_PREFIX):
            self._find(Word.INVALID, "This line does not begin as an entry's.", self.next_index)
        leaf, record = leaf_hash(body), _record(body)
        if header.kind == "range" and record is not None and tail == entry_tail(self.next_index, leaf):
            self._take(leaf)  # the one way a line of a sound range looks; the rest says what is wrong
            return
        match = _TAIL.fullmatch(tail)
        if match is None:
            self._find(Word.INVALID, "This line is not written as an entry of an export is.", self.next_index)
            return
        self._judge(header, record, leaf, match)

    def _take(self, leaf: bytes) -> None:
        self.next_index += 1
        if self.frontier is not None:
            self.frontier.append(leaf)
            if self.pinned is not None:
                self._compare_frontier()

    def _judge(self, header: Header, record: dict[str, Any] | None, leaf: bytes, match: re.Match[bytes]) -> None:
        index, stated = int(match["index"]), bytes.fromhex(match["leaf"].decode())
        event_id = _event_id(record)
        if record is None:
            self._find(Word.INVALID, "The entry is not a JSON object.", index)
        if leaf != stated:
            self._find(Word.INVALID, "The entry and its leaf hash differ: one of them was changed.", index, event_id)
        if index < self.next_index:
            self._find(Word.MOVED, "This entry is repeated, or out of order.", index, event_id)
            self.next_index = index + 1
            return
        if header.kind == "range":
            self._judge_in_range(index, match)
        else:
            self._judge_alone(index, leaf, match, event_id)
            self._judge_opening(index, leaf, match, record)
        self.next_index = index
        self._take(stated)

    def _judge_in_range(self, index: int, match: re.Match[bytes]) -> None:
        if index > self.next_index:
            count = index - self.next_index
            self._find(Word.GAP, f"Entries are not here: {count}, from index {self.next_index} on.", index)
            self.frontier = None
        if match["salt"] is not None or match["proof"] is not None:
            self._find(Word.INVALID, "An entry of a range carries no opening or proof of its own.", index)

    def _judge_alone(self, index: int, leaf: bytes, match: re.Match[bytes], event_id: str | None) -> None:
        if self.checkpoint is None:
            return  # nothing to prove it to; said at the header
        texts = [text.strip('"') for text in (match["proof"] or b"").decode().split(",") if text]
        try:
            proof = [decode_base64(text) for text in texts]
            verify_inclusion(index, self.checkpoint.size, leaf, proof, self.checkpoint.root)
        except (ProofInvalid, NoteMalformed):
            sentence = "The entry is not proved to be in the log: it, its index or its proof was changed."
            self._find(Word.INVALID, sentence, index, event_id)

    def _judge_opening(self, index: int, leaf: bytes, match: re.Match[bytes], record: dict[str, Any] | None) -> None:
        event_id = _event_id(record)
        if (match["salt"] is None) != (self.view is None):
            self._find(Word.INVALID, "Openings go with a header that names a party, and only then.", index, event_id)
        elif self.view is not None:
            prev = bytes.fromhex(match["prev"].decode()) if match["prev"] else None
            opening = Opening(int(match["seq"]), prev, bytes.fromhex(match["salt"].decode()))
            self._find_all(self.view.follow(record, leaf, opening), index, event_id)

    def _find_all(self, faults: Iterable[tuple[Word, str]], *where: Any) -> None:
        for word, sentence in faults:
            self._find(word, sentence, *where)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _close(self, header: Header, header_line: bytes, line: bytes) -> None:
        if header.kind == "range":
            self._close_range(header)
        if self.view is not None:
            self._find_all(self.view.end())
        try:
            note = _parse_seal(line)
            text, _ = open_note(note, self.keys)
        except (ExportMalformed, NoteMalformed, SignatureUnverified) as error:
            self._find(Word.INVALID, f"The seal is not one that this log signed. {error.detail}")
            return
        here = seal_text(header.origin, self.entries, header_line, self.tails)
        if text != here:
            pairs = zip(_SEALED_PARTS, text.split("\n"), here.split("\n"), strict=False)
            parts = "; ".join(name for name, sealed, found in pairs if sealed != found) or "form"
            self._find(Word.INVALID, f"This is not what the log sealed. What differs: {parts}.")

    def _close_range(self, header: Header) -> None:
        if self.next_index < header.end:
            count = header.end - self.next_index
            self._find(Word.MISSING, f"Entries at the end of the range are not here: {count}.", self.next_index)
        elif self.next_index > header.end:
            self._find(Word.INVALID, "There are more entries than the header says.", header.end)
        elif self.checkpoint is not None and self.frontier is not None:
            try:
                self._climb(header, self.checkpoint, self.frontier)
            except ProofInvalid as error:
                self._find(Word.INVALID, error.detail)

    def _climb(self, header: Header, checkpoint: Checkpoint, frontier: Frontier) -> None:
        """From the range's end to the root, by the roots of what lies to the right of it."""
        levels = [level for level, _ in subtrees(header.end, checkpoint.size)]
        if header.end > checkpoint.size or len(levels) != len(header.right):
            raise ProofInvalid("The roots to the right of the range do not go with where it ends.")
        for level, root in zip(levels, header.right, strict=True):
            frontier.append_subtree(level, root)
            self._compare_frontier()
        if frontier.root() != checkpoint.root:
            raise ProofInvalid(
                "The range does not lead to the signed root: an entry was changed together with its leaf hash,"
                " or a root beside the range was."
            )


def _parse_seal(line: bytes) -> str:
    """The inverse of `seal_line`."""
    try:
        note = strict_json(line, max_bytes=MAX_LINE_BYTES, max_depth=1).get("seal")
    except (Malformed, TooLarge) as error:
        raise ExportMalformed("The line is not JSON.") from error
    if not isinstance(note, str) or seal_line(note) != line:
        raise ExportMalformed("The line is not written as a seal is.")
    return note


def _record(body: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _event_id(record: dict[str, Any] | None) -> str | None:
    """The id that the entry gives itself, if it is one: nothing else from a file goes into a report."""
    identifier = record.get("id") if record else None
    return identifier if isinstance(identifier, str) and _EVENT_ID.fullmatch(identifier) else None


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines with their newline; one that is too long comes in pieces, each of which then is a fault."""
    while line := stream.readline(MAX_LINE_BYTES):
        yield line
