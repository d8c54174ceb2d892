"""Small cells: which counts of a table must be withheld so that none of 1 to T can be told.

Primary suppression withholds counts of 1 to T; complementary suppression withholds others with them, because a total
minus what is shown gives what is not. The reader may ask for every margin of the table as well, so margins are taken
as known exactly when this same rule would show them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from enum import Enum
from itertools import combinations, islice
from typing import Any, Final

Key = tuple[Hashable, ...]
"""A group: a value for each column, `ANY` where the column is summed over."""
Cells = Mapping[Key, int]


class _Any(Enum):
    ANY = "any"


ANY: Final = _Any.ANY

MAX_STEPS = 80
"""How long another table is looked for that agrees with all that is shown. None found counts as none there."""

MAX_STEPS_IN_ALL = 50_000
"""How long one table is worked on, a few seconds. If that does not do, all its cells are withheld: the reader had
better group by fewer columns."""

_MOVES = 64  # tried along one sum


def suppressed(
    cells: Cells, threshold: int, *, persons: Cells | None = None, complementary: bool = True
) -> frozenset[Key]:
    """The keys whose counts are withheld. `cells`: a complete table, one count (1 or more) per group that is not empty.

    The counts must add up: a group that takes in two others counts what they count together. So they are counts of
    rows, or of persons who are each in one cell. `persons`, of counts of rows: how many people the rows of each cell
    and of each margin are of; where they are few the count is small, however many rows they have.

    A reader who knows the threshold, that withheld counts are at least 1, and every margin this rule shows, cannot
    work out a small count that is withheld. Where nothing less protects them, all cells are withheld.
    """
    if not complementary:
        return frozenset(key for key in cells if (persons or cells)[key] <= threshold)
    return _Table(cells, threshold, persons).hidden()


class _Table:
    """One table with its margins, each margin protected by the same rule."""

    def __init__(self, cells: Cells, threshold: int, persons: Cells | None) -> None:
        self.cells = dict(cells)
        self.threshold = threshold
        self.persons = persons
        self.dimensions = [n for n, value in enumerate(next(iter(cells), ())) if value is not ANY]
        by_count = sorted(self.cells, key=lambda key: (self.cells[key], _sortable(key)))
        self.order = {key: n for n, key in enumerate(by_count)}
        self.small = {key for key in self.cells if (persons or self.cells)[key] <= threshold}
        self.lines = self._known_lines()
        self.through: dict[Key, list[tuple[Key, ...]]] = {key: [] for key in self.cells}
        for keys in self.lines:
            for key in keys:
                self.through[key].append(keys)

    def hidden(self) -> frozenset[Key]:
        if not self.small:
            return frozenset()
        hidden = set(self.small)
        safe: set[Key] = set()
        steps = MAX_STEPS_IN_ALL
        while steps > 0:
            self._close_lines(hidden)
            if len(hidden) == len(self.cells):
                break
            # What was safe stays so: withholding more only leaves the reader more to choose from.
            others = _Others(self.cells, hidden, self.lines, steps)
            told = [key for key in self.order if key in self.small and key not in safe and not others.differ_at(key)]
            if not told:
                return frozenset(hidden)
            safe |= others.found_safe
            hidden |= {self._cheapest_near(key, hidden) for key in told}
            steps = others.steps
        return frozenset(self.cells)

    def _known_lines(self) -> list[tuple[Key, ...]]:
        """Every sum of cells that the reader can know: margins over each set of dimensions, where they are shown."""
        known = []
        for size in range(1, len(self.dimensions) + 1):
            for summed in combinations(self.dimensions, size):
                parts: dict[Key, list[Key]] = defaultdict(list)
                for key in self.cells:
                    parts[tuple(ANY if n in summed else value for n, value in enumerate(key))].append(key)
                totals = {margin: sum(self.cells[key] for key in keys) for margin, keys in parts.items()}
                withheld = suppressed(totals, self.threshold, persons=self.persons)
                known += [tuple(keys) for margin, keys in parts.items() if margin not in withheld]
        return known

    def _close_lines(self, hidden: set[Key]) -> None:
        """No known sum with exactly one cell withheld, or with few withheld in all, or with nothing but ones."""
        changed = True
        while changed:
            changed = False
            for keys in self.lines:
                inside = [key for key in keys if key in hidden]
                total = sum(self.cells[key] for key in inside)
                if not inside or (len(inside) > 1 and self._are_many(inside, total) and total > len(inside)):
                    continue
                shown = [key for key in keys if key not in hidden]
                if shown and not self._all_large(inside):
                    hidden.add(min(shown, key=self.order.__getitem__))
                    changed = True

    def _are_many(self, inside: list[Key], total: int) -> bool:
        """Whether these cells together are surely more than the threshold."""
        if self.persons is None:
            return total > self.threshold
        return any(self.persons[key] > self.threshold for key in inside)  # the same few may be in all of them

    def _all_large(self, inside: list[Key]) -> bool:
        """More than one cell, all of them withheld for others' sake: their sum gives no small count away."""
        return len(inside) > 1 and not any(key in self.small for key in inside)

    def _cheapest_near(self, told: Key, hidden: set[Key]) -> Key:
        """The smallest shown cell that shares a known sum, the shortest first, with a cell that is told."""
        for keys in sorted(self.through[told], key=len):
            if shown := [key for key in keys if key not in hidden]:
                return min(shown, key=self.order.__getitem__)
        return min(self.cells.keys() - hidden, key=self.order.__getitem__)


def _sortable(key: Key) -> tuple[Any, ...]:
    return tuple((value is not None, str(type(value)), str(value)) for value in key)


class _Others:
    """Other tables than the true one that agree with everything shown: sums kept, withheld counts at least 1.

    One such table with another count in a cell proves that the cell cannot be worked out.
    """

    def __init__(self, cells: Cells, hidden: set[Key], lines: list[tuple[Key, ...]], steps: int) -> None:
        self.cells = cells
        self.steps = steps
        self.lines = [inside for keys in lines if (inside := [key for key in keys if key in hidden])]
        self.through: dict[Key, list[int]] = {key: [] for key in hidden}
        for n, inside in enumerate(self.lines):
            for key in inside:
                self.through[key].append(n)
        self.found_safe: set[Key] = set()

    def differ_at(self, key: Key) -> bool:
        """Whether a table is found that differs in this cell, by one, and elsewhere by one at most."""
        if key not in self.found_safe:
            for step in (1, -1):
                change = _Change(self, min(MAX_STEPS, self.steps))
                if change.allowed(key, step):
                    change.make(key, step)
                    found = change.balance()
                    self.steps -= change.taken
                    if found:
                        self.found_safe |= change.made.keys()
                        break
        return key in self.found_safe


class _Change:
    """Counts moved by one up or down, on the way to sums that are what they were."""

    def __init__(self, others: _Others, most: int) -> None:
        self.others = others
        self.most, self.taken = most, 0
        self.made: dict[Key, int] = {}
        self.off: dict[int, int] = {}

    def allowed(self, key: Key, step: int) -> bool:
        return key not in self.made and self.others.cells[key] + step >= 1

    def make(self, key: Key, step: int) -> None:
        self.made[key] = step
        self._move(key, step)

    def undo(self, key: Key) -> None:
        self._move(key, -self.made.pop(key))

    def _move(self, key: Key, step: int) -> None:
        for line in self.others.through[key]:
            self.off[line] = self.off.get(line, 0) + step
            if not self.off[line]:
                del self.off[line]

    def balance(self) -> bool:
        """Move further counts until no sum is off; depth first, the move that rights most sums first."""
        if not self.off:
            return True
        line = min(self.off, key=lambda n: len(self.others.lines[n]))
        step = -1 if self.off[line] > 0 else 1
        moves = list(islice((key for key in self.others.lines[line] if self.allowed(key, step)), _MOVES))
        for key in sorted(moves, key=lambda k: self._left_off(k, step)):
            if self.taken >= self.most:
                return False
            self.taken += 1
            self.make(key, step)
            if self.balance():
                return True
            self.undo(key)
        return False

    def _left_off(self, key: Key, step: int) -> int:
        """How much further off the sums through a cell are after a move (less than 0: nearer)."""
        lines = self.others.through[key]
        return sum(abs(self.off.get(n, 0) + step) - abs(self.off.get(n, 0)) for n in lines)
