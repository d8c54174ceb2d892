"""What README and docs tell a reader to type does what they say it does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.docs.pages import PLAYED, answers, blocks, text_of, typed
from tests.docs.space import NOT_TYPED, Space, opened


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with opened(tmp_path_factory.mktemp("checkout")) as running:
        yield running


@pytest.mark.parametrize("page", PLAYED)
def test_every_command_answers_as_shown(space: Space, page: str) -> None:
    differ = [
        f"$ {line.command}--- shown\n{line.answer}--- real\n{real.strip()}\n"
        for line, real, _ in space.play(page)
        if not answers(line.answer, real)
    ]
    assert not differ, "\n".join(differ)


@pytest.mark.parametrize("page", PLAYED)
def test_what_is_shown_as_refused_fails_and_nothing_else_does(space: Space, page: str) -> None:
    wrong = [(line.command, code) for line, _, code in space.play(page) if (code != 0) is not line.refused]
    assert not wrong


def test_the_demo_prints_what_the_readme_shows(space: Space) -> None:
    [shown] = [line for block in blocks("README.md") for line in typed(block) if line.command == "make demo\n"]
    assert answers(shown.answer, space.demo)


@pytest.mark.parametrize("page", PLAYED)
def test_what_is_not_typed_is_listed_and_is_shell(page: str) -> None:
    for block in blocks(page):
        if block.language == "sh":
            assert set(block.text.splitlines()) <= set(NOT_TYPED)
            assert subprocess.run(["bash", "-n", "-c", block.text], check=False).returncode == 0


def test_nothing_is_listed_that_no_page_shows() -> None:
    shown = {line for page in PLAYED for line in text_of(page).splitlines()}
    assert {line for line in NOT_TYPED if line not in shown and f"$ {line}" not in shown} == set()


@pytest.mark.parametrize("page", PLAYED)
def test_commands_stand_in_blocks_that_are_typed_or_listed(page: str) -> None:
    other = [block.text for block in blocks(page) if block.language not in ("console", "sh")]
    assert not [text for text in other if re.search(r"^\$? ?(corridor|make|curl) ", text, re.MULTILINE)]
