"""Counts as drawings: where each bar stands, in the units of the drawing. Templates draw them, with a table behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 960
HEIGHT: Final = 200
LEFT: Final = 44
BOTTOM: Final = 24


@dataclass(frozen=True, slots=True)
class Part:
    """One outcome's part of a bar."""

    outcome: str
    count: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What happened in one stretch of time. `shown`: whether its label has room below it."""

    label: str
    x: float
    width: float
    parts: tuple[Part, ...]
    total: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Stacked:
    """Bars over time, each stacked by outcome. `lines`: y and count of the lines across."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, int], ...]
    totals: Mapping[str, int]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def stacked(labels: Sequence[str], outcomes: Sequence[str], counts: Iterable[tuple[str, str, int]]) -> Stacked:
    """`counts`: label, outcome and how many; a label without any is an empty place, not a missing one."""
    found: dict[str, dict[str, int]] = {label: {} for label in labels}
    for label, outcome, count in counts:
        if label in found:
            found[label][outcome] = found[label].get(outcome, 0) + count
    most = max((sum(parts.values()) for parts in found.values()), default=0)
    top, step = _scale(most)
    floor, room = HEIGHT - BOTTOM, HEIGHT - BOTTOM - 10
    slot = (WIDTH - LEFT) / max(1, len(labels))
    every = max(1, round(len(labels) / 8))
    bars = []
    for place, label in enumerate(labels):
        parts, y = [], float(floor)
        for outcome in outcomes:
            if count := found[label].get(outcome, 0):
                height = count / top * room
                y -= height
                parts.append(Part(outcome, count, round(y, 2), round(height, 2)))
        x = LEFT + place * slot + slot * 0.12
        bars.append(
            Bar(
                label, round(x, 2), round(slot * 0.76, 2), tuple(parts), sum(p.count for p in parts), place % every == 0
            )
        )
    totals = {outcome: sum(parts.get(outcome, 0) for parts in found.values()) for outcome in outcomes}
    lines = tuple((round(floor - value / top * room, 2), value) for value in range(0, top + 1, step))
    return Stacked(tuple(bars), lines, totals)


def _scale(most: int) -> tuple[int, int]:
    """The height of the drawing and the distance of its lines: round numbers, at most five of them."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor * 4 >= most:
                return step * factor * 4, step * factor
        step *= 10
