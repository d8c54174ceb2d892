"""The goals: what is compared with what, what must be reached, and what is hoped for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Goal:
    """`must` holds on a noisy machine too and fails the run; `target` is what may be claimed after a quiet one.

    A goal without `must` is only reported: it explains another.
    """

    id: str
    what: str
    must: float | None = None
    target: float | None = None
    percent: bool = True

    def shown(self, ratio: float) -> str:
        return f"{ratio:.0%}" if self.percent else f"{ratio:.1f}×"


GOALS = (
    Goal("R1", "decision up to its durable grant / bare FastAPI route, CPU per request, 64 connections", 0.22, 0.40),
    Goal("R3", "decision / naive composition, requests per second, 64 connections", 10, 20, percent=False),
    Goal(
        "R5",
        "log, 64 in flight / the same writer, a commit for each change, entries/s",
        6,
        10,
        percent=False,
    ),
    Goal("R11", "Arrow stream through the gateway / DuckDB to Arrow in process, MB/s", 0.70, 0.85),
    Goal("R1-asked", "decision with no permit recalled, every question put to the policy engine / bare FastAPI route"),
    Goal("R3-asked", "decision with no permit recalled / naive composition, requests per second", percent=False),
    Goal("R1-full", "a whole read of ten rows, delivered and settled / bare FastAPI route, CPU per request"),
    Goal("R5-rows", "log, 64 in flight / finished rows alone, a commit for each, no tree or signature", percent=False),
    Goal("R11-masked", "masked stream / the same masked query in process, MB/s"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal with its ratio in each round; the median is what counts."""

    goal: Goal
    rounds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return median(self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether what must be reached is; None where nothing must."""
        return None if self.goal.must is None else self.ratio >= self.goal.must

    @property
    def word(self) -> str:
        if self.met is None or self.goal.target is None:
            return "-"
        if not self.met:
            return "missed"
        return "target" if self.ratio >= self.goal.target else "must"


def verdict(goal_id: str, rounds: Sequence[float]) -> Verdict:
    """The verdict on a goal by its id."""
    return Verdict(next(goal for goal in GOALS if goal.id == goal_id), tuple(rounds))
