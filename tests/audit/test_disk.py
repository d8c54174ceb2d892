"""The log on a disk that loses power or fails: what was acknowledged is there, what was refused is not."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.harness import io_errors, power
from tests.audit.harness.disk import (
    ALL,
    EIO,
    ENOSPC,
    EROFS,
    FOR_EVER,
    HALF,
    OPEN,
    SYNC,
    SYNC_FOLDER,
    TRUNCATE,
    UNLINK,
    WRITE,
    Start,
    compile_disk,
    mother,
)
from tests.audit.harness.gateways import fill_the_disk
from tests.audit.harness.io_errors import Fault, begin_and_lose_power, let_fail
from tests.audit.harness.power import lose_power, lose_power_at_birth

CUTS = int(os.environ.get("CORRIDOR_CUTS", "120"))
CUTS_PER_LOG = 40
FAULTS_EACH = int(os.environ.get("CORRIDOR_FAULTS", "24"))
EVERYTHING = WRITE | SYNC | SYNC_FOLDER | TRUNCATE | OPEN | UNLINK

FAULTS = {
    "a write fails": Fault(WRITE, EIO),
    "a write fails half way": Fault(WRITE, EIO, times=2, does=HALF),
    "a write is done and fails": Fault(WRITE, EIO, does=ALL),
    "writes fail": Fault(WRITE, EIO, FOR_EVER),
    "the disk is full": Fault(WRITE, ENOSPC, FOR_EVER),
    "the disk fills up half way": Fault(WRITE, ENOSPC, FOR_EVER, HALF),
    "the disk is read-only": Fault(WRITE | TRUNCATE | OPEN | UNLINK, EROFS, FOR_EVER),
    "a sync fails": Fault(SYNC, EIO),
    "a sync is done and fails": Fault(SYNC, EIO, does=ALL),
    "syncs fail": Fault(SYNC, EIO, FOR_EVER),
    "a sync finds no space": Fault(SYNC, ENOSPC),
    "anything fails": Fault(EVERYTHING, EIO),
    "everything fails": Fault(EVERYTHING, EIO, FOR_EVER),
}

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform != "linux", reason="the disk under test is put before the C library of Linux"),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_disk(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def start(shim: Path) -> Iterator[Start]:
    with mother(shim, power.__name__, io_errors.__name__) as start:
        yield start


@pytest.fixture
def seed() -> int:
    """Said when a test fails, so that the same moments can be tried again."""
    chosen = random.randrange(2**32)
    print(f"seed {chosen}")
    return chosen


def say(what: str, figures: object, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n  {what}: {figures}")


def test_what_was_acknowledged_or_shown_outlives_the_power(
    start: Start, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = max(1, CUTS // CUTS_PER_LOG)
    figures = lose_power(start, tmp_path, rounds, CUTS_PER_LOG, seed=seed)
    say("power losses", figures, capsys)
    assert (figures.rounds, figures.lost, figures.forked, figures.damaged) == (rounds, 0, 0, 0)
    assert figures.unsynced > figures.cuts // 10, "hardly a cut at which there was something to lose"
    assert figures.acknowledged > figures.cuts


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_a_log_that_is_not_synced_at_every_commit_is_seen_to_lose(
    start: Start, tmp_path: Path, seed: int, synchronous: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = lose_power(start, tmp_path, 1, 12, seed=seed, synchronous=synchronous, lives=1)
    say(f"power losses, synchronous={synchronous}", figures, capsys)
    assert figures.lost > 0


def test_nothing_is_shown_that_a_killed_process_had_not_synced(start: Start, tmp_path: Path, seed: int) -> None:
    figures = lose_power_at_birth(start, tmp_path, 4, seed=seed)
    assert (figures.lives, figures.lost, figures.forked, figures.damaged) == (4, 0, 0, 0)


@pytest.mark.parametrize("name", FAULTS)
def test_every_answer_is_right_whatever_fails_and_when(
    start: Start, tmp_path: Path, seed: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = let_fail(start, tmp_path, FAULTS[name], FAULTS_EACH, FAULTS_EACH // 2, seed=seed)
    say(name, figures, capsys)
    assert (figures.lost, figures.returned, figures.damaged) == (0, 0, 0)
    assert figures.faults > 5
    assert figures.acknowledged > figures.faults


def test_a_log_whose_name_is_not_on_the_disk_acknowledges_nothing(start: Start, tmp_path: Path, seed: int) -> None:
    answers = []
    for skip in range(40):
        answer, met, entries = begin_and_lose_power(start, tmp_path, skip, seed=seed)
        assert answer == "refused" or entries == 1
        answers.append(answer)
        if met == "missed":
            break
    assert "refused" in answers
    assert answers[-1] == "told"


def test_a_gateway_on_a_full_disk_releases_nothing_and_recovers_by_itself(shim: Path, tmp_path: Path) -> None:
    fill_the_disk(shim, tmp_path)
