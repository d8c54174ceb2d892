"""Terms are plain values: frozen, sorted, complete."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.terms.errors import TermNotUnderstood
from gateway.terms.model import parse_terms

GOOD: dict[str, Any] = {
    "actions": ["read"],
    "purposes": ["P05", "P02"],
    "delivery_modes": ["M5"],
    "columns": ["sex", "age"],
    "processing_locations": ["CN-BJ"],
    "valid_from": 100,
    "valid_to": 200,
}


def test_equal_terms_are_equal_however_listed() -> None:
    turned = {**GOOD, "purposes": ["P02", "P05"], "columns": ["age", "sex"]}
    assert parse_terms(GOOD) == parse_terms(turned)


def test_terms_cannot_be_changed() -> None:
    terms = parse_terms(GOOD)
    with pytest.raises(ValidationError):
        terms.uses = 5


def test_duties_come_out_as_obligations() -> None:
    duties = [
        {"kind": "suppress_small_cells", "threshold": 5},
        {"kind": "generalise", "column": "age", "method": "year"},
    ]
    assert parse_terms({**GOOD, "duties": duties}).obligations() == [
        {"kind": "generalise", "column": "age", "method": "year"},
        {"kind": "suppress_small_cells", "threshold": 5, "complementary": True},
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"uses": 0},
        {"uses": True},
        {"uses": "5"},
        {"uses": 5.0},
        {"rows": -1},
        {"persons": 2**53},
        {"valid_to": 100},
        {"valid_from": -1},
        {"valid_from": "100"},
        {"actions": []},
        {"actions": ["delete"]},
        {"purposes": ["X01"]},
        {"columns": []},
        {"columns": ["age", "age"]},
        {"columns": [""]},
        {"columns": ["a" * 129]},
        {"columns": ["a\nb"]},
        {"processing_locations": []},
        {"processing_locations": ["CN-BJ\n"]},
        {"processing_locations": ["*"]},
        {"duties": [{"kind": "cap_rows", "rows": 5}]},
        {"duties": [{"kind": "suppress_small_cells", "threshold": 0}]},
        {"duties": [{"kind": "drop", "column": "age", "soft": True}]},
        {"duties": [{"kind": "drop", "column": "name"}]},
        {"prohibitions": ["anything"]},
        {"clauses": ["anything"]},
        {"clauses": ["ip_shared", "ip_shared"]},
        {"clauses": None},
        {"price": "100 EUR"},
        {"price": 0},
        {"anything": 1},
    ],
    ids=str,
)
def test_terms_outside_the_profile_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TermNotUnderstood):
        parse_terms({**GOOD, **change})


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_no_bound_is_left_out_by_silence(missing: str) -> None:
    with pytest.raises(TermNotUnderstood, match=missing):
        parse_terms({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize("value", [None, [], "read", 5])
def test_terms_are_an_object(value: Any) -> None:
    with pytest.raises(TermNotUnderstood):
        parse_terms(value)
