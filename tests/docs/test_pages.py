"""README and docs say what the code says: tables, states, problems, links, tests, commands in passing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from gateway.api.problems import pages
from gateway.cli.main import app
from gateway.problems import Problem
from tests.docs.generated import filled, problem_classes
from tests.docs.pages import PAGES, ROOT, blocks, text_of

EVERY = (*PAGES, "gateway/api/problems.md")


@pytest.mark.parametrize("page", PAGES)
def test_what_is_made_from_the_code_is_up_to_date(page: str) -> None:
    """If not: python -m tests.docs.generated."""
    assert filled(text_of(page)) == text_of(page)


@pytest.mark.parametrize("page", EVERY)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, target


def test_every_promise_names_tests_that_exist() -> None:
    text = text_of("README.md").partition("## What you may trust")[2].partition("What is **not** claimed")[0]
    promises = re.split(r"^\d\. ", text, flags=re.MULTILINE)[1:]
    assert len(promises) == 9
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", promise)
        assert named
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_every_page_of_the_docs_is_one_of_these() -> None:
    assert {f"docs/{path.name}" for path in (ROOT / "docs").iterdir() if path.suffix == ".md"} <= set(PAGES)
    shown = "".join(text_of(page) for page in PAGES)
    for other in [*(ROOT / "docs").glob("*.ipynb"), *(ROOT / "docs" / "images").iterdir()]:
        assert f"]({other.relative_to(ROOT / 'docs')})" in shown, other
    for page in PAGES:
        assert page == "README.md" or f"]({page})" in text_of("README.md"), page


def test_every_problem_has_a_page_with_its_title_and_status_and_there_are_no_others() -> None:
    classes = problem_classes()
    assert set(pages()) == set(classes)
    for slug, page in pages().items():
        assert f"**{classes[slug].title}** ({classes[slug].status})." in page, slug


def test_two_kinds_of_problem_never_share_a_name() -> None:
    waiting, seen = [Problem], dict[str, type[Problem]]()
    problem_classes()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("gateway"):
            assert seen.setdefault(kind.slug, kind) is kind


@pytest.mark.parametrize("page", EVERY)
def test_commands_named_in_passing_exist(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for words in re.findall(r"`corridor ([^`]+)`", text):
        command, context = get_command(app), typer.Context(get_command(app))
        for word in words.split():
            if not hasattr(command, "commands"):
                break
            if not word.startswith("-"):
                found = command.get_command(context, word)
                assert found is not None, words
                command = found
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", words)) <= options | {"--help"}, words


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_and_settings_named_in_passing_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z]+)", text_of(page)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    known = (ROOT / "docker-compose.yml").read_text(encoding="utf-8") + text_of("README.md")
    # What the tests take from whoever runs them is no setting of the gateway's.
    programs = [*(ROOT / "tests" / "audit").glob("test_*.py"), *(ROOT / ".ci").iterdir()]
    programs.append(ROOT / "gateway" / "sdk" / "agentfile.py")  # what the SDK takes
    known += "".join(path.read_text(encoding="utf-8") for path in programs)
    assert [name for name in re.findall(r"CORRIDOR_[A-Z_]+[A-Z]", text_of(page)) if name not in known] == []


@pytest.mark.server
def test_the_example_of_a_rule_passes_opa(tmp_path: Path) -> None:
    program = os.environ.get("CORRIDOR_OPA") or shutil.which("opa")
    assert program, "run this by make check, which brings OPA"
    shutil.copytree(ROOT / "policies", tmp_path / "my-policies")
    for block in blocks("docs/policy.md"):
        if block.file and block.file.startswith("my-policies/"):
            (tmp_path / block.file).parent.mkdir(exist_ok=True)
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    for arguments in (["check", "--strict"], ["test", "--fail-on-empty"], ["fmt", "--fail", "--list"]):
        done = subprocess.run(
            [program, *arguments, "my-policies"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
