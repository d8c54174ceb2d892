"""A body means one thing or nothing: whatever else is a problem document, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from gateway.crypto.private import generate, public_jwk
from tests.space import HOSPITAL, NEVER_WAS, OPERATOR, PHARMA, Party, Space, registration, terms, token_of, wanted


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def good_bodies(space: Space) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """For each operation that takes JSON: who asks, where, and a body that would pass."""
    contract = space.datasets["contract"]
    admission, _key = space.admission(Party("did:web:unborn.example", dict(generate("Ed25519"))), "pharma")
    key = dict(public_jwk(generate("ES256")))
    return {
        "participants": (OPERATOR, "/v1/participants", admission),
        "agents": (f"{PHARMA} admin", "/v1/agents", {"label": "x", "roles": ["officer"], "location": "CN", "key": key}),
        "datasets": (f"{HOSPITAL} provider", "/v1/datasets", registration()),
        "offers": (f"{HOSPITAL} provider", "/v1/offers", {"dataset": space.datasets["csv"], "terms": terms()}),
        "contracts": (f"{PHARMA} researcher", "/v1/contracts", {"offer": NEVER_WAS}),
        "signatures": (
            f"{PHARMA} admin",
            f"/v1/contracts/{contract}/signatures",
            {"protected": "e30", "signature": "AAAA"},
        ),
        "access": (f"{PHARMA} researcher", "/v1/access", wanted(contract)),
    }


PLACES = ("participants", "agents", "datasets", "offers", "contracts", "signatures", "access")


@pytest.fixture(scope="module")
def space(space: Space) -> Space:
    space.datasets["contract"] = space.agree(space.datasets["csv"])
    return space


def _twice(body: dict[str, Any]) -> bytes:
    name = next(iter(body))
    return _json(body)[:-1] + f", {json.dumps(name)}: {json.dumps(body[name])}}}".encode()


def _with(body: dict[str, Any], raw: bytes) -> bytes:
    """The body with one more member, of which the value is these bytes."""
    return _json(body)[:-1] + b', "extra": ' + raw + b"}"


def _text(body: dict[str, Any], text: str) -> bytes:
    """The body with this text at the end of its first text value, raw."""
    done = False

    def change(value: Any) -> Any:
        nonlocal done
        if isinstance(value, str) and not done:
            done = True
            return value + text
        if isinstance(value, dict):
            return {name: change(item) for name, item in value.items()}
        return [change(item) for item in value] if isinstance(value, list) else value

    return json.dumps(change(body), ensure_ascii=False).encode("utf-8", "surrogatepass")


MALFORMED: dict[str, Any] = {
    "a member twice": _twice,
    "a member twice, once escaped": lambda b: _json(b)[:-1] + b', "\\u0065xtra": 1, "extra": 1}',
    "a hundred deep": lambda b: _with(b, b"[" * 100 + b"]" * 100),
    "a hundred thousand deep": lambda b: _with(b, b"[" * 100_000 + b"]" * 100_000),
    "over 256 KiB": lambda b: _with(b, b'"' + b"a" * 300_000 + b'"'),
    "not a number": lambda b: _with(b, b"NaN"),
    "infinite": lambda b: _with(b, b"-Infinity"),
    "beyond doubles": lambda b: _with(b, b"1e400"),
    "minus nothing": lambda b: _with(b, b"-0"),
    "nearly nothing": lambda b: _with(b, b"1e-400"),
    "an integer beyond 2^53": lambda b: _with(b, b"9007199254740993"),
    "a leading zero": lambda b: _with(b, b"01"),
    "a million digits": lambda b: _with(b, b"1" * 200_000),
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + _json(b),
    "UTF-16": lambda b: json.dumps(b).encode("utf-16"),
    "not UTF-8": lambda b: _with(b, b'"\xff\xfe"'),
    "overlong UTF-8": lambda b: _with(b, b'"\xc0\xaf"'),
    "half a surrogate pair, escaped": lambda b: _with(b, b'"\\ud800"'),
    "half a surrogate pair, raw": lambda b: _text(b, "\ud800"),
    "right to left": lambda b: _text(b, "\u202etxt.exe"),
    "an isolate": lambda b: _text(b, "\u2066a\u2069"),
    "zero width": lambda b: _text(b, "\u200b"),
    "zero width, escaped": lambda b: _text(b, "ZW").replace(b"ZW", b"\\u200d"),
    "decomposed": lambda b: _text(b, "e\u0301"),
    "a control character": lambda b: _text(b, "CC").replace(b"CC", b"\\u0007"),
    "a null character": lambda b: _text(b, "CC").replace(b"CC", b"\\u0000"),
    "a hidden member name": lambda b: _json(b)[:-1] + b', "\\u200bextra": 1}',
    "a member nobody knows": lambda b: _with(b, b"1"),
    "a list": lambda b: _json([b]),
    "nothing": lambda b: b"",
    "null": lambda b: b"null",
    "two values": lambda b: _json(b) + _json(b),
    "cut off": lambda b: _json(b)[:-1],
    "a comment": lambda b: b"/* */" + _json(b),
    "a trailing comma": lambda b: _json(b)[:-1] + b",}",
}


def send(space: Space, place: str, change: Any, content_type: str = "application/json") -> httpx2.Response:
    who, path, body = good_bodies(space)[place]
    did, _, role = who.partition(" ")
    client = space.agent(did, role or OPERATOR)
    content = change(body)
    return space.call(client, "POST", path, content=content, headers={"content-type": content_type})


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_body_is_a_problem_and_changes_nothing(space: Space, fault: str) -> None:
    for place in PLACES:
        size = space.log_size()
        response = send(space, place, MALFORMED[fault])
        assert response.status_code in (400, 413, 422), f"{place}: {response.status_code} {response.text}"
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == response.status_code
        assert "/problems/" in problem["type"]
        assert space.log_size() == size
    assert len(response.content) < 10_000


def test_the_same_bodies_pass_without_the_fault(space: Space) -> None:
    """What is refused above is refused for its fault."""
    statuses = {place: send(space, place, _json).status_code for place in PLACES}
    assert statuses.pop("contracts") == 404
    assert statuses.pop("signatures") == 409  # it is in force already
    assert set(statuses.values()) <= {200, 201}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_not_read(space: Space, content_type: str) -> None:
    for place in PLACES:
        size = space.log_size()
        response = send(space, place, _json, content_type)
        assert response.status_code == 415, f"{place}: {response.status_code}"
        assert response.headers["content-type"] == "application/problem+json"
        assert space.log_size() == size


def test_a_body_that_never_says_its_length_is_bounded_all_the_same(space: Space) -> None:
    def endless() -> Any:
        for _ in range(1000):
            yield b" " * 1024

    headers = token_of(space.agent(PHARMA, "researcher")) | {"content-type": "application/json"}
    response = space.http.post("/v1/access", content=endless(), headers=headers)
    assert response.status_code == 413


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_query_out_of_its_bounds_is_a_problem(space: Space, method: str) -> None:
    officer = space.agent(PHARMA, "officer")
    for path in (
        "/v1/audit/entries?limit=0",
        "/v1/audit/entries?limit=501",
        "/v1/audit/entries?before=-1",
        "/v1/audit/entries?since=yesterday",
        "/v1/audit/entries?since=2026-99-99",
        "/v1/audit/entries?until=2026-02-30T00:00Z",
        "/v1/audit/entries?until=2026-02-03T25:61:61Z",
        "/v1/audit/entries?since=0000-01-01",
        "/v1/audit/export?since=2026-13-01",
        "/v1/audit/consistency?old=0",
        "/v1/audit/consistency?old=9007199254740991",
        "/v1/datasets?purpose=X01",
        "/v1/datasets?limit=1000000",
        "/v1/contracts?state=SOMETHING",
        f"/v1/datasets/{'a' * 101}",
    ):
        response = space.call(officer, "GET", path)
        assert response.status_code == 422, path
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "text", ["\u202e", "\u200b", "e\u0301", "\ud800".encode("utf-8", "surrogatepass"), "%00", "\x00"]
)
def test_odd_text_in_a_path_or_a_query_is_never_a_bug_of_ours(space: Space, text: str | bytes) -> None:
    from urllib.parse import quote

    client = space.agent(HOSPITAL, "officer")
    odd = text if text == "%00" else quote(text)
    for path in (
        f"/v1/datasets/{odd}",
        f"/v1/contracts/{odd}",
        f"/v1/receipts/{odd}",
        f"/v1/audit/entries/{odd}",
        f"/v1/participants/{odd}",
        f"/v1/datasets?text={odd}",
        f"/v1/datasets?provider={odd}",
        f"/v1/datasets?after={odd}",
        f"/v1/offers?dataset={odd}",
        f"/v1/participants?after={odd}",
        f"/v1/audit/entries?type={odd}",
        f"/v1/audit/entries?contract={odd}",
        f"/v1/audit/export?dataset={odd}",
    ):
        response = space.call(client, "GET", path)
        assert response.status_code < 500, f"{path}: {response.text}"


@pytest.mark.parametrize("since", ["2020-02-29", "2026-01-31T23:59Z", "2026-01-31T23:59:59Z", "2026-01-31T23:59:59.9Z"])
def test_a_time_that_is_on_the_calendar_is_taken(space: Space, since: str) -> None:
    assert space.call(space.agent(PHARMA, "officer"), "GET", f"/v1/audit/entries?since={since}").status_code == 200
