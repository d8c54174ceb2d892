"""Asking one witness to cosign: the client's side of C2SP tlog-witness. Nothing that it answers is believed unread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import NoteMalformed, SignatureUnverified
from gateway.audit.merkle import MAX_SIZE
from gateway.audit.note import Keys, Note, Signature, as_keys, open_note, parse_note
from gateway.audit.submission import Submission, log_id, parse_size
from gateway.audit.witnesses import Witness

TRIES: Final = 4
MAX_ANSWER_BYTES: Final = 64 * 1024
TIMEOUT_S: Final = 3.0
AHEAD_S: Final = 30
OLD_S: Final = 3600

Proofs = Callable[[int, int], list[bytes]]
"""(old, size) to the consistency proof between them."""
Heads = Callable[[], str]
"""The newest checkpoint, as it is on disk now."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The witness has cosigned this checkpoint."""

    note: str
    line: Signature
    at: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The witness has cosigned another tree: `size` is its own. `proof`: what it shows that this log's key signed."""

    size: int
    proof: Checkpoint | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing that helps: no answer, or one that is none. `why` is a word or two."""

    why: str


Answer = Cosignature | Contradiction | Silence


class WitnessClient:
    """One witness, and the size that it cosigned last as far as is known.

    `keys`: the log's present one, and those before it: what it shows may have been signed by one of them.
    """

    def __init__(self, witness: Witness, http: httpx2.Client, keys: Keys) -> None:
        self.witness = witness
        self.size = 0
        self._http = http
        self._keys = as_keys(keys)

    def ask(self, note: str, heads: Heads, proofs: Proofs, *, now: int) -> Answer:
        """Submit a checkpoint, from whatever size the witness is at."""
        try:
            return self._ask(note, heads, proofs, now)
        except httpx2.TransportError as error:
            return Silence(type(error).__name__)
        except _TooLong:
            return Silence("answer too long")
        except (NoteMalformed, SignatureUnverified):
            return Silence("answer malformed")

    def _ask(self, note: str, heads: Heads, proofs: Proofs, now: int) -> Answer:
        checkpoint = open_checkpoint(note, self._keys)
        old = min(self.size, checkpoint.size)
        for _ in range(TRIES):
            proof = proofs(old, checkpoint.size) if 0 < old < checkpoint.size else []
            status, body = self._call("POST", "add-checkpoint", Submission(old, tuple(proof), note).format())
            if status == 200:
                found = self._cosignature(note, body, now)
                if isinstance(found, Cosignature):
                    self.size = checkpoint.size
                return found
            if status == 422:
                return self._contradiction(old)
            if status != 409:
                return Silence(f"HTTP {status}")
            size = parse_size(body)
            if size > checkpoint.size:  # another process may have been there with a newer one
                note = heads()
                checkpoint = open_checkpoint(note, self._keys)
            if size > checkpoint.size or size == old:
                return self._contradiction(size)
            old = self.size = size
        return Silence("answers go in circles")

    def _cosignature(self, note: str, body: bytes, now: int) -> Answer:
        """The line of the key we know this witness by, verified; others are nobody's."""
        base = parse_note(note)
        place = (self.witness.key.name, self.witness.key.id)
        lines = parse_note(f"{base.text}\n{body.decode(errors='replace')}").signatures
        own = [line for line in lines if (line.name, line.key_id) == place]
        [found] = open_note(Note(base.text, tuple(own)), [self.witness.key])[1]
        at = found.timestamp or 0
        if not now - OLD_S <= at <= now + AHEAD_S:
            return Silence("its clock is off")
        return Cosignature(note, own[0], at)

    def _contradiction(self, size: int) -> Contradiction:
        """What the witness shows for it, if it shows anything that this log's key signed."""
        try:
            status, body = self._call("GET", f"{log_id(self._keys[0].name)}/checkpoint", b"")
            shown = open_checkpoint(body, self._keys) if status == 200 else None
        except (httpx2.TransportError, _TooLong, NoteMalformed, SignatureUnverified):
            shown = None
        return Contradiction(min(size, MAX_SIZE), shown)

    def _call(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        deadline, answer = time.monotonic() + TIMEOUT_S, bytearray()
        url, headers = f"{self.witness.url}/{path}", {"accept-encoding": "identity"}
        # No redirects: the operator named this address and no other.
        with self._http.stream(method, url, content=body, headers=headers, follow_redirects=False) as response:
            for piece in response.iter_raw():
                answer += piece
                if len(answer) > MAX_ANSWER_BYTES:
                    raise _TooLong
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("the answer did not end in time")
            return response.status_code, bytes(answer)


class _TooLong(Exception):
    """More than any answer of a witness."""


def client() -> httpx2.Client:
    """What all witnesses of a log are asked with; safe between threads."""
    return httpx2.Client(timeout=TIMEOUT_S)
