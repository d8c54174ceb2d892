"""How the command line speaks: tables to people, JSON to programs, problems with a remedy to both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from gateway.clock import instant
from gateway.problems import Problem

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class _Mode:
    """Set once by the root command's `--json` and `--quiet`."""

    json = False
    ids_only = False


mode = _Mode()


def as_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def record(value: Mapping[str, Any], *, title: str | None = None) -> None:
    """One thing: names on the left, values on the right."""
    if mode.json:
        as_json(value)
        return
    if mode.ids_only and "id" in value:
        sys.stdout.write(f"{value['id']}\n")
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, item in value.items():
        table.add_row(escape(name.replace("_", " ")), escape(plain(name, item)))
    out.print(table)


def line(value: Mapping[str, Any], columns: Iterable[str]) -> None:
    """One of many that come one by one; for programs as a line of JSON."""
    if mode.json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    elif mode.ids_only:
        sys.stdout.write(f"{value['id']}\n")
    else:
        out.print("  ".join(escape(plain(name, value.get(name))) for name in columns), soft_wrap=True)
    sys.stdout.flush()


def rows(items: Iterable[Mapping[str, Any]], columns: Iterable[str], *, empty: str) -> None:
    """Many things: a row each. `empty` is said when there is none."""
    items = list(items)
    if mode.json:
        as_json(items)
        return
    if mode.ids_only:
        sys.stdout.writelines(f"{item['id']}\n" for item in items)
        return
    if not items:
        out.print(f"[dim]{escape(empty)}[/dim]")
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    columns = list(columns)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for item in items:
        table.add_row(*(escape(plain(name, item.get(name))) for name in columns))
    if Measurement.get(out, out.options.update(width=10_000), table).maximum <= out.width:
        out.print(table)
        return
    # A table that is too wide for the screen would be folded until nobody can read it.
    for item in items:
        record({name: item.get(name) for name in columns})
        out.print()


def done(sentence: str, **facts: Any) -> None:
    """Something was carried out."""
    if mode.json:
        as_json({"done": sentence, **facts})
    else:
        out.print(f"[green]✓[/green] {escape(sentence)}")


def problem(found: Problem) -> None:
    """Why not, and what would help; on stderr, so that output can be piped."""
    members = found.members
    if mode.json:
        body = {"title": found.title, "detail": found.detail, **members}
        sys.stderr.write(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
        return
    err.print(f"[bold red]✗[/bold red] {escape(members.get('title') or found.title)}")
    reasons = members.get("reasons", ())
    if found.detail and not reasons:
        err.print(Padding(escape(found.detail), (0, 0, 0, 2)))
    _reasons(reasons, err)
    would_pass(members.get("would_pass", ()), err)
    for error in members.get("errors", ())[1:]:
        err.print(f"  {escape(error['pointer'])}: {escape(error['detail'])}")
    if review := members.get("review"):
        err.print(f"  [yellow]review {escape(review)} is open[/yellow]: the provider's committee decides")
    if entry := members.get("entry"):
        err.print(f"  [dim]recorded as entry {escape(entry)}[/dim]")


def answer(found: Mapping[str, Any]) -> None:
    """A policy's answer with its reasons, and what would pass."""
    colour = {"permit": "green", "refer": "yellow"}.get(found["result"], "red")
    out.print(f"[bold {colour}]{escape(found['result'])}[/bold {colour}]")
    _reasons(found["reasons"], out)
    would_pass(found["would_pass"], out)
    if hindrance := found.get("hindrance"):
        out.print(
            Padding(
                f"[yellow]but not carried out:[/yellow] {escape(hindrance['detail'] or hindrance['title'])}",
                (0, 0, 0, 2),
            )
        )
    for owed in found["obligations"]:
        out.print(Padding("owes " + escape(plain("", owed)), (0, 0, 0, 2)))
    out.print(f"  [dim]entry {escape(found['entry'])}[/dim]")


def _reasons(reasons: Iterable[Mapping[str, Any]], console: Console) -> None:
    for reason in reasons:
        code, text, source = (escape(reason[name]) for name in ("code", "text", "source"))
        console.print(Padding(f"[bold]{code}[/bold]  {text} [dim]({source})[/dim]", (0, 0, 0, 2)))
        console.print(Padding(f"[green]→[/green] {escape(reason['remedy'])}", (0, 0, 0, 6)))


def would_pass(changes: Iterable[Iterable[Mapping[str, str]]], console: Console) -> None:
    """What the policy would permit instead: one change each line, or two that belong together."""
    for number, together in enumerate(changes):
        if number == 0:
            console.print("  [green]would pass:[/green]")
        console.print(Padding("- " + escape(" And: ".join(change["text"] for change in together)), (0, 0, 0, 4)))


def plain(name: str, value: Any) -> str:
    """A value as a cell of a table. Times end in `_at`, `_from`, `_to`, `_until` or `_since`, in seconds."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith(("_at", "_from", "_to", "_until", "_since")):
        return instant(value)
    if isinstance(value, list):
        return ", ".join(plain("", item) for item in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(key, item)}" for key, item in value.items()) or "-"
    return str(value)
