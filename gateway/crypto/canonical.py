"""JSON with one meaning: strict parsing in, RFC 8785 bytes out."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from typing import Any

import orjson
import rfc8785

from gateway.crypto.errors import CanonicalError
from gateway.crypto.text import check_texts
from gateway.problems import Malformed, TooLarge

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2)."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
# All that stands between brackets and braces, strings whole. An unterminated string runs to the end of the text: were
# it to fail instead, the search would start again at each escaped quote inside it, in quadratic time.
_BETWEEN_BRACKETS = re.compile(r'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))++', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value, UTF-8.

    Raises CanonicalError for what has none: integers beyond 2^53 - 1, NaN and infinities, lone surrogates, member
    names that are no text, other types, nesting without end.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise CanonicalError(_without_value(error)) from error
    except RecursionError as error:
        raise CanonicalError("the value is nested too deeply for canonical JSON") from error


def record_json(value: dict[str, Any]) -> bytes:
    """The RFC 8785 form of one of our own records, fast: ASCII member names, text, integers, booleans, null, no floats.

    Byte for byte what `canonical_json` gives; anything outside that set raises CanonicalError.
    """
    _check_record(value)
    return judged_json(value)


def judged_json(value: dict[str, Any]) -> bytes:
    """`record_json` of a record whose every member was judged when it was made: looking again would cost most of it."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError as error:
        raise CanonicalError("a record holds text that is not Unicode, or is nested too deeply") from error


def strict_json(
    data: bytes, *, max_bytes: int, max_depth: int = 32, fractions: bool = False, plain_text: bool = False
) -> Any:
    """The one value that `data` means, as dict, list, str, int, bool or None (float only with `fractions`).

    Size and nesting are judged before parsing. Refused, where common parsers guess: duplicate members (also when one
    is written with escapes), a byte order mark, integers beyond 2^53 - 1, `-0`, NaN, Infinity, numbers that overflow
    or vanish, lone surrogates; with `plain_text` also every text that `check_text` refuses.

    Raises TooLarge (limit in bytes) or Malformed (what, and where).
    """
    if len(data) > max_bytes:
        raise TooLarge(f"the JSON document has {len(data)} bytes; the limit is {max_bytes}")
    text = _decode_utf8(data)
    _check_depth(text, max_depth)
    value = _parse(text, _WITH_FRACTIONS if fractions else _INTEGERS_ONLY)
    if _SURROGATE_ESCAPE.search(text) and _SURROGATE.search(_all_text(value)):
        raise Malformed("the JSON document holds half of a surrogate pair")
    # Raw control characters were refused by the parser, so plain ASCII without escapes can hide only DEL.
    if plain_text and (not text.isascii() or "\\" in text or "\x7f" in text):
        check_texts(value)
    return value


def b64url_encode(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str, place: str = "a base64url value") -> bytes:
    """The bytes, if `text` is their only base64url form: no padding, no other alphabet, no stray bits."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise Malformed(f"{place} is not base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url_encode(data) != text:
        raise Malformed(f"{place} has stray bits at its end")
    return data


def _decode_utf8(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise Malformed("the JSON document starts with a byte order mark; send it without one")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the JSON document is not UTF-8 at byte {error.start}") from error


def _check_depth(text: str, max_depth: int) -> None:
    # Brackets in all, strings included, bound the depth from above: nearly every document ends here.
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for bracket in _BETWEEN_BRACKETS.sub("", text):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise Malformed(f"the JSON document is nested deeper than {max_depth}")


def _parse(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise Malformed("the JSON document is nested too deeply") from error


def _all_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(map(_all_text, value))
    if isinstance(value, dict):
        return "\n".join([*value, *map(_all_text, value.values())])
    return ""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Malformed(f"the member {json.dumps(twice[:64])} appears twice in one object")
    return members


def _integer(digits: str) -> int:
    # Length first: turning a million digits into a number takes quadratic time.
    if len(digits) > 17 or digits == "-0" or not -MAX_INTEGER <= int(digits) <= MAX_INTEGER:
        raise Malformed(f"the number {digits[:24]} is not an integer within plus or minus (2^53 - 1)")
    return int(digits)


def _no_fraction(digits: str) -> float:
    raise Malformed(f"the number {digits[:24]} has a fraction or exponent; write integers only")


def _fraction(digits: str) -> float:
    value = float(digits) if len(digits) <= 64 else math.inf
    lost = value == 0 and (digits[0] == "-" or re.search("[1-9]", re.split("[eE]", digits)[0]))
    if not math.isfinite(value) or lost:
        raise Malformed(f"the number {digits[:24]} cannot be kept as a double-precision number")
    return value


def _no_constant(name: str) -> float:
    raise Malformed(f"{name} is not JSON")


def _check_record(value: Any) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise CanonicalError("a record holds an integer beyond 2^53 - 1")
    elif kind is dict:
        for name, item in value.items():
            if type(name) is not str or not name.isascii():
                raise CanonicalError("a record's member names must be ASCII text")
            if item is not None and type(item) is not str:  # most are: a call less
                _check_record(item)
    elif kind is list:
        for item in value:
            _check_record(item)
    else:
        raise CanonicalError(f"a record cannot hold a value of type {kind.__name__}")


def _without_value(error: Exception) -> str:
    if isinstance(error, rfc8785.IntegerDomainError):
        return "an integer is beyond 2^53 - 1"
    if isinstance(error, rfc8785.FloatDomainError):
        return "NaN and infinities have no JSON form"
    if isinstance(error, UnicodeEncodeError):
        return "text holds half of a surrogate pair"
    return "the value holds something JSON does not have"


_INTEGERS_ONLY = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_no_fraction, parse_constant=_no_constant
)
_WITH_FRACTIONS = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_fraction, parse_constant=_no_constant
)
