"""Rules that decide nothing yet run in a process of their own: what they break is theirs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from gateway.policy import trial
from gateway.policy.bundle import read_folder
from gateway.policy.document import as_bytes
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.trial import BATCH, Trial
from tests.policy.documents import changed, document
from tests.policy.engines import POLICIES, bundle, decided

RULE = "access/rules/core_data/core_data.rego"


def files(**texts: str) -> dict[str, bytes]:
    return read_folder(POLICIES) | {path.replace("__", "/") + ".rego": text.encode() for path, text in texts.items()}


def with_rule(text: str) -> dict[str, bytes]:
    return read_folder(POLICIES) | {RULE: f"# A rule.\npackage access.rules\n\n{text}\n".encode()}


def one(made: Trial, whole: dict[str, Any] | None = None) -> Any:
    return next(iter(made.decide([as_bytes(whole or document())])))


def test_it_decides_as_the_gateway_does() -> None:
    asked = [document(), changed({"dataset.core_data": True}), changed({"request.mode": "M4"})] * BATCH
    with Trial(files()) as made:
        assert made.digest == bundle().digest
        answers = list(made.decide([as_bytes(whole) for whole in asked]))
    assert [answer.as_bytes() for answer in answers if answer] == [decided(whole).as_bytes() for whole in asked]


def test_a_flipped_byte_is_another_bundle() -> None:
    flipped = files()
    flipped[RULE] = flipped[RULE].replace(b"out of reach", b"out of Reach")
    with Trial(flipped) as made:
        assert made.digest != bundle().digest


def test_a_missing_rule_is_refused() -> None:
    without = {path: content for path, content in files().items() if not path.startswith("access/rules/core_data/")}
    with pytest.raises(BundleInvalid, match="core_data"):
        Trial(without)


def test_text_that_does_not_compile_is_refused() -> None:
    with pytest.raises(BundleInvalid):
        Trial(with_rule('verdict["core_data"] := "ok" if {'))


def test_a_rule_that_loops_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "ANSWER_S", 1.0)
    text = (
        'verdict["core_data"] := "ok" if {\n\tcount([1 |\n\t\tsome i in numbers.range(1, 30000)\n'
        "\t\tsome j in numbers.range(1, 30000)\n\t\ti + j == 0\n\t]) == 0\n}"
    )
    with Trial(with_rule(text)) as made, pytest.raises(PolicyUnavailable, match="longer"):
        one(made)


def test_a_rule_that_crashes_its_process_does_not_crash_ours() -> None:
    text = 'core_data_f(x) := core_data_f(x + 1)\n\nverdict["core_data"] := "ok" if core_data_f(1)'
    with Trial(with_rule(text)) as made, pytest.raises(PolicyUnavailable, match="died"):
        one(made)


def test_a_rule_that_eats_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "ANSWER_S", 20.0)
    text = (
        'verdict["core_data"] := "ok" if {\n\tcount([concat("", ["x", sprintf("%d", [i * j])]) |\n'
        "\t\tsome i in numbers.range(1, 20000)\n\t\tsome j in numbers.range(1, 20000)\n\t]) == 0\n}"
    )
    with Trial(with_rule(text)) as made, pytest.raises(PolicyUnavailable):
        one(made)


def test_nothing_of_the_gateways_environment_is_in_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORRIDOR_PASSPHRASE_FILE", "/secret")
    seen: dict[str, Any] = {}
    real = subprocess.Popen

    def watched(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs["env"])
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", watched)
    with Trial(files()) as made:
        assert one(made).result == "permit"
    assert not [name for name in seen if name.startswith("CORRIDOR")]
    assert json.dumps(seen)
