"""Demands are read strictly, and joined strictly."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.obligations.errors import UnknownObligation
from gateway.obligations.merge import merge
from gateway.obligations.model import MAX_OBLIGATIONS, document, parse
from gateway.obligations.parameters import Parameters
from gateway.obligations.predicate import columns_of, document_of
from gateway.obligations.predicate import parse as parse_predicate
from gateway.obligations.pseudonym import pseudonym_key

PREDICATE = {"and": [{"column": "a", "op": "in", "value": [1, "x", True]}, {"not": {"column": "b", "op": "is_null"}}]}

ALL = [
    {"kind": "drop", "column": "c"},
    {"kind": "pseudonymise", "column": "c"},
    {"kind": "generalise", "column": "c", "method": "band", "width": 10},
    {"kind": "generalise", "column": "c", "method": "band", "width": 10, "top": 90},
    {"kind": "generalise", "column": "c", "method": "month"},
    {"kind": "generalise", "column": "c", "method": "year"},
    {"kind": "filter_rows", "predicate": PREDICATE},
    {"kind": "cap_rows", "rows": 0},
    {"kind": "cap_persons", "persons": 5},
    {"kind": "suppress_small_cells", "threshold": 12, "complementary": True},
    {"kind": "keep_record", "years": 3},
    {"kind": "publish_results"},
    {"kind": "no_publication_before", "date": "2027-06-30"},
    {"kind": "return_derived_data"},
    {"kind": "delete_at_end", "months": 12},
    {"kind": "publish_by", "months": 18},
    {"kind": "round_counts", "base": 5},
]


@pytest.mark.parametrize("demand", ALL)
def test_parse_and_document_are_inverse(demand):
    (read,) = parse([demand])
    assert document(read) == demand
    assert parse([document(read)]) == (read,)


@pytest.mark.parametrize(
    "demand",
    [
        {"kind": "encrypt", "column": "c"},
        {"column": "c"},
        {"kind": "drop"},
        {"kind": "drop", "column": ""},
        {"kind": "drop", "column": 1},
        {"kind": "drop", "column": "c", "unless": "asked nicely"},
        {"kind": "generalise", "column": "c", "method": "band"},
        {"kind": "generalise", "column": "c", "method": "band", "width": 0},
        {"kind": "generalise", "column": "c", "method": "band", "width": 2.5},
        {"kind": "generalise", "column": "c", "method": "month", "width": 10},
        {"kind": "generalise", "column": "c", "method": "year", "top": 90},
        {"kind": "generalise", "column": "c", "method": "day"},
        {"kind": "filter_rows", "predicate": "age > 3"},
        {"kind": "filter_rows", "predicate": {"and": []}},
        {"kind": "cap_rows", "rows": -1},
        {"kind": "cap_rows", "rows": "10"},
        {"kind": "cap_rows", "rows": True},
        {"kind": "suppress_small_cells", "threshold": 0},
        {"kind": "suppress_small_cells"},
        {"kind": "round_counts"},
        {"kind": "round_counts", "base": 1},
        {"kind": "round_counts", "base": 2.5},
        {"kind": "publish_results", "by": "2027-06-30"},
        {"kind": "no_publication_before"},
        {"kind": "no_publication_before", "date": "some day"},
        {"kind": "delete_at_end", "months": None},
        {"kind": "delete_at_end", "months": 0},
        {"kind": "publish_by"},
        {"kind": "publish_by", "months": 0},
        "drop",
        None,
    ],
)
def test_what_is_not_understood_is_refused(demand):
    with pytest.raises(UnknownObligation):
        parse([{"kind": "drop", "column": "c"}, demand])


def test_a_list_is_a_list():
    for not_a_list in ({}, "drop", None, [{"kind": "drop", "column": "c"}] * (MAX_OBLIGATIONS + 1)):
        with pytest.raises(UnknownObligation):
            parse(not_a_list)


def test_predicates_and_documents_are_inverse():
    predicate = parse_predicate(PREDICATE)
    assert document_of(predicate) == PREDICATE
    assert columns_of(predicate) == {"a", "b"}


def band(width, **more):
    return {"kind": "generalise", "column": "c", "method": "band", "width": width, **more}


@pytest.mark.parametrize(
    ("one", "other", "strictest"),
    [
        (ALL[0], ALL[1], ALL[0]),
        (ALL[1], ALL[2], ALL[1]),
        (ALL[0], ALL[5], ALL[0]),
        (ALL[4], ALL[5], ALL[5]),
        (band(5), band(10), band(10)),
        (band(5, top=80), band(10, top=90), band(10, top=80)),
        (band(5, top=80), band(10), band(10, top=80)),
        (band(5), ALL[5], ALL[0]),
        ({"kind": "cap_rows", "rows": 3}, {"kind": "cap_rows", "rows": 5}, {"kind": "cap_rows", "rows": 3}),
        ({"kind": "cap_persons", "persons": 3}, ALL[8], {"kind": "cap_persons", "persons": 3}),
        (ALL[9], {**ALL[9], "threshold": 14, "complementary": False}, {**ALL[9], "threshold": 14}),
        (ALL[10], {"kind": "keep_record", "years": 20}, {"kind": "keep_record", "years": 20}),
        (ALL[11], ALL[11], ALL[11]),
        (ALL[12], {**ALL[12], "date": "2027-07-01"}, {**ALL[12], "date": "2027-07-01"}),
        (ALL[14], {**ALL[14], "months": 6}, {**ALL[14], "months": 6}),
        (ALL[15], {**ALL[15], "months": 6}, {**ALL[15], "months": 6}),
        (ALL[16], {**ALL[16], "base": 10}, {**ALL[16], "base": 10}),
    ],
)
def test_the_strictest_wins(one, other, strictest):
    for pair in ((one, other), (other, one)):
        assert merge(parse([pair[0]]), parse([pair[1]])) == parse([strictest])


@pytest.mark.parametrize("demand", ALL, ids=lambda demand: demand["kind"])
def test_nothing_that_is_owed_gets_lost(demand):
    assert merge(parse([demand])) == parse([demand])


def test_all_filters_hold():
    other = {"kind": "filter_rows", "predicate": {"column": "z", "op": "not_null"}}
    assert len(merge(parse([ALL[6]]), parse([other, ALL[6]]))) == 2


@given(st.lists(st.sampled_from(ALL), max_size=8), st.lists(st.sampled_from(ALL), max_size=8))
def test_order_and_repetition_change_nothing(one, other):
    merged = merge(parse(one), parse(other))
    assert merge(parse(other), parse(one)) == merged
    assert merge(merged, merged) == merged
    assert merge(parse(one + other)) == merged


def test_keys_of_contracts_and_domains_have_nothing_in_common():
    root = bytes(32)
    pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("a", "B"), ("b", "a")]
    keys = {pseudonym_key(root, contract, domain) for contract, domain in pairs}
    assert len(keys) == len(pairs)
    assert all(len(key) == 32 for key in keys)
    assert pseudonym_key(bytes(31) + b"\1", "a", "b") not in keys


def test_the_key_is_hkdf_as_rfc_5869_has_it():
    root, info = bytes(range(32)), b"corridor/pseudonym/1" + b"\0\0\0\2id" + b"\0\0\0\6column"
    extracted = hmac.digest(bytes(32), root, "sha256")
    assert pseudonym_key(root, "id", "column") == hmac.digest(extracted, info + b"\1", "sha256")


def test_a_short_root_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        pseudonym_key(bytes(31), "a", "b")


def test_parameters_do_not_show_themselves():
    parameters = Parameters()
    assert parameters.add(b"key") == "$p0"
    assert parameters.add(1) != parameters.add(True)
    assert parameters.add(b"key") == "$p0"
    assert "key" not in repr(parameters)
