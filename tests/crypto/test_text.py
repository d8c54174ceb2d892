"""Two texts that look alike are the same text."""

from __future__ import annotations

import pytest

from gateway.crypto.canonical import strict_json
from gateway.crypto.text import check_text
from gateway.problems import Malformed

HIDDEN = {
    "nul": "\x00",
    "line feed": "\n",
    "tab": "\t",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "soft hyphen": "\xad",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "left-to-right mark": "\u200e",
    "line separator": "\u2028",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "first strong isolate": "\u2068",
    "hangul filler": "\u3164",
    "variation selector": "\ufe0f",
    "byte order mark": "\ufeff",
    "lone surrogate": "\udc00",
    "tag": "\U000e0041",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_invisible_characters_are_refused(name: str) -> None:
    with pytest.raises(Malformed, match=r"U\+"):
        check_text(f"a{HIDDEN[name]}b")


@pytest.mark.parametrize("text", ["a\u0308", "\u212b", "\u1100\u1161", "\u0041\u030a"])
def test_text_is_in_composed_form(text: str) -> None:
    with pytest.raises(Malformed, match="Form C"):
        check_text(text)


@pytest.mark.parametrize("text", ["", "age", "年龄", "größe", "возраст", "العمر", "\U0001f600", "a b-c_d.e"])
def test_plain_text_of_any_script_stays(text: str) -> None:
    assert check_text(text) == text


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":["x\\u200by"]}',
        b'{"a\\u200b":1}',
        '{"a":"x\u202ey"}'.encode(),
        b'{"a":"\\n"}',
        b'{"a":"x\x7f"}',
        b'"\\u0000"',
    ],
)
def test_plain_text_is_asked_of_every_string_and_name(data: bytes) -> None:
    with pytest.raises(Malformed):
        strict_json(data, max_bytes=100, plain_text=True)


def test_the_place_is_named_and_the_text_is_not() -> None:
    with pytest.raises(Malformed) as refused:
        strict_json('{"a":[1,{"b":"secret\u202e"}]}'.encode(), max_bytes=100, plain_text=True)
    assert "/a/1/b" in refused.value.detail
    assert "secret" not in refused.value.detail
