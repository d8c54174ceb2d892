"""Breaks the policies in one place after another and asks their tests: `python -m tests.policies.mutation [NAME ...]`.

What is broken: a condition is left out or negated, a comparison turned round, a boundary moved by one (`<` for `<=`, a
number of a table), a truth value exchanged, "every" made "some", in Rego and in tables. A change that no test notices
survives and is printed; one that OPA does not compile could not have been shipped and is not counted. Tests are those
of the folder, and for what is shared (`lib`) also those of every folder that imports it.
NAME: folders of `policies/`; without any, all.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.policies.interpreted import failures
from tests.policy.engines import POLICIES, opa

AT_ONCE = 2
_DECISION = "access/decision"
_UNSAID = re.compile(r"^(?:package |import |#|\}|$)")
_HEAD = re.compile(r"^\S.*\bif\b (?!\{$)(?P<body>.+)$")
_TURNED = [
    (re.compile(r" == "), " != "),
    (re.compile(r" != "), " == "),
    (re.compile(r" <= "), " < "),
    (re.compile(r" <= "), " > "),
    (re.compile(r" >= "), " > "),
    (re.compile(r" >= "), " < "),
    (re.compile(r" < "), " <= "),
    (re.compile(r" < "), " >= "),
    (re.compile(r" > "), " >= "),
    (re.compile(r" > "), " <= "),
    (re.compile(r"\btrue\b"), "false"),
    (re.compile(r"\bfalse\b"), "true"),
    (re.compile(r"\bnot "), ""),
    (re.compile(r"(?<=\{ )(?=\S+ in )"), "not "),
    (re.compile(r"(?<= if )(?=\S+ in )"), "not "),
]
_EVERY = re.compile(r"\bevery (\w+) in (.+?) \{ (.+) \}$")
# By path and line: changes of it that change no answer, and why.
EQUIVALENT: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int
    text: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.was.strip()}  ->  {self.now.strip() or '(left out)'}"


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Each text that differs from a file's in one place."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        broken = _broken_table(line) if path.endswith(".json") else _broken(line)
        if (path, line.strip()) in EQUIVALENT:
            continue
        for now in dict.fromkeys(broken):
            changed = "\n".join([*lines[:number], now, *lines[number + 1 :], ""])
            yield Mutant(path, number + 1, changed, line, now)


def _broken(line: str) -> Iterator[str]:
    if _UNSAID.match(line.strip()):
        return
    if line.startswith("\t") and not line.rstrip().endswith(("{", "|", "(", ",")):
        yield "\ttrue"
        if re.match(r"\t+(?!some |not |every )\S.*$", line) and ":=" not in line:
            yield re.sub(r"^(\t+)", r"\1not ", line)
    elif found := _HEAD.match(line):
        yield line[: found.start("body")] + "true"
    for pattern, instead in _TURNED:
        for found in pattern.finditer(line):
            yield line[: found.start()] + instead + line[found.end() :]
    if _EVERY.search(line):
        yield _EVERY.sub(r"some \1 in \2; \3", line)


def _broken_table(line: str) -> Iterator[str]:
    """A number one more and one less; a truth value exchanged."""
    if found := re.fullmatch(r'(\s*(?:"\w+": )?)(\d+)(,?)', line):
        for number in (int(found[2]) + 1, int(found[2]) - 1):
            yield f"{found[1]}{number}{found[3]}"
    elif found := re.fullmatch(r'(\s*(?:"\w+": )?)(true|false)(,?)', line):
        yield f"{found[1]}{'false' if found[2] == 'true' else 'true'}{found[3]}"


def survivors(names: list[str]) -> tuple[int, list[Mutant]]:
    """How many were tried, and those that no test noticed."""
    files = [path for kind in ("*.rego", "data.json") for path in sorted(POLICIES.rglob(kind))]
    broken = [
        mutant
        for file in files
        if not file.stem.endswith("_test") and file.parent.name not in _UNTESTED
        if not names or file.parent.name in names
        for mutant in mutants(file.relative_to(POLICIES).as_posix(), file.read_text("utf-8"))
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn, initializer=_be_quiet) as pool:
        for path in sorted({mutant.path for mutant in broken}):
            whole = Mutant(path, 0, (POLICIES / path).read_text("utf-8"), "", "")
            assert pool.submit(interpreter_notices, whole).result() is False, f"{path}: its tests fail as it is"
        noticed = list(pool.map(interpreter_notices, broken, chunksize=8))
        counted = [(mutant, seen) for mutant, seen in zip(broken, noticed, strict=True) if seen is not None]
        passed = [mutant for mutant, seen in counted if not seen]
        # What the interpreter's answers do not show, OPA's may.
        return len(counted), [mutant for mutant, seen in zip(passed, map(opa_notices, passed), strict=True) if not seen]


def interpreter_notices(mutant: Mutant) -> bool | None:
    """Whether a test fails; None if it does not load."""
    instead = {mutant.path: mutant.text}
    try:
        # Folder by folder: under `with`, the interpreter mixes up values that several folders ask for.
        return any(True for asked in _asked(mutant) for _ in failures(asked.folders, asked.of, instead))
    except (RuntimeError, ValueError):
        return None


def opa_notices(mutant: Mutant) -> bool:
    """Whether a test fails, or OPA does not compile it."""
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made)
        shutil.copytree(POLICIES, copy, dirs_exist_ok=True)
        (copy / mutant.path).write_text(mutant.text, "utf-8")
        return any(
            subprocess.run(
                [opa(), "test", "--run", rf"^data\.{asked.of}", made], capture_output=True, timeout=60, check=False
            ).returncode
            for asked in _asked(mutant)
        )


def _be_quiet() -> None:
    """The interpreter prints what it makes of text that does not load."""
    with open(os.devnull, "w") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)


# Read by the gateway and held by its own tests, not by a rule.
_UNTESTED = {"packs"}


class Asked(NamedTuple):
    """Tests that could notice: of packages that begin with `of`, with the folders they need."""

    folders: tuple[str, ...]
    of: str


def _asked(mutant: Mutant) -> list[Asked]:
    folder = Path(mutant.path).parent.as_posix()
    if folder == _DECISION:
        return [Asked(("lib", "access"), "access.decision_test")]
    if not folder.startswith("lib/"):
        return [_alone(folder)]
    return [Asked(("lib",), "lib."), *map(_alone, _users(folder))]


def _alone(folder: str) -> Asked:
    _, kind, name = folder.split("/")
    return Asked(("lib", folder), f"access.{kind}_test.{name}")


@functools.cache
def _users(folder: str) -> tuple[str, ...]:
    """The folders of rules and obligations that import this one, or one that does."""
    package = re.compile(rf"\bdata\.{folder.replace('/', '.')}\b")
    found: set[str] = set()
    for file in POLICIES.rglob("*.rego"):
        user = file.parent.relative_to(POLICIES).as_posix()
        if (
            not file.stem.endswith("_test")
            and user not in {folder, _DECISION}
            and package.search(file.read_text("utf-8"))
        ):
            found |= set(_users(user)) if user.startswith("lib/") else {user}
    return tuple(sorted(found))


def main() -> None:
    tried, left = survivors(sys.argv[1:])
    for mutant in left:
        print(mutant)
    print(f"{tried} changes, {len(left)} unnoticed")
    sys.exit(bool(left))


if __name__ == "__main__":
    main()
