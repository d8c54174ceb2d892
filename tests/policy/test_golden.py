"""Decisions that people have read: a change of policy shows here, word for word."""

from __future__ import annotations

import json

import pytest

from tests.policy.documents import changed
from tests.policy.engines import decided
from tests.policy.golden import CASES, GOLDEN, shown


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert golden.keys() == CASES.keys()
    assert shown(decided(changed(CASES[name]))) == golden[name]
