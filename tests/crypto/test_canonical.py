"""JSON that means one thing goes in, and comes out as one sequence of bytes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.canonical import (
    MAX_INTEGER,
    b64url_decode,
    b64url_encode,
    canonical_json,
    record_json,
    strict_json,
)
from gateway.crypto.errors import CanonicalError
from gateway.problems import Malformed, Problem, TooLarge

SAFE_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
INTEGERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
RECORDS = st.dictionaries(
    st.text(st.characters(max_codepoint=127)),
    st.recursive(
        st.none() | st.booleans() | INTEGERS | SAFE_TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
        max_leaves=12,
    ),
)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | SAFE_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(SAFE_TEXT, inner),
    max_leaves=12,
)


def parse(data: bytes, **options: Any) -> Any:
    return strict_json(data, max_bytes=10_000_000, **options)


# Out


def test_members_are_sorted_by_utf16_units() -> None:
    # RFC 8785 section 3.2.3, its sample of member names.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical_json(dict.fromkeys(names)))) == ordered


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (333333333.33333329, b"333333333.3333333"),
        (1e30, b"1e+30"),
        (4.50, b"4.5"),
        (2e-3, b"0.002"),
        (0.000000000000000000000000001, b"1e-27"),
        (-0.0, b"0"),
        ("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f", b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
    ],
)
def test_values_are_written_as_the_standard_says(value: Any, written: bytes) -> None:
    # RFC 8785 sections 3.2.2 and 3.2.4, and appendix B.
    assert canonical_json(value) == written


DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [MAX_INTEGER + 1, -MAX_INTEGER - 1, float("nan"), float("inf"), "\ud800", {"\ud800": 1}, {1: 2}, b"x", {1}, DEEP],
    ids=["big", "small", "nan", "infinity", "surrogate", "surrogate name", "integer name", "bytes", "set", "deep"],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalError):
        canonical_json(value)


@given(VALUES)
def test_parsing_is_the_inverse_of_canonical_json(value: Any) -> None:
    assert parse(canonical_json(value), max_depth=64) == value


@given(RECORDS)
def test_a_record_is_written_byte_for_byte_as_rfc_8785(record: dict[str, Any]) -> None:
    assert record_json(record) == canonical_json(record)


@pytest.mark.parametrize(
    "value",
    [1.0, 1e300, MAX_INTEGER + 1, -MAX_INTEGER - 1, "\ud800", (1,), b"x", {"é": 1}, {1: 2}],
    ids=str,
)
def test_a_record_holds_no_floats_big_integers_or_other_types(value: Any) -> None:
    with pytest.raises(CanonicalError):
        record_json({"a": [value]})


def test_a_records_member_names_are_ascii() -> None:
    with pytest.raises(CanonicalError):
        record_json({"\U0001f600": 1})


# In


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'[{"b":{"a":1,"c":2,"a":3}}]', b'{"":1,"":1}'],
)
def test_duplicate_members_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="appears twice"):
        parse(data)


def test_the_duplicate_member_is_named() -> None:
    with pytest.raises(Malformed, match='"b"'):
        parse(b'{"a":1,"b":2,"c":{"b":1},"b":3}')


ODD_NUMBERS = [
    b"1e400",
    b"-1e400",
    b"-0",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9" * 5000,
    b"01",
    b"+1",
    b"0x1",
    b".5",
    b"1.",
]


@pytest.mark.parametrize("number", [*ODD_NUMBERS, b"1.0", b"1e2", b"9007199254740992", b"-9007199254740992"])
def test_numbers_are_integers_that_every_reader_keeps(number: bytes) -> None:
    with pytest.raises(Malformed):
        parse(b'{"n":' + number + b"}")


@pytest.mark.parametrize("number", [*ODD_NUMBERS, b"-0.0", b"-0e1", b"1e-400", b"0." + b"1" * 100, b"9007199254740993"])
def test_fractions_are_finite_and_not_lost(number: bytes) -> None:
    with pytest.raises(Malformed):
        parse(b'{"n":' + number + b"}", fractions=True)


@pytest.mark.parametrize(("number", "value"), [(b"1.5", 1.5), (b"-2e3", -2000.0), (b"0.0", 0.0), (b"7", 7)])
def test_fractions_are_read_where_they_are_wanted(number: bytes, value: float) -> None:
    assert parse(number, fractions=True) == value


@pytest.mark.parametrize("number", [MAX_INTEGER, -MAX_INTEGER, 0])
def test_the_largest_integers_are_kept(number: int) -> None:
    assert parse(str(number).encode()) == number


def test_size_is_judged_before_anything_else() -> None:
    with pytest.raises(TooLarge, match="the limit is 10"):
        strict_json(b"\xff" * 11, max_bytes=10)


@pytest.mark.parametrize("opener", [b"[", b'{"a":'])
def test_nesting_is_judged_before_parsing(opener: bytes) -> None:
    with pytest.raises(Malformed, match="deeper than 32"):
        parse(opener * 1_000_000)


def test_no_limit_on_nesting_is_still_no_crash() -> None:
    with pytest.raises(Malformed, match="too deeply"):
        parse(b"[" * 200_000, max_depth=10**9)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert parse(b"[" * 32 + b"]" * 32)
    with pytest.raises(Malformed):
        parse(b"[" * 33 + b"]" * 33)


def test_brackets_inside_text_are_no_nesting() -> None:
    assert parse(json.dumps({"a": "[{" * 100, "b": '\\"[[[' * 50}).encode())


@pytest.mark.parametrize(
    "hard", [b'"' + b'\\"' * 500_000, b"[" * 40 + b'"' + b'\\"' * 500_000 + b"\\", b"[" * 33 + b'"a",' * 250_000]
)
def test_no_document_takes_long_to_refuse(hard: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Malformed):
        parse(hard)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "data", [b"", b" ", b"{", b'{"a"}', b"nul", b"[1,]", b"'a'", b'"\x01"', b"\xff", b'"\xed\xa0\x80"', b"{} {}"]
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32")])
def test_only_plain_utf8_is_read(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@pytest.mark.parametrize("data", [b'"\\ud800"', b'{"\\udfff":1}', b'["a",{"b":["\\uD834x"]}]'])
def test_half_a_surrogate_pair_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="surrogate"):
        parse(data)


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"


@given(st.binary(max_size=200))
def test_noise_is_refused_as_a_problem_or_read(noise: bytes) -> None:
    try:
        value = parse(noise)
    except Problem:
        return
    assert parse(canonical_json(value)) == value


@given(VALUES)
def test_what_strict_parsing_accepts_it_reads_like_everyone_else(value: Any) -> None:
    data = json.dumps(value).encode()
    assert parse(data, max_depth=64) == json.loads(data)


# base64url


@given(st.binary(max_size=100))
def test_base64url_is_one_to_one(data: bytes) -> None:
    assert b64url_decode(b64url_encode(data)) == data


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA==", "AA=", "A+==", "A/AA", "A A", "AA\n", "\nAA", "AB", "AAB", "é", "AA\0A"]
)
def test_other_base64_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        b64url_decode(text)
