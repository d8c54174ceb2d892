"""Breaks each rule in one place after another and asks its tests: `python -m tests.policies.mutation [NAME ...]`.

What is broken: a condition is left out, a comparison turned round, a boundary moved by one (`<` for `<=`), a truth
value exchanged. A change that no test notices survives and is printed; one that OPA does not compile could not have
been shipped and is not counted. Only rules and what they share (`lib`) are broken; tests are those of the rule's
folder, and for `lib` all of them. NAME: folders of access/rules or lib; without any, all, which takes five minutes.
"""

from __future__ import annotations

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
# OPA takes a null plus a number for undefined, and its tests cannot tell; the interpreter stops, as test_packs shows.
TOLD_BY_THE_INTERPRETER = {
    "is_number(document.dataset.consent.withdrawals_applied_at)",
    "is_number(document.approvals.risk_assessment.date)",
}


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
    """Each text that differs from a rule's in one place."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        for now in dict.fromkeys(_broken(line)):
            changed = "\n".join([*lines[:number], now, *lines[number + 1 :], ""])
            yield Mutant(path, number + 1, changed, line, now)


def _broken(line: str) -> Iterator[str]:
    if _UNSAID.match(line.strip()) or line.strip() in TOLD_BY_THE_INTERPRETER:
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


def survivors(names: list[str]) -> tuple[int, list[Mutant]]:
    """How many were tried, and those that no test noticed."""
    folders = [*sorted((POLICIES / "access/rules").iterdir()), *sorted((POLICIES / "lib").iterdir())]
    broken = [
        mutant
        for folder in folders
        if not names or folder.name in names
        for file in sorted(folder.glob("*.rego"))
        if not file.stem.endswith("_test")
        for mutant in mutants(file.relative_to(POLICIES).as_posix(), file.read_text("utf-8"))
    ]
    whole = [Mutant(path, 0, (POLICIES / path).read_text("utf-8"), "", "") for path in {m.path for m in broken}]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, seen in zip(whole, pool.map(_noticed, whole), strict=True):
            assert seen is False, f"{mutant.path}: its tests fail before anything is broken"
        noticed = list(pool.map(_noticed, broken))
    counted = [(mutant, seen) for mutant, seen in zip(broken, noticed, strict=True) if seen is not None]
    return len(counted), [mutant for mutant, seen in counted if not seen]


def _noticed(mutant: Mutant) -> bool | None:
    """Whether a test fails; None if OPA does not compile it."""
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made)
        shutil.copytree(POLICIES / "lib", copy / "lib")
        folder = Path(mutant.path).parent
        # A rule's verdict does not depend on another rule's; what rules share is tested by all of them.
        tested = Path("access") if folder.parts[0] == "lib" else folder
        shutil.copytree(POLICIES / tested, copy / tested)
        (copy / mutant.path).write_text(mutant.text, "utf-8")
        done = subprocess.run([opa(), "test", made], capture_output=True, text=True, timeout=60, check=False)
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
