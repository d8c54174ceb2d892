"""A reader who knows the rule and every margin it shows cannot tell a small count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.obligations.suppress import ANY, suppressed


def margins(cells, threshold):
    """Every sum a reader can ask for and is shown: keys and total."""
    dimensions = len(next(iter(cells)))
    for size in range(1, dimensions + 1):
        for summed in itertools.combinations(range(dimensions), size):
            parts = {}
            for key in cells:
                parts.setdefault(tuple(v for n, v in enumerate(key) if n not in summed), []).append(key)
            totals = {margin: sum(cells[key] for key in keys) for margin, keys in parts.items()}
            hidden = suppressed(totals, threshold)
            for margin, keys in parts.items():
                if margin not in hidden:
                    yield keys, totals[margin]


def possible(cells, hidden, threshold):
    """By trying everything: the values each withheld cell can have. No cleverness of the rule's own in here."""
    unknown = sorted(hidden)
    sums = []
    for keys, total in margins(cells, threshold):
        inside = [unknown.index(key) for key in keys if key in hidden]
        if inside:
            sums.append((inside, total - sum(cells[key] for key in keys if key not in hidden)))
    sums_at = {n: [s for s in sums if max(s[0]) == n] for n in range(len(unknown))}
    all_at = {n: [s for s in sums if n in s[0]] for n in range(len(unknown))}
    values = [set() for _ in unknown]

    def go(n, chosen):
        if n == len(unknown):
            for value, seen in zip(chosen, values, strict=True):
                seen.add(value)
            return
        bound = min((total for _, total in all_at[n]), default=threshold + 2)
        for value in range(1, bound + 1):
            chosen.append(value)
            if all(sum(chosen[i] for i in inside) == total for inside, total in sums_at[n]):
                go(n + 1, chosen)
            chosen.pop()

    go(0, [])
    return dict(zip(unknown, values, strict=True))


def tables(*sizes, most):
    keys = list(itertools.product(*map(range, sizes)))
    return st.lists(st.integers(0, most), min_size=len(keys), max_size=len(keys)).map(
        lambda counts: {key: count for key, count in zip(keys, counts, strict=True) if count}
    )


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(tables(4, most=9), tables(2, 2, most=9), tables(2, 3, most=8), tables(2, 2, 2, most=5)),
    st.integers(2, 4),
)
def test_no_small_count_can_be_told_from_what_is_shown(cells, threshold):
    assume(cells)
    hidden = suppressed(cells, threshold)
    assert {key for key, count in cells.items() if count <= threshold} <= hidden
    if hidden == cells.keys() or not hidden:
        return
    for key, values in possible(cells, hidden, threshold).items():
        assert cells[key] in values
        if cells[key] <= threshold:
            assert len(values) > 1, (cells, hidden, key)


@given(tables(3, 3, most=40), st.integers(1, 14))
def test_no_shown_sum_has_one_cell_withheld_or_a_small_sum_withheld(cells, threshold):
    assume(cells)
    hidden = suppressed(cells, threshold)
    small = {key for key, count in cells.items() if count <= threshold}
    assume(hidden != cells.keys())
    for keys, _ in margins(cells, threshold):
        inside = [key for key in keys if key in hidden]
        if small & set(inside) and len(inside) < len(keys):
            assert len(inside) > 1
            assert sum(cells[key] for key in inside) > threshold


@given(tables(3, 3, most=40))
def test_a_table_without_small_cells_is_shown_whole(cells):
    assert suppressed({key: count + 12 for key, count in cells.items()}, 12) == frozenset()


def test_a_bridge_between_two_blocks_is_not_left_open():
    """Every row and column has two cells withheld, and still the sums give (2, 1) away: columns 0, 1 less rows 0, 1."""
    small = {(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 2), (4, 3)}
    cells = {key: 5 if key in small else 100 for key in itertools.product(range(5), range(5))}
    cells |= {key: 8 for key in small if key != (2, 1)}
    hidden = suppressed(cells, 12)
    assert small < hidden


@st.composite
def rows_of_people(draw):
    """A table of rows, each of a person and in one cell; people have rows in several cells."""
    sizes = draw(st.sampled_from([(4,), (2, 2), (2, 3)]))
    keys = list(itertools.product(*map(range, sizes)))
    made = draw(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(keys)), min_size=1, max_size=40))
    cells, people = {}, {}
    for person, key in made:
        cells[key] = cells.get(key, 0) + 1
        for masks in itertools.product((False, True), repeat=len(key)):
            margin = tuple(ANY if summed else value for value, summed in zip(key, masks, strict=True))
            people.setdefault(margin, set()).add(person)
    return cells, people


@settings(max_examples=300, deadline=None)
@given(rows_of_people(), st.integers(1, 4))
def test_no_shown_sum_of_rows_leaves_a_sum_of_few_people(table, threshold):
    """Whoever knows all margins that this rule shows, and all cells, knows no sum of few people's rows."""
    cells, people = table
    persons = {key: len(those) for key, those in people.items()}
    hidden = suppressed(cells, threshold, persons=persons)
    few = {key for key in cells if persons[key] <= threshold}
    assert few <= hidden
    for size in range(1, len(next(iter(cells))) + 1):
        for summed in itertools.combinations(range(len(next(iter(cells)))), size):
            parts = {}
            for key in cells:
                parts.setdefault(tuple(ANY if n in summed else v for n, v in enumerate(key)), []).append(key)
            totals = {margin: sum(cells[key] for key in keys) for margin, keys in parts.items()}
            withheld = suppressed(totals, threshold, persons=persons)
            for margin, keys in parts.items():
                inside = [key for key in keys if key in hidden]
                if margin not in withheld and few & set(inside) and len(inside) < len(keys):
                    assert len(inside) > 1
                    assert len(set().union(*(people[key] for key in inside))) > threshold


def test_cells_that_the_same_few_people_fill_do_not_hide_one_another():
    cells = {("a",): 300, ("b",): 200, ("c",): 50, ("d",): 40}
    persons = {("a",): 1, ("b",): 1, ("c",): 50, ("d",): 40, (ANY,): 91}
    assert suppressed(cells, 12, persons=persons) == {("a",), ("b",), ("d",)}


def test_without_complementary_suppression_only_small_cells_go():
    assert suppressed({("a",): 3, ("b",): 30, ("c",): 40}, 12, complementary=False) == {("a",)}


@pytest.mark.parametrize(
    ("cells", "hidden"),
    [
        ({("a",): 3, ("b",): 30, ("c",): 40}, {("a",), ("b",)}),
        ({("a",): 3, ("b",): 4, ("c",): 40}, {("a",), ("b",), ("c",)}),
        ({("a",): 6, ("b",): 7, ("c",): 40}, {("a",), ("b",)}),
        ({(): 12}, {()}),
        ({(): 13}, set()),
        ({}, set()),
        ({(None,): 3, (1,): 30, ("x",): 40}, {(None,), (1,)}),
    ],
)
def test_tables_worked_by_hand(cells, hidden):
    assert suppressed(cells, 12) == hidden
