"""What a witness answers is believed only when it verifies; everything else is as good as silence."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest

from gateway.audit.note import KeyType, parse_note
from gateway.audit.submission import SIZE_TYPE, log_id
from gateway.audit.witness_client import MAX_ANSWER_BYTES, Answer, Contradiction, Cosignature, Silence, WitnessClient
from gateway.audit.witnesses import Witness
from gateway.cli.demo import free_port
from tests.audit.small_log import LOG, ORIGIN, OTHER_KEY, signer, small_log
from tests.witness.running import Stub, listening

KEY = LOG.verifier
WITNESS = signer("w.example/witness", 50, KeyType.COSIGNATURE)
ONE, FORK = small_log(8), small_log(8, "two")


def asked(*answers: tuple[int, bytes, dict[str, str]], now: int | None = None) -> tuple[Answer, Stub]:
    """What a client makes of these answers when it submits a checkpoint of eight entries."""
    stub, port = Stub(*answers), free_port()
    witness = Witness("w", WITNESS.verifier, f"http://127.0.0.1:{port}")
    with listening(stub, port), httpx2.Client(timeout=2) as http:
        found = WitnessClient(witness, http, KEY).ask(
            ONE.note(), ONE.note, lambda old, new: ONE.tree(new).consistency_proof(old), now=now or int(time.time())
        )
    return found, stub


def line(by: Any = WITNESS, note: str | None = None, at: int | None = None) -> bytes:
    signed = by.cosign(parse_note(note or ONE.note()), int(time.time()) if at is None else at)
    return str(signed.signatures[-1].line()).encode()


def test_the_line_asked_for_is_taken_and_others_are_nobodys() -> None:
    other = signer("other.example/witness", 51, KeyType.COSIGNATURE)
    found, _ = asked((200, line(other) + line(), {}))
    assert isinstance(found, Cosignature)
    assert found.line.name == "w.example/witness"


SHORTER = ONE.note(6)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"", {}),
        (200, b"yes\n", {}),
        (200, b"\xff\xfe\n", {}),
        (200, line(note=SHORTER), {}),
        (200, line(note=FORK.note()), {}),
        (200, line(signer("w.example/witness", 51, KeyType.COSIGNATURE)), {}),
        (200, line() + line(), {}),
        (200, line()[:-1], {}),
        (200, line(at=1), {}),
        (200, line(at=int(time.time()) + 3600), {}),
        (200, b"x" * (MAX_ANSWER_BYTES + 1), {}),
        (307, b"", {"location": "http://127.0.0.1:1/add-checkpoint"}),
        (403, b"", {}),
        (404, b"", {}),
        (500, b"", {}),
        (409, b"seven\n", {}),
        (409, b"", {}),
    ],
)
def test_an_answer_that_is_none_is_as_good_as_silence(answer: tuple[int, bytes, dict[str, str]]) -> None:
    found, stub = asked(answer)
    assert isinstance(found, Silence)
    assert stub.asked == ["POST /add-checkpoint"]


def test_a_witness_that_leads_in_circles_is_left() -> None:
    found, stub = asked(*((409, f"{n}\n".encode(), {"content-type": SIZE_TYPE}) for n in (3, 4, 3, 4, 3, 4)))
    assert found == Silence("answers go in circles")
    assert len(stub.asked) == 4


def test_a_larger_size_is_a_contradiction_and_its_proof_is_looked_for() -> None:
    longer = small_log(12)
    found, stub = asked((409, b"12\n", {}), (200, longer.note().encode(), {}))
    assert found == Contradiction(12, longer.checkpoint())
    assert stub.asked == ["POST /add-checkpoint", f"GET /{log_id(ORIGIN)}/checkpoint"]
    for shown in (b"", longer.note(by=OTHER_KEY).encode(), b"x" * 70_000):
        assert asked((409, b"12\n", {}), (200, shown, {}))[0] == Contradiction(12, None)


def test_a_refused_proof_is_a_contradiction() -> None:
    found, _ = asked((409, b"6\n", {}), (422, b"", {}), (200, FORK.note(6).encode(), {}))
    assert found == Contradiction(6, FORK.checkpoint(6))
    # An older form of the protocol answers a different root at one size with 409 and that size.
    assert asked((409, b"8\n", {}), (409, b"8\n", {}))[0] == Contradiction(8, None)
