"""Rules that decide nothing yet run in a process of their own: what they break is theirs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from gateway.policy import trial
from gateway.policy.bundle import bundle_of, read_folder
from gateway.policy.document import as_bytes
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.store import bundle_from, content_of
from gateway.policy.trial import BATCH, Trial
from tests.policy.documents import changed, document
from tests.policy.engines import POLICIES, bundle, decided, whole_bundle

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


def test_rules_of_another_time_decide_again_as_they_did() -> None:
    """A rule that the floor has since asks for must not make yesterday's decisions unrepeatable."""
    then = {
        path: content for path, content in files().items() if not path.startswith("access/obligations/round_counts")
    }
    with pytest.raises(BundleInvalid, match="round_counts"):
        Trial(then)
    with Trial(then, floor=False) as made:
        answer = one(made)
    assert (answer.result, answer.bundle) == ("permit", made.digest)
    content = content_of(bundle_of(then, floor=False))
    assert bundle_from(content, made.digest, floor=False).digest == made.digest
    with pytest.raises(BundleInvalid, match="round_counts"):
        bundle_from(content, made.digest)


def test_text_that_does_not_compile_is_refused() -> None:
    with pytest.raises(BundleInvalid, match=r"core_data\.rego:\d+:\d+"):
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


TEST = "access/rules/core_data/core_data_test.rego"


def with_test(text: str, path: str = TEST) -> dict[str, bytes]:
    package = f"access.rules_test.{path.split('/')[-2]}_test"
    return read_folder(POLICIES) | {path: f"package {package}\n\n{text}\n".encode()}


def test_every_shipped_bundle_passes_its_own_tests() -> None:
    for made in (bundle(), whole_bundle()):
        with Trial({**made.files, **made.tests}, made.packs) as trial:
            trial.test()
            assert {name.split(".")[2].removesuffix("_test") for name in trial.tests} >= set(made.rules)
            assert one(trial).bundle == made.digest


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("test_it if data.access.rules.verdict.core_data == 1", "core_data_test.test_it"),
        ("test_it if input.nowhere", "core_data_test.test_it"),
        ("test_it := 1", "core_data_test.test_it"),
        ('test_it if to_number("x") == 1', "core_data_test.test_it"),
        ("test_it if {", "core_data_test.test_it"),
        ("test_good if true\n\ntest_bad if false", "fail: access.rules_test.core_data_test.test_bad."),
    ],
)
def test_a_bundle_that_fails_its_own_test_says_which(text: str, named: str) -> None:
    with Trial(with_test(text)) as made, pytest.raises(BundleInvalid, match=named):
        made.test()


@pytest.mark.parametrize(
    "call",
    [
        "time.now_ns() > input.now",
        'time["now_ns"]() > 0',
        'not rand.intn("a", 2) == 1',
        "[1 | time.now_ns() > 0] == []",
        "core_data_f() > 0 with core_data_f as time.now_ns",
    ],
)
def test_a_rule_that_would_answer_differently_another_time_is_refused(call: str) -> None:
    with Trial(with_rule(f'verdict["core_data"] := "ok" if {call}')) as made, pytest.raises(BundleInvalid) as refused:
        made.test()
    assert f"{RULE} names " in str(refused.value)


def test_a_rule_that_does_something_else_fails_its_test() -> None:
    with Trial(with_rule('verdict["core_data"] := "ok"')) as made, pytest.raises(BundleInvalid, match="core_data"):
        made.test()


@pytest.mark.parametrize("path", [TEST, "access/obligations/drop/drop_test.rego"])
@pytest.mark.parametrize("content", [None, b"package access.rules_test.core_data\n\nhelper := 1\n"])
def test_what_has_no_test_is_refused(path: str, content: bytes | None) -> None:
    made = read_folder(POLICIES)
    del made[path]
    if content is not None:
        made[path] = content
    with Trial(made) as trial, pytest.raises(BundleInvalid, match="has no tests"):
        trial.test()


def test_a_test_that_loops_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TEST_S", 1.0)
    text = (
        "test_it if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i + j == 0]) == 0"
    )
    with Trial(with_test(text)) as made, pytest.raises(BundleInvalid, match=r"test_it: .*longer"):
        made.test()


def test_a_test_that_crashes_its_process_is_named() -> None:
    with Trial(with_test("f(x) := f(x + 1)\n\ntest_it if f(1)")) as made, pytest.raises(BundleInvalid, match="died"):
        made.test()


def test_an_imported_rule_is_tested_as_opa_would() -> None:
    """The interpreter loses data under `with` when a rule is reached through an import; names are spelt out for it."""
    text = (
        "import data.access.obligations as owing # the alias too\n"
        "import data.lib.valid_test\n\n"
        'rules := "obligations.owed"\n\n'
        "test_it if {\n"
        '\tasked := valid_test.changed("/request/columns", ["patient_name"])\n'
        '\towing.owed.drop == {{"kind": "drop", "column": "patient_name"}} with input as asked\n'
        '\trules == "obligations.owed" # owing.owed\n'
        "}"
    )
    with Trial(with_test(text)) as made:
        made.test()
    with Trial(with_test(text.replace('patient_name"}}', 'other"}}'))) as made, pytest.raises(BundleInvalid):
        made.test()
