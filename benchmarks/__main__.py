"""python -m benchmarks: measure, show, keep; fails when something that must be reached is not."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import report
from benchmarks.child import LOAD_CORE, SERVER_CORE, pin
from benchmarks.run import FULL, QUICK, run

RESULTS = Path("benchmarks/results")


def main(
    full: Annotated[bool, typer.Option("--full", help="longer cells, more rounds, a larger file")] = False,
    output: Annotated[Path | None, typer.Option(help="the JSON file; default: a new one in benchmarks/results")] = None,
) -> None:
    """Ratios R1, R3, R5 and R11, side by side in one run on loopback. Under three minutes without --full."""
    out, errors = Console(), Console(stderr=True)
    machine = report.machine()
    if SERVER_CORE != LOAD_CORE:
        pin(LOAD_CORE)
    started = time.monotonic()
    measured = run(FULL if full else QUICK, lambda what: errors.print(f"[dim]{what} …[/dim]", highlight=False))
    notes = {**measured.notes, "seconds": round(time.monotonic() - started), "machine": machine}
    notes["cores"] = f"servers on {SERVER_CORE}, load on {LOAD_CORE}"
    verdicts, cells = measured.verdicts(), measured.cells()
    report.show(verdicts, cells, notes, out)
    path = output or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    report.save(path, verdicts, cells, notes)
    out.print(f"[dim]kept in[/dim] {path}", highlight=False)
    missed = [each.goal.id for each in verdicts if each.met is False]
    if missed:
        errors.print(f"[bold red]Missed what must be reached: {', '.join(missed)}[/bold red]")
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
