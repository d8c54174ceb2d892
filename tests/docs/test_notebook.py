"""The notebook runs from its first cell to its last, on the data space that the pages speak of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT
from tests.docs.space import opened

NOTEBOOK = ROOT / "docs" / "researcher.ipynb"

# A cell's last line is its answer, which a notebook shows as the object itself says.
RUNNER = """
import ast, json, sys
names = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1]))["cells"]):
    if cell["cell_type"] != "code":
        continue
    body = ast.parse("".join(cell["source"])).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
        shown = getattr(value, "_repr_html_", lambda: repr(value))() if value is not None else None
        print(json.dumps([number, shown]))
"""


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return found


def test_it_holds_no_answers_of_whoever_ran_it_last() -> None:
    for cell in cells():
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_every_cell_runs_and_shows_what_it_says(tmp_path: Path) -> None:
    with opened(tmp_path) as space:
        space.play("docs/access.md")
        folder = space.folder / ".corridor" / "demo"
        command = [sys.executable, "-c", RUNNER, str(NOTEBOOK)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(shown) >= 10
    text = " ".join(str(value) for _, value in shown)
    for said in ("Liver disease cohort", "permit", "GEN-03", "50-59", "proved by"):
        assert said in text
    assert "would pass" in done.stdout
