"""A whole run, as short as can be: what is timed is right, and what is answered is in the log."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import append
from benchmarks.ratios import GOALS, Goal, Verdict
from benchmarks.run import ASKED, Measured, Size, _compare, run
from benchmarks.space import verified


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    # It would fail on a wrong golden answer, and on an answer under load that is not in the log.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.load.shutil.which", lambda _name: None)
        return run(
            Size(rounds=1, seconds=0.2, rows=20_000), lambda _what: None, folder=tmp_path_factory.mktemp("bench")
        )


def test_every_goal_gets_its_ratio_from_one_run(measured: Measured) -> None:
    verdicts = measured.verdicts()
    assert {verdict.goal for verdict in verdicts} == set(GOALS)
    assert all(verdict.ratio > 0 for verdict in verdicts)


def test_figures_are_shown_for_1_16_and_64_connections(measured: Measured) -> None:
    shown = {(cell["name"], cell["connections"]) for cell in measured.cells()}
    assert {(name, n) for name in ASKED for n in (1, 16, 64)} <= shown


def test_the_log_is_verified_after_timing(measured: Measured) -> None:
    timed = sum(r[0][0].good for (name, _), r in measured.loads.items() if name in ("decision", "asked", "full"))
    assert f"a grant for each of {timed:,} timed answers" in measured.notes["log verified"]


@pytest.mark.parametrize(("recorded", "answered", "cut"), [(9, 10, 0), (11, 10, 0), (75, 10, 64)])
def test_an_answer_without_an_entry_fails_the_run(recorded: int, answered: int, cut: int) -> None:
    with pytest.raises(AssertionError, match="entries for"):
        _compare("the log", recorded, answered, cut)


def test_a_log_that_was_changed_after_timing_is_found(tmp_path: Path) -> None:
    log = append.made(tmp_path)

    async def several() -> None:
        await asyncio.gather(*(log.submit(append.change) for _ in range(20)))

    asyncio.run(several())
    vkey = str(log.signer.verifier)
    log.close()
    log.db.close()
    file = tmp_path / "log.sqlite3"
    assert verified(file, vkey) == 20
    with closing(sqlite3.connect(file)) as database, database:
        (body,) = database.execute("SELECT body FROM log_entry WHERE idx = 7").fetchone()
        altered = body.replace(b"permit", b"Permit")
        database.execute("UPDATE log_entry SET body = ? WHERE idx = 7", (altered,))
    with pytest.raises(AssertionError, match="not what its key signed"):
        verified(file, vkey)


@pytest.mark.parametrize(("ratio", "word"), [(0.1, "missed"), (0.2, "must"), (0.39, "must"), (0.4, "target")])
def test_a_goal_is_reached_from_its_bound_on(ratio: float, word: str) -> None:
    assert Verdict(Goal("R0", "", 0.2, 0.4), (0.0, ratio, 9.0)).word == word
