"""Whether a contract still stands, by a list that its gateway signs and anyone may read."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from gateway.contracts import status
from gateway.contracts.errors import NoLongerStands, StatusListRefused
from gateway.contracts.status import Status, packed, read_list, sign_list
from gateway.crypto.canonical import b64url_encode
from gateway.crypto.keys import EnrolledKey, screen
from gateway.crypto.private import generate, private_key, public_jwk
from gateway.sdk.contract import KeyFile, check, check_stands
from tests.space import HOSPITAL, PHARMA, Space, data_space

URI = "https://gateway.example/v1/status/1"
KID = "did:web:gateway.example#countersign-1"
NOW = 1_800_000_000


def enrolled(jwk: dict[str, str], kid: str = KID) -> EnrolledKey:
    return EnrolledKey(
        kid, "did:web:gateway.example", screen(public_jwk(jwk), purpose="countersign"), "countersign", "active", 0
    )


PRIVATE = generate("Ed25519")
KEY = enrolled(PRIVATE)


def made(**claims: Any) -> bytes:
    """A list with two places taken, and with these claims instead of its own."""
    lst = b64url_encode(packed([(3, Status.REVOKED), (4, Status.SUSPENDED)]))
    own = {"sub": URI, "iat": NOW, "exp": NOW + 60, "status_list": {"bits": 2, "lst": lst}}
    given = {name: value for name, value in {**own, **claims}.items() if value is not None}
    return jwt.encode(
        given, private_key(PRIVATE), algorithm="EdDSA", headers={"typ": "statuslist+jwt", "kid": KID}
    ).encode()


def test_places_lie_as_the_draft_puts_them():
    # Vector of the draft, section 4.1: bytes c9 44 f9 of two bits a place.
    assert zlib.decompress(bytes.fromhex("78da3be9f2130003df0207")) == bytes.fromhex("c944f9")
    said = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    content = bytes.fromhex("c944f9")
    assert [content[n // 4] >> n % 4 * 2 & 3 for n in range(12)] == said
    entries = [(n, Status(value)) for n, value in enumerate(said) if value in (1, 2)]
    listed = status.StatusList(0, 1, zlib.decompress(packed(entries, 12)))
    assert [listed.at(n) for n in range(12) if said[n] != 3] == [Status(value) for value in said if value != 3]


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
def test_what_is_signed_is_read(alg: Any):
    private = generate(alg)
    token = sign_list([(7, Status.REVOKED)], URI, enrolled(private), private, now=NOW)
    found = read_list(token.encode(), uri=URI, key=enrolled(private), now=NOW + 5)
    assert (found.at(7), found.at(6), found.at(2**17 - 1)) == (Status.REVOKED, Status.VALID, Status.VALID)
    for place in (-1, 2**17):
        with pytest.raises(StatusListRefused):
            found.at(place)
    assert len(token) < 2000  # a list that says little is short


def test_a_list_ends():
    token = sign_list([], URI, KEY, PRIVATE, now=NOW).encode()
    read_list(token, uri=URI, key=KEY, now=NOW + status.LIFE_S - 1)
    for at in (NOW + status.LIFE_S, NOW - status.SKEW_S - 1):
        with pytest.raises(StatusListRefused):
            read_list(token, uri=URI, key=KEY, now=at)


PLAIN = {
    "sub": URI,
    "iat": NOW,
    "exp": NOW + 9,
    "status_list": {"bits": 2, "lst": b64url_encode(packed([]))},
}


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b"\xff.\xff.\xff",
        b"a.b.c",
        made(sub="https://other.example/v1/status/1"),
        made(sub=None),
        made(exp=None),
        made(exp="later"),
        made(iat=None),
        made(status_list=None),
        made(status_list={"bits": 1, "lst": b64url_encode(packed([]))}),
        made(status_list={"bits": 2, "lst": 7}),
        made(status_list={"bits": 2, "lst": b64url_encode(b"not compressed")}),
        made(status_list={"bits": 2, "lst": b64url_encode(packed([])[:-4])}),
        made(status_list={"bits": 2, "lst": b64url_encode(packed([]) + b"more")}),
        made(status_list={"bits": 2, "lst": b64url_encode(zlib.compress(bytes(2**30)))}),
        made(status_list={"bits": 2, "lst": "=" * 8}),
        jwt.encode(PLAIN, private_key(PRIVATE), "EdDSA", {"typ": "JWT", "kid": KID}).encode(),
        jwt.encode(PLAIN, "", "none", {"typ": "statuslist+jwt", "kid": KID}).encode(),
        sign_list([], URI, KEY, generate("Ed25519"), now=NOW).encode(),
        sign_list([], URI, enrolled(PRIVATE, "did:web:other.example#countersign-1"), PRIVATE, now=NOW).encode(),
        b"x" * (status.MAX_TOKEN_BYTES + 1),
    ],
)  # fmt: skip
def test_a_list_that_is_not_it_is_refused(token: bytes):
    with pytest.raises(StatusListRefused):
        read_list(token, uri=URI, key=KEY, now=NOW + 1)


def test_what_is_said_in_words_of_its_makers_own_is_not_taken_for_valid():
    with pytest.raises(StatusListRefused):
        status.StatusList(0, 1, b"\xff").at(0)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with data_space(tmp_path_factory.mktemp("space")) as running:
        yield running


def test_whoever_holds_a_contract_sees_when_it_was_revoked(space: Space, tmp_path: Path):
    contract, other = space.agree(space.datasets["csv"]), space.agree(space.datasets["parquet"])
    holder = space.agent(PHARMA, "researcher")
    keys = KeyFile.parse(holder.raw(f"/v1/contracts/{contract}/keys"))
    now = int(time.time())
    held = [check(holder.raw(f"/v1/contracts/{one}/envelope"), keys, now=now) for one in (contract, other)]
    stranger = httpx2.Client(base_url=space.url)
    address = held[0].status_uri.removeprefix(space.url)
    before = stranger.get(address)
    assert before.headers["content-type"] == status.MEDIA_TYPE
    assert abs(check_stands(held[0], before.content, keys, now=now) - now) < 10
    space.agent(HOSPITAL, "provider").post(f"/v1/contracts/{contract}/revoke", {})
    after = stranger.get(address).content
    stranger.close()
    with pytest.raises(NoLongerStands, match="revoked"):
        check_stands(held[0], after, keys, now=now)
    check_stands(held[1], after, keys, now=now)
