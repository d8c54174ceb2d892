"""No acknowledged entry is ever lost, whatever is killed and when; a few rounds here, some hundred by `make check`."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.audit.harness.gateways import kill_gateways
from tests.audit.harness.kills import Figures, kill_writers
from tests.databases import Cluster

KILLS = int(os.environ.get("CORRIDOR_KILLS", "200"))


@pytest.fixture
def seed() -> int:
    """Said when a test fails, so that the same moments can be tried again."""
    chosen = random.randrange(2**32)
    print(f"seed {chosen}")
    return chosen


def told(figures: Figures, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n  kills: {figures}")


def on_sqlite(folder: Path) -> Callable[[], str]:
    numbers = count()
    return lambda: f"sqlite:///{folder / f'log-{next(numbers)}.sqlite3'}"


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path, seed: int) -> None:
    figures = kill_writers(on_sqlite(tmp_path), tmp_path, 5, seed=seed)
    assert (figures.rounds, figures.lost) == (5, 0)
    assert figures.acknowledged > 0


def test_a_killed_gateway_loses_no_grant_and_closes_every_delivery_once(tmp_path: Path, seed: int) -> None:
    figures = kill_gateways(tmp_path, 2, seed=seed)
    assert (figures.rounds, figures.lost) == (2, 0)
    assert figures.open_deliveries > 0


@pytest.mark.server
def test_hundreds_of_killed_writers_lose_nothing(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    figures = kill_writers(on_sqlite(tmp_path), tmp_path, KILLS, seed=seed)
    told(figures, capsys)
    assert (figures.rounds, figures.lost) == (KILLS, 0)


@pytest.mark.server
def test_killed_writers_on_postgresql_lose_nothing(
    tmp_path: Path, seed: int, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = max(1, KILLS // 5)
    figures = kill_writers(lambda: cluster.url(cluster.make_database()), tmp_path, rounds, seed=seed)
    told(figures, capsys)
    assert (figures.rounds, figures.lost) == (rounds, 0)


@pytest.mark.server
def test_killed_gateways_lose_no_grant(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = max(1, KILLS // 20)
    figures = kill_gateways(tmp_path, rounds, seed=seed)
    told(figures, capsys)
    assert (figures.rounds, figures.lost) == (rounds, 0)
    assert figures.open_deliveries > 0
