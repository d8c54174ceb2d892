"""The widest inputs there may be: they are of the published form, and every rule answers to them in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.policy import trial
from gateway.policy.admission import examine
from gateway.policy.bundle import bundle_of, read_folder
from gateway.policy.decide import MAX_DOCUMENT_BYTES
from gateway.policy.document import as_bytes, validate
from gateway.policy.errors import BundleInvalid
from gateway.policy.trial import Trial
from gateway.policy.widest import widest
from tests.policy.documents import document
from tests.policy.engines import POLICIES, decided, whole_bundle, whole_embedded

DOCUMENTS = [json.loads(data) for data in widest()]


def lengths(value: Any) -> list[int]:
    if isinstance(value, list):
        return [len(value), *(n for one in value for n in lengths(one))]
    return [n for one in value.values() for n in lengths(one)] if isinstance(value, dict) else []


def test_they_are_of_the_published_form_and_wider_than_what_anybody_asks() -> None:
    assert [validate(one) for one in DOCUMENTS] == [[]] * len(DOCUMENTS)
    assert all(len(data) <= MAX_DOCUMENT_BYTES for data in widest())
    # Everything at once, then each member with long lists as wide as the schema or the limit on bytes lets it be.
    assert [max(lengths(one)) for one in DOCUMENTS] == [32, 2000, 2001, 32, 2000]
    assert max(lengths(document())) < 20


def test_a_rule_that_is_slow_on_many_columns_only_is_not_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes its own tests and is quick on what is asked today; on two thousand columns it would hold everybody."""
    monkeypatch.setattr(trial, "ANSWER_S", 1.0)
    files = read_folder(POLICIES)
    files["access/rules/core_data/core_data.rego"] += b"""
verdict["core_data"] := "ok" if {
	count([1 |
		some first in input.request.columns
		some second in input.request.columns
		sprintf("%s", [first]) == sprintf("%s-", [second])
	]) == -1
}
"""
    slow = bundle_of(files)
    with Trial({**slow.files, **slow.tests}) as made:
        made.test()
        assert list(made.decide([as_bytes(document())])) != [None]
    with pytest.raises(BundleInvalid, match="lists as long as they may be: The rules took longer than 1 second"):
        examine(slow, [as_bytes(document())], opa=None)


def test_the_rules_as_they_are_shipped_pass() -> None:
    examine(whole_bundle(), [as_bytes(document())], opa=None)


def test_of_a_long_list_a_refusal_shows_the_first_few() -> None:
    """Else a dataset with many permissions would make an answer that nobody can read, or that is over its limit."""
    wide = DOCUMENTS[1]
    assert len(wide["dataset"]["duo"]) == 50
    decision = decided(wide, whole_embedded())
    assert decision.result == "deny"
    shown = [reason.facts["dataset.duo"] for reason in decision.reasons if "dataset.duo" in reason.facts]
    assert shown
    assert all(len(facts) == 11 and facts[-1] == "and 40 more" for facts in shown)
    assert len(decision.as_bytes()) < 300_000
