from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.commit import commit, new_salt, opens, salted_digest

SALT, PREV, WHO = bytes(range(32)), b"\x07" * 32, "did:web:hospital-a.example"


def test_a_commitment_is_keyed_over_canonical_json():
    message = b'{"participant":"did:web:hospital-a.example","prev":"' + b"07" * 32 + b'","seq":2}'
    assert commit(SALT, WHO, 2, PREV) == hmac.digest(SALT, message, "sha256").hex()
    first = b'{"participant":"did:web:hospital-a.example","prev":null,"seq":1}'
    assert commit(SALT, WHO, 1, None) == hmac.digest(SALT, first, "sha256").hex()


@given(st.integers(2, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_commitment_opens_to_what_it_was_made_of(seq, prev):
    assert opens(commit(SALT, WHO, seq, prev), SALT, WHO, seq, prev)


@pytest.mark.parametrize(
    "claimed",
    [
        (new_salt(), WHO, 2, PREV),
        (SALT, "did:web:tenant-m.example", 2, PREV),
        (SALT, WHO, 3, PREV),
        (SALT, WHO, 2, bytes(32)),
        (SALT, WHO, 1, None),
        (SALT, WHO, 0, PREV),
        (SALT, WHO, 2, None),
        (SALT, WHO, 2, b"short"),
        (b"", WHO, 2, PREV),
    ],
)
def test_a_commitment_opens_to_nothing_else(claimed):
    assert not opens(commit(SALT, WHO, 2, PREV), *claimed)


@pytest.mark.parametrize("commitment", ["", "é", "0" * 64])
def test_what_is_no_commitment_does_not_open(commitment):
    assert not opens(commitment, SALT, WHO, 2, PREV)


@pytest.mark.parametrize(
    ("salt", "seq", "prev"),
    [(bytes(31), 2, PREV), (SALT, 0, None), (SALT, -1, PREV), (SALT, 1, PREV), (SALT, 2, None), (SALT, 2, bytes(31))],
)
def test_no_commitment_is_made_that_could_not_be_checked(salt, seq, prev):
    with pytest.raises(ValueError, match="commitment"):
        commit(salt, WHO, seq, prev)


def test_salts_are_long_and_never_twice():
    salts = {new_salt() for _ in range(100)}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {32}


def test_one_content_has_another_digest_under_another_salt():
    assert salted_digest(SALT, b"203.0.113.24") != salted_digest(new_salt(), b"203.0.113.24")
    assert salted_digest(SALT, b"203.0.113.24") == "hmac-sha256:" + hmac.digest(SALT, b"203.0.113.24", "sha256").hex()
    with pytest.raises(ValueError, match="salt"):
        salted_digest(b"", b"203.0.113.24")
