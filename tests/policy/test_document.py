"""The published schema: closed everywhere, and a fault names the place and never the value."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from gateway.crypto.errors import CanonicalError
from gateway.policy.document import MAX_FAULTS, as_bytes, composed, part, schema, validate
from tests.policy.documents import changed, document, export_approval


def test_the_valid_document_fits():
    assert validate(document()) == []
    assert validate(changed({"approvals.export": [export_approval()]})) == []


def test_the_schema_is_one_of_draft_2020_12():
    assert schema()["$schema"].endswith("draft/2020-12/schema")
    assert jsonschema_rs.meta.is_valid(schema())


def _objects(node: Any) -> list[dict[str, Any]]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = [node] if isinstance(node, dict) and "properties" in node else []
    return own + [found for child in children for found in _objects(child)]


def test_every_object_is_closed():
    objects = _objects(schema())
    assert len(objects) > 30
    assert all(found["additionalProperties"] is False for found in objects)


def _places(node: dict[str, Any], path: str = "") -> list[str]:
    return [
        place
        for name, value in node.items()
        for place in [f"{path}{name}", *(_places(value, f"{path}{name}.") if isinstance(value, dict) else [])]
    ]


# What came into the schema later: inputs that were kept before do without, and the rules that read it refer them.
LATER = {f"{party}.{fact}" for party in ("participant", "provider") for fact in ("persons_held", "security_officer")}


@pytest.mark.parametrize("place", sorted(LATER))
def test_what_came_later_may_be_missing_in_what_was_kept_before(place):
    assert not list(validate(changed({place: ...})))


@pytest.mark.parametrize("place", [place for place in _places(document()) if place not in LATER])
def test_no_member_may_be_missing(place):
    (fault,) = validate(changed({place: ...}))
    assert place.rsplit(".", 1)[-1] in fault.what


def test_an_unknown_member_is_a_fault():
    (fault,) = validate(changed({"participant.vip": True}))
    assert fault.place == "/participant"


def test_an_unknown_obligation_is_a_fault():
    assert validate(changed({"contract.obligations": [{"kind": "shred", "column": "age"}]}))
    assert validate(changed({"contract.obligations": [{"kind": "drop", "column": "age", "softly": True}]}))


def test_every_kind_of_obligation_fits():
    predicate = {"and": [{"column": "age", "op": "ge", "value": 40}, {"not": {"column": "site", "op": "is_null"}}]}
    kinds = [
        {"kind": "drop", "column": "age"},
        {"kind": "pseudonymise", "column": "age"},
        {"kind": "generalise", "column": "age", "method": "band", "width": 10},
        {"kind": "generalise", "column": "visit", "method": "year"},
        {"kind": "filter_rows", "predicate": predicate},
        {"kind": "cap_rows", "rows": 100},
        {"kind": "cap_persons", "persons": 100},
        {"kind": "suppress_small_cells", "threshold": 12, "complementary": True},
        {"kind": "keep_record", "years": 3},
    ]
    assert validate(changed({"contract.obligations": kinds})) == []


def test_a_fault_names_the_place_and_never_the_value():
    (fault,) = validate(changed({"user.id": "Secret Person"}))
    assert fault.place == "/user/id"
    assert "Secret" not in fault.what


def test_faults_are_bounded():
    assert len(validate(changed({"request.columns": [1] * 500}))) == MAX_FAULTS


@pytest.mark.parametrize("value", [1.0, 1.5, float("nan"), 2**60])
def test_numbers_that_two_readers_could_read_differently_have_no_bytes(value):
    with pytest.raises(CanonicalError):
        as_bytes(changed({"context.now": value}))


def test_the_order_of_members_does_not_change_the_bytes():
    turned = dict(reversed(document().items()))
    assert as_bytes(turned) == as_bytes(document())


def test_a_composed_document_is_the_same_bytes_and_has_the_same_faults() -> None:
    for change in ({}, {"contract.status": "lost"}, {"request.columns": [7], "user.roles": ["king"]}):
        whole = changed(change)
        made = composed({name: part(name, member) for name, member in whole.items()})
        assert (made.value, made.data) == (whole, as_bytes(whole))
        assert list(made.faults) == validate(whole)


def test_a_document_cannot_be_composed_of_other_members() -> None:
    parts = {name: part(name, member) for name, member in document().items()}
    with pytest.raises(ValueError, match="exactly the members"):
        composed({name: made for name, made in parts.items() if name != "approvals"})
