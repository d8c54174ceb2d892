"""What was measured, for people and as a file."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.ratios import Verdict

LIBRARIES = ("fastapi", "uvicorn", "uvloop", "pydantic", "gordon-to-regorus", "sqlmodel", "duckdb", "pyarrow")


def machine() -> dict[str, Any]:
    """What an absolute figure depends on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version(name) for name in LIBRARIES},
        "load_before": [round(figure, 2) for figure in os.getloadavg()],
    }


def show(verdicts: list[Verdict], cells: list[dict[str, Any]], notes: dict[str, Any], out: Console) -> None:
    """Ratios first; absolute figures only beside the yardsticks of the same run."""
    ratios = Table(title="Ratios of this run (median of the rounds)", title_justify="left")
    for heading in ("", "what", "ratio", "rounds", "must", "target", "reached"):
        ratios.add_column(heading, justify="right" if heading in ("ratio", "must", "target") else "left")
    colours = {"missed": "bold red", "must": "yellow", "target": "bold green"}
    for each in verdicts:
        goal = each.goal
        bounds = ["" if bound is None else goal.shown(bound) for bound in (goal.must, goal.target)]
        style = colours.get(each.word)
        word = f"[{style}]{each.word}[/{style}]" if style else each.word
        rounds = f"{goal.shown(min(each.rounds))} – {goal.shown(max(each.rounds))}"
        ratios.add_row(goal.id, goal.what, goal.shown(each.ratio), rounds, *bounds, word)
    out.print(ratios)
    figures = Table(title="Figures behind them (median of the rounds)", title_justify="left")
    for heading in ("", "connections", "per second", "p50 ms", "p99 ms", "CPU µs each"):
        figures.add_column(heading, justify="left" if not heading else "right")
    for cell in cells:
        figures.add_row(
            cell["name"],
            str(cell["connections"]),
            f"{cell['rate']:,.0f}{cell.get('unit', '')}",
            *(f"{cell[name]:,.2f}" if cell.get(name) is not None else "" for name in ("p50_ms", "p99_ms")),
            f"{cell['cpu_us']:,.0f}" if cell.get("cpu_us") is not None else "",
        )
    out.print(figures)
    for name, note in notes.items():
        out.print(f"[dim]{name}:[/dim] {note if isinstance(note, str) else json.dumps(note)}", highlight=False)


def save(path: Path, verdicts: list[Verdict], cells: list[dict[str, Any]], notes: dict[str, Any]) -> None:
    """The same as JSON."""
    ratios = [
        {
            "id": v.goal.id,
            "what": v.goal.what,
            "ratio": v.ratio,
            "rounds": v.rounds,
            "must": v.goal.must,
            "target": v.goal.target,
            "reached": v.word,
        }
        for v in verdicts
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"ratios": ratios, "figures": cells, "notes": notes}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
