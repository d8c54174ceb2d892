"""What a witness answers to a submission: the checks in the order that the protocol fixes, and the cosignature."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from gateway.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from gateway.audit.errors import NoteMalformed, ProofInvalid, SignatureUnverified
from gateway.audit.merkle import verify_consistency
from gateway.audit.note import Note, parse_note
from gateway.audit.submission import SIZE_TYPE, Submission, log_id, parse_submission
from gateway.clock import Clock
from gateway.witness.memory import Memory, Seen

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body, media type."""

    status: int
    body: str
    media_type: str = TEXT


class Judge:
    """Judges submissions one at a time; from any thread."""

    def __init__(self, memory: Memory, *, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._door = threading.Lock()

    def add_checkpoint(self, body: bytes) -> Answer:
        """200 with this witness's signature line, which is on disk by then; else why not, and nothing has changed."""
        try:
            submission = parse_submission(body)
            note = parse_note(submission.checkpoint)
            claimed = parse_checkpoint(note.text)
        except NoteMalformed as error:
            return Answer(400, f"{error.detail}\n")
        keys = self._memory.logs.get(claimed.origin)
        if keys is None:
            return Answer(404, "This witness does not know that log.\n")
        try:
            checkpoint = open_checkpoint(note, keys)
        except (NoteMalformed, SignatureUnverified) as error:
            return Answer(403, f"{error.detail}\n")
        if submission.old > checkpoint.size:
            return Answer(400, "The old size is above the checkpoint's.\n")
        # From what was seen to what is remembered is one step: two requests at once could lead the witness back.
        with self._door:
            return self._judge(submission, checkpoint)

    def last(self, log: str) -> Answer:
        """The last checkpoint cosigned of a log, by `log_id`; 404 if none."""
        for origin in self._memory.logs:
            seen = self._memory.seen(origin)
            if log == log_id(origin) and seen.note is not None:
                return Answer(200, seen.note)
        return Answer(404, "Nothing was cosigned of such a log.\n")

    def _judge(self, submission: Submission, checkpoint: Checkpoint) -> Answer:
        seen = self._memory.seen(checkpoint.origin)
        if submission.old != seen.size:
            return Answer(409, f"{seen.size}\n", SIZE_TYPE)
        try:
            _check_grown(seen, checkpoint, submission.proof)
        except ProofInvalid as error:
            if checkpoint.size == seen.size and checkpoint.root != seen.root:
                self._memory.keep_evidence(checkpoint.origin, submission.checkpoint)
            return Answer(422, f"{error.detail}\n")
        now = int(self._clock())
        if now < seen.at:
            return Answer(503, "This witness's clock is behind its own last signature.\n")
        # Only the log's own lines are kept beside ours: what else was sent is nobody's word here.
        known = {(key.name, key.id) for key in self._memory.logs[checkpoint.origin]}
        bare = parse_note(submission.checkpoint)
        own = [line for line in bare.signatures if (line.name, line.key_id) in known]
        cosigned = self._memory.signer.cosign(Note(bare.text, tuple(own)), now)
        self._memory.remember(checkpoint.origin, Seen(checkpoint.size, checkpoint.root, now, cosigned.format()))
        return Answer(200, cosigned.signatures[-1].line())


def _check_grown(seen: Seen, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if seen.size == 0:  # nothing is proved from nothing: any tree continues the empty one
        if proof:
            raise ProofInvalid("Nothing is proved from size 0.")
        return
    verify_consistency(seen.size, checkpoint.size, seen.root, checkpoint.root, proof)
