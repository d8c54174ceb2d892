"""Breaks the policies in one place after another and asks their tests: `python -m tests.policies.mutation [NAME ...]`.

What is broken: a condition is left out or negated, a comparison turned round, a boundary moved by one (`<` for `<=`, a
number of a table), a truth value exchanged, in Rego and in tables. A change that no test notices survives and is
printed; one that OPA does not compile could not have been shipped and is not counted. Tests are those of the folder,
and for what is shared (`lib`) also those of every folder that imports it.
NAME: folders of `policies/`; without any, all.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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
    whole = [Mutant(path, 0, (POLICIES / path).read_text("utf-8"), "", "") for path in {m.path for m in broken}]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, seen in zip(whole, pool.map(_noticed, whole), strict=True):
            assert seen is False, f"{mutant.path}: its tests fail before anything is broken"
        noticed = list(pool.map(_noticed, broken))
    counted = [(mutant, seen) for mutant, seen in zip(broken, noticed, strict=True) if seen is not None]
    return len(counted), [mutant for mutant, seen in counted if not seen]


# Read by the gateway and held by its own tests, not by a rule.
_UNTESTED = {"packs"}


@functools.cache
def _tested(folder: str) -> tuple[str, ...]:
    """The folders whose tests could notice a change in this one, beside `lib`."""
    if folder == _DECISION:
        return ("access",)
    if not folder.startswith("lib/"):
        return (folder,)
    package = re.compile(rf"\bdata\.{folder.replace('/', '.')}\b")
    users = {
        file.parent.relative_to(POLICIES).as_posix()
        for file in POLICIES.rglob("*.rego")
        if package.search(file.read_text("utf-8")) and not file.stem.endswith("_test")
    } - {folder, _DECISION}
    return tuple(sorted({name for user in users for name in _tested(user)} - {folder}))


def _noticed(mutant: Mutant) -> bool | None:
    """Whether a test fails; None if OPA does not compile it."""
    folder = Path(mutant.path).parent.as_posix()
    # The decision is about all rules; they have been asked already.
    asked = ["--run", "access.decision_test"] if folder == _DECISION else []
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made)
        shutil.copytree(POLICIES / "lib", copy / "lib")
        for name in _tested(folder):
            shutil.copytree(POLICIES / name, copy / name, dirs_exist_ok=True)
        (copy / mutant.path).write_text(mutant.text, "utf-8")
        quick = os.environ | {"GOGC": "off"}  # it is gone before it needs the memory
        command = [opa(), "test", *asked, made]
        done = subprocess.run(command, env=quick, capture_output=True, text=True, timeout=60, check=False)
    if "error" in done.stderr and "occurred" in done.stderr:
        return None
    return done.returncode != 0


def main() -> None:
    tried, left = survivors(sys.argv[1:])
    for mutant in left:
        print(mutant)
    print(f"{tried} changes, {len(left)} unnoticed")
    sys.exit(bool(left))


if __name__ == "__main__":
    main()
