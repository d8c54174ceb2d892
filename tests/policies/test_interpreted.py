"""The policies' own tests hold in the interpreter that decides, not only in OPA."""

from __future__ import annotations

import pytest

from tests.policies.interpreted import failures
from tests.policy.engines import POLICIES

FOLDERS = [
    f"access/{kind}/{path.name}" for kind in ("rules", "obligations") for path in (POLICIES / "access" / kind).iterdir()
]


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_the_tests_of_a_folder_hold(folder):
    assert list(failures(("lib", folder), "access.")) == []


def test_the_tests_of_what_rules_share_hold():
    assert list(failures(("lib",), "lib.")) == []


def test_the_tests_of_the_decision_hold():
    assert list(failures(("lib", "access"), "access.decision_test")) == []


def test_a_test_that_does_not_hold_is_found():
    path = "access/rules/core_data/core_data.rego"
    broken = (POLICIES / path).read_text("utf-8").replace("== false", "== true")
    assert list(failures(("lib", "access/rules/core_data"), "access.", {path: broken}))
