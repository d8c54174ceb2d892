"""What a permit may be believed for without asking again: the same question, and no time of its input passed."""

from __future__ import annotations

import asyncio
import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.bundle import load_bundle
from gateway.policy.decide import decide
from gateway.policy.decision import Decision
from gateway.policy.document import Document, composed, part
from gateway.policy.memory import LIFE_S, MAX_BYTES, PERMITS, DecisionMemory
from tests.policy.documents import NOW, changed, document, export_approval, furnished
from tests.policy.engines import POLICIES, bundle, decided, embedded, whole_bundle, whole_embedded
from tests.policy.inputs import inputs


def made(whole: dict[str, Any]) -> Document:
    return composed({name: part(name, member) for name, member in whole.items()})


def at(whole: dict[str, Any], now: int) -> Document:
    return made({**copy.deepcopy(whole), "context": {"now": now}})


def asked(whole: Document) -> Decision:
    return asyncio.run(decide(embedded(), bundle().digest, whole))


def kept(whole: dict[str, Any]) -> tuple[DecisionMemory, Decision]:
    memory, decision = DecisionMemory(bundle().ages), asked(made(whole))
    memory.keep(made(whole), decision)
    return memory, decision


def recalled(memory: DecisionMemory, whole: Document, digest: str | None = None) -> Decision | None:
    return memory.recall(digest or bundle().digest, whole)


def test_a_permit_is_recalled_for_the_same_question_a_little_later() -> None:
    memory, decision = kept(document())
    assert decision.result == "permit"
    assert recalled(memory, at(document(), NOW)) is decision
    assert recalled(memory, at(document(), NOW + LIFE_S - 1)) is decision


def test_it_is_forgotten_after_its_life_and_never_believed_for_the_past() -> None:
    memory, _ = kept(document())
    assert recalled(memory, at(document(), NOW + LIFE_S)) is None
    assert recalled(memory, at(document(), NOW - 1)) is None


def test_it_ends_with_the_next_time_of_its_input() -> None:
    whole = changed({"contract.valid_to": NOW + 20})
    memory, decision = kept(whole)
    assert decision.result == "permit"
    assert recalled(memory, at(whole, NOW + 19)) is decision
    assert recalled(memory, at(whole, NOW + 20)) is None


def test_an_approval_that_ends_ends_the_permit() -> None:
    whole = changed({"user.accessing_from": "DE"})
    whole["approvals"]["export"] = [export_approval(mechanism="assessment", valid_to=NOW + 5)]
    memory, decision = kept(whole)
    assert decision.result == "permit"
    assert recalled(memory, at(whole, NOW + 4)) is decision
    assert recalled(memory, at(whole, NOW + 5)) is None
    assert asked(at(whole, NOW + 5)).result == "deny"


@pytest.mark.parametrize(
    ("place", "value"),
    [("request.columns", ["age"]), ("user.id", "a-ffffffffffffffffffff"), ("contract.status", "revoked")],
)
def test_another_question_is_another_question(place: str, value: Any) -> None:
    memory, _ = kept(document())
    assert recalled(memory, made(changed({place: value}))) is None


def test_another_bundle_is_asked_again() -> None:
    memory, _ = kept(document())
    assert recalled(memory, made(document()), "sha256:" + "22" * 32) is None


def test_refusals_are_worked_out_each_time() -> None:
    memory, decision = kept(changed({"dataset.core_data": True}))
    assert decision.result == "deny"
    assert recalled(memory, made(changed({"dataset.core_data": True}))) is None


def test_memory_is_bounded() -> None:
    memory, decision = kept(document())
    for n in range(PERMITS):
        memory.keep(made(changed({"user.id": f"a-{n:020x}"})), decision)
    assert recalled(memory, made(document())) is None
    assert recalled(memory, made(changed({"user.id": f"a-{PERMITS - 1:020x}"}))) is decision
    wide = changed({"request.columns": [f"{n:060}" for n in range(MAX_BYTES // 60)]})
    memory.keep(made(wide), decision)
    assert recalled(memory, made(wide)) is None


def test_an_age_that_is_reached_ends_the_permit() -> None:
    rules = whole_bundle()
    (limit,) = [age for age in rules.ages if age == 86_400]
    whole = changed({"contract.valid_from": NOW - 2 * limit}, furnished())
    whole["dataset"]["consent"]["withdrawals_applied_at"] = NOW - limit + 10
    decision = decided(whole, whole_embedded())
    assert decision.result == "permit"
    memory = DecisionMemory(rules.ages)
    memory.keep(made(whole), decision)
    ends = next(
        second for second in range(30) if decided(at(whole, NOW + second).value, whole_embedded()).result != "permit"
    )
    assert recalled(memory, at(whole, NOW + ends - 2), rules.digest) is decision  # at the limit itself it asks
    assert recalled(memory, at(whole, NOW + ends), rules.digest) is None


@given(inputs(), st.integers(0, 2 * LIFE_S))
@settings(max_examples=150)
def test_what_is_recalled_is_what_would_be_answered(whole: dict[str, Any], later: int) -> None:
    memory, _ = kept(whole)
    then = at(whole, whole["context"]["now"] + later)
    answer = recalled(memory, then)
    if answer is not None:
        assert answer.as_bytes() == asked(then).as_bytes()


def test_the_rules_do_no_more_with_the_time_than_compare_it() -> None:
    compared = re.compile(r"(<=?|>=?) (input|document)\.context\.now\b|\b(input|document)\.context\.now (<=?|>=?) ")
    for path, text in whole_bundle().modules.items():
        for line in text.splitlines():
            if re.search(r"\bcontext\b", line.partition("#")[0]):
                harmless = '"context.now"' in line or "is_number(input.context.now)" in line
                assert harmless or compared.search(line), f"{path}: {line.strip()}"


def test_a_bundle_that_does_not_say_so_is_not_remembered(tmp_path: Any) -> None:
    assert bundle().compares_clock
    for source in POLICIES.rglob("*"):
        target = tmp_path / source.relative_to(POLICIES)
        if source.is_dir():
            target.mkdir()
        elif source.relative_to(POLICIES).as_posix() != "access/decision/data.json":
            target.write_bytes(source.read_bytes())
    assert not load_bundle(tmp_path).compares_clock
