"""Identifiers that a store sorts by: each is greater than the one before, whatever the clock does."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.ids import uuid7, uuid7_floor


def test_they_are_in_order_and_of_version_seven() -> None:
    made = [uuid7() for _ in range(50_000)]
    assert made == sorted(set(made))
    for each in map(uuid.UUID, made[:100]):
        assert (each.version, each.variant) == (7, uuid.RFC_4122)


def test_they_tell_when_they_were_made() -> None:
    before = time.time()
    made = uuid7()
    assert uuid7_floor(before) <= made < uuid7_floor(time.time() + 0.002)
    assert abs((uuid.UUID(made).int >> 80) / 1000 - before) < 1


def test_they_stay_in_order_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert before < uuid7() < uuid7()


def test_threads_make_no_two_alike() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [each for some in pool.map(lambda _: [uuid7() for _ in range(2000)], range(8)) for each in some]
    assert len(set(made)) == len(made)
