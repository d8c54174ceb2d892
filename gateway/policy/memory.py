"""Permits that still hold: the same question, asked again while nothing it rests on has begun or ended.

A decision is a pure function of bundle and input, and of a permit's input only the time moves by itself. Under a bundle
whose rules do no more with the time than compare it with times of the input, which its author says by `"clock":
"compared"` in `access/decision/data.json`, a permit holds from one such time to the next; where a rule limits an age,
from one such time and age to the next. Refusals are not kept: they show the time they saw.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from gateway.policy.decision import Decision
from gateway.policy.document import Document

PERMITS = 2048
MAX_BYTES = 16 * 1024
"""Of an input that is kept: with PERMITS of them, a bound on memory."""
LIFE_S = 60
"""The longest that a permit is believed without asking again, whatever its bundle says of itself."""

RECALLED = Counter("corridor_permits_recalled_total", "Decisions that were not worked out again: they still held.")


@dataclass(frozen=True, slots=True)
class _Kept:
    decision: Decision
    since: int
    until: int


class DecisionMemory:
    """The permits of one process, those asked for least recently forgotten first. Used on one thread."""

    def __init__(self, ages: tuple[int, ...] = ()) -> None:
        """`ages`: limits on ages, in seconds, that the rules add to times of the input."""
        self._after = (0, *ages)
        self._kept: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()

    def recall(self, bundle: str, document: Document) -> Decision | None:
        """The permit this bundle gave to this input, if it holds at the input's time too."""
        key = bundle, document.timeless
        kept = self._kept.get(key)
        if kept is None or not kept.since <= document.value["context"]["now"] < kept.until:
            return None
        self._kept.move_to_end(key)
        RECALLED.inc()
        return kept.decision

    def keep(self, document: Document, decision: Decision) -> None:
        """Remember a permit until the next time in its input, or for LIFE_S. Anything else is not remembered."""
        if decision.result != "permit" or len(document.data) > MAX_BYTES:
            return
        now = document.value["context"]["now"]
        since, until = _unchanged(document.value, now, self._after)
        self._kept[decision.bundle, document.timeless] = _Kept(decision, since, min(until, now + LIFE_S))
        while len(self._kept) > PERMITS:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()


def _unchanged(document: dict[str, Any], now: int, after: tuple[int, ...]) -> tuple[int, int]:
    """The half-open interval around `now`, in seconds, in which it compares alike with every number of the input.

    `after`: what may be added to a number before it is compared.
    """
    # Any integer may be a time: to take one for a time that is none only makes the interval shorter. Before or after a
    # time t means a change at t or, where t itself still counts, at t + 1.
    times = {now, now + LIFE_S}
    for number in _integers({name: member for name, member in document.items() if name != "context"}):
        times |= {number + age + edge for age in after for edge in (0, 1)}
    ordered = sorted(times)
    place = bisect_right(ordered, now)
    return ordered[place - 1], ordered[place]


def _integers(value: Any) -> Iterator[int]:
    if type(value) is int:
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _integers(member)
    elif isinstance(value, list):
        for member in value:
            yield from _integers(member)
