"""The threat model names what there is: modules that defend, tests that try; and leaves no way without its letters."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, text_of

PAGE = "docs/threats.md"
HEAD = "| | threat | what stands against it | what tries it | what remains |"
LETTERS = set("STRIDE")
NAMED = re.compile(r"`((?:tests|gateway|connectors|policies)/[^`]+)`")


def ways() -> dict[str, list[list[str]]]:
    """The rows of each way's table, by the way's title."""
    found: dict[str, list[list[str]]] = {}
    for section in re.split(r"^## ", text_of(PAGE), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        lines = text.splitlines()
        if HEAD in lines:
            rows = [line for line in lines[lines.index(HEAD) + 2 :] if line.startswith("|")]
            found[title] = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return found


WAYS = ways()


def there(named: str) -> bool:
    """Whether a module is there or, as `file::function`, a test."""
    path, _, test = named.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    return not test or re.search(rf"^(async )?def {test}\(", file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def test_every_module_and_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(text_of(PAGE))
    assert len(named) > 100
    assert [one for one in named if not there(one)] == []


def test_what_does_not_exist_is_found() -> None:
    assert there("tests/docs/test_threats.py::test_what_does_not_exist_is_found")
    assert not there("tests/docs/test_threats.py::test_what_does_not_exist")
    assert not there("gateway/nobody.py")


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_looked_at_under_every_letter(way: str) -> None:
    letters = {letter for row in WAYS[way] for letter in row[0].split(", ")}
    assert letters == LETTERS


@pytest.mark.parametrize("way", WAYS)
def test_each_threat_says_what_tries_it_or_that_nothing_does(way: str) -> None:
    for _, threat, against, tries, *_ in WAYS[way]:
        assert threat
        assert against
        assert tries == "nothing" or re.fullmatch(r"(`tests/[^`]+::test_\w+`(, )?)+", tries), threat


def test_what_nothing_tries_has_something_that_remains() -> None:
    rows = [row for rows in WAYS.values() for row in rows]
    assert [row[1] for row in rows if row[3] == "nothing" and not row[4]] == []
