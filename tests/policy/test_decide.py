"""What comes back from an engine is trusted for nothing; what goes in is checked first."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.policy.decide import MAX_DOCUMENT_BYTES, decide
from gateway.policy.decision import parse_decision
from gateway.policy.errors import PolicyUnavailable
from tests.policy.documents import changed, document
from tests.policy.engines import bundle, decided, embedded

DIGEST = "sha256:" + "11" * 32
REASON = {
    "rule": "core_data",
    "code": "DSL-01",
    "effect": "deny",
    "text": "Core data.",
    "facts": {},
    "source": "DSL 21",
    "remedy": "None.",
}
PERMIT = {"result": "permit", "bundle": DIGEST, "reasons": [], "obligations": [], "limits": {"mode": "M5"}}
DENY = PERMIT | {"result": "deny", "reasons": [REASON]}


class Answers:
    """An engine that always answers the same, whatever that is."""

    name = "answers"
    digest = DIGEST

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked = 0

    async def evaluate(self, document: bytes) -> bytes:
        self.asked += 1
        return self.answer

    async def close(self) -> None:
        return None


def decide_by(answer, asked=None):
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return asyncio.run(decide(Answers(data), DIGEST, asked or document()))


def test_a_well_formed_answer_is_the_decision():
    assert decide_by(PERMIT).result == "permit"
    assert decide_by(DENY).result == "deny"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not json",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b'"<undefined>"',
        {key: value for key, value in PERMIT.items() if key != "limits"},
        PERMIT | {"result": "allow"},
        PERMIT | {"result": True},
        PERMIT | {"result": "Permit"},
        PERMIT | {"reasons": [REASON]},
        PERMIT | {"note": "also fine"},
        PERMIT | {"bundle": "sha256:" + "22" * 32},
        PERMIT | {"bundle": None},
        PERMIT | {"limits": {"mode": "M7"}},
        PERMIT | {"limits": {"mode": "M4"}},
        PERMIT | {"limits": {"mode": "M5", "rows": 1}},
        PERMIT | {"obligations": ["drop"]},
        PERMIT | {"obligations": [{"column": "age"}]},
        PERMIT | {"obligations": [{"kind": "cap_rows", "rows": 0.5}]},
        DENY | {"reasons": []},
        DENY | {"result": "refer"},
        DENY | {"obligations": [{"kind": "keep_record", "years": 3}]},
        DENY | {"reasons": [REASON | {"effect": "permit"}]},
        DENY | {"reasons": [REASON | {"effect": "refer"}]},
        DENY | {"reasons": [REASON | {"facts": {"n": 1.5}}]},
        DENY | {"reasons": [{key: value for key, value in REASON.items() if key != "remedy"}]},
    ],
)
def test_anything_else_is_no_decision(answer):
    with pytest.raises(PolicyUnavailable):
        decide_by(answer)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        changed({"contract": ...}),
        changed({"request.purpose.id": "P99"}),
        changed({"context.now": 1.0}),
        changed({"request.columns": ["x" * 128] * 2000, "contract.columns": ["x" * 128] * 9000}),
    ],
    ids=["empty", "no contract", "unknown purpose", "fraction", "too large"],
)
def test_a_document_that_does_not_fit_is_denied_and_no_engine_asked(asked):
    engine = Answers(json.dumps(PERMIT).encode())
    decision = asyncio.run(decide(engine, DIGEST, asked))
    assert decision.result == "deny"
    assert {(reason.rule, reason.code) for reason in decision.reasons} == {("input_complete", "GEN-01")}
    assert engine.asked == 0
    assert MAX_DOCUMENT_BYTES == 1024 * 1024


def test_a_document_without_end_is_denied():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    decision = decided(changed({"request.columns": deep}))
    assert decision.result == "deny"


def test_the_faults_name_their_places():
    decision = decided(changed({"contract.status": "lively", "request.mode": "M9"}))
    assert [reason.facts["path"] for reason in decision.reasons] == ["/contract/status", "/request/mode"]


def test_another_bundle_than_the_active_one_decides_nothing():
    with pytest.raises(PolicyUnavailable):
        asyncio.run(decide(embedded(), "sha256:" + "00" * 32, document()))
    assert asyncio.run(decide(embedded(), bundle().digest, document())).result == "permit"


def test_the_bytes_do_not_depend_on_who_sorted():
    second = REASON | {"rule": "contract_mode", "code": "GEN-03"}
    owed = [{"kind": "keep_record", "years": 3}, {"kind": "drop", "column": "a"}]
    for one, other in (
        (DENY | {"reasons": [REASON, second]}, DENY | {"reasons": [second, REASON]}),
        (PERMIT | {"obligations": owed}, PERMIT | {"obligations": owed[::-1]}),
    ):
        first, turned = (parse_decision(json.dumps(answer).encode()) for answer in (one, other))
        assert first.as_bytes() == turned.as_bytes()


def test_asking_again_gives_the_same_bytes():
    for asked in (document(), changed({"contract.status": "revoked", "request.mode": "M6"})):
        assert decided(asked).as_bytes() == decided(asked).as_bytes()
