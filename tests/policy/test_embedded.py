"""The engine in process: one thread, no guesses, and a failure is a refusal."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.policy.decision import parse_decision
from gateway.policy.document import as_bytes
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.errors import PolicyUnavailable
from tests.policy.documents import document
from tests.policy.engines import bundle


def ask(engine, data=None):
    return asyncio.run(engine.evaluate(as_bytes(document()) if data is None else data))


def test_it_answers_under_its_bundles_digest():
    engine = EmbeddedEngine(bundle())
    assert parse_decision(ask(engine)).bundle == engine.digest == bundle().digest


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000 + b"]" * 100_000])
def test_input_that_cannot_be_read_is_no_decision_and_the_next_one_is(data):
    engine = EmbeddedEngine(bundle())
    with pytest.raises(PolicyUnavailable):
        ask(engine, data)
    assert parse_decision(ask(engine)).result == "permit"


def test_nothing_of_the_last_question_is_left_for_the_next():
    engine = EmbeddedEngine(bundle())
    assert parse_decision(ask(engine)).result == "permit"
    assert parse_decision(ask(engine, b"{}")).result == "deny"
    assert parse_decision(ask(engine)).result == "permit"


def test_another_thread_is_refused_before_the_interpreter_panics():
    engine = EmbeddedEngine(bundle())
    ask(engine)
    outcomes: list[str] = []

    def elsewhere() -> None:
        try:
            ask(engine)
        except PolicyUnavailable:
            outcomes.append("refused")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert outcomes == ["refused"]
    assert parse_decision(ask(engine)).result == "permit"


def test_closed_means_refused():
    engine = EmbeddedEngine(bundle())
    ask(engine)
    asyncio.run(engine.close())
    asyncio.run(engine.close())
    with pytest.raises(PolicyUnavailable):
        ask(engine)
