"""No place in the policies can be broken without a test that notices."""

from __future__ import annotations

import pytest

from tests.policies.mutation import EQUIVALENT, mutants, survivors
from tests.policy.engines import POLICIES


@pytest.mark.server
def test_no_change_of_the_policies_goes_unnoticed():
    tried, left = survivors([])
    assert [str(mutant) for mutant in left] == []
    assert tried > 1000


def test_a_rule_is_broken_in_each_of_the_ways():
    text = '\tnot input.a in input.b\n\tinput.a <= 5\n\tinput.c == true\nother if input.d == "x"\n'
    assert {mutant.now.strip() for mutant in mutants("access/rules/r/r.rego", text)} == {
        "true",
        "input.a in input.b",
        "input.a < 5",
        "input.a > 5",
        "not input.a <= 5",
        "input.c != true",
        "input.c == false",
        "not input.c == true",
        'other if input.d != "x"',
        "other if true",
    }


def test_a_table_is_broken_by_one_and_by_the_other_truth():
    text = '{\n  "persons": 500,\n  "covers": [\n    true\n  ]\n}\n'
    changed = [mutant.now.strip() for mutant in mutants("access/rules/r/data.json", text)]
    assert changed == ['"persons": 501,', '"persons": 499,', "false"]


def test_what_is_called_equivalent_is_still_there():
    for path, line in EQUIVALENT:
        assert line in [each.strip() for each in (POLICIES / path).read_text("utf-8").splitlines()]
