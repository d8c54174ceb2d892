"""corridor access: read rows, count by group."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

from gateway.cli import options, show
from gateway.cli.options import As
from gateway.crypto.canonical import strict_json
from gateway.sdk.coming import Coming, into

app = typer.Typer(no_args_is_help=True, help="Ask for data under a contract.")

Contract = Annotated[str, typer.Argument(help="a contract your participant is a party to")]
PurposeOf = Annotated[str, typer.Option(help="P01 to P23; one that the contract grants")]
Out = Annotated[Path | None, typer.Option(help="write the data here; default: stdout")]
Format = Annotated[Literal["arrow", "csv", "parquet"], typer.Option("--format")]
Where = Annotated[str | None, typer.Option(help='a filter as JSON: {"column": "age", "op": "eq", "value": "40-49"}')]
Commercial = Annotated[
    bool | None, typer.Option("--commercial/--not-commercial", help="for purposes that can be either")
]
Disease = Annotated[list[str] | None, typer.Option(help="MONDO term; repeat for several")]
Flags = Annotated[
    list[str] | None,
    typer.Option("--flag", help="sensitive feature of the use, such as vulnerable: people decide"),
]
Months = Annotated[int | None, typer.Option(help="how long the data will be kept")]
Publish = Annotated[bool, typer.Option("--publish", help="promise to publish the results")]
ReturnDerived = Annotated[bool, typer.Option("--return-derived", help="promise to give derived data back")]
Collaboration = Annotated[str | None, typer.Option(help="reference of what was agreed with the data's investigators")]
Project = Annotated[str | None, typer.Option(help="reference of the project this is for")]
ResearchTypes = Annotated[list[str] | None, typer.Option("--research-type", help="kind of study; repeat for several")]


@app.command()
def read(
    contract: Contract,
    agent: As,
    purpose: PurposeOf,
    column: Annotated[list[str], typer.Option(help="what to read; repeat for several")],
    mode: Annotated[str, typer.Option(help="delivery mode: M4 or M5")] = "M5",
    where: Where = None,
    limit: Annotated[int | None, typer.Option(help="at most so many rows")] = None,
    out: Out = None,
    form: Format = "csv",
    commercial: Commercial = None,
    disease: Disease = None,
    flag: Flags = None,
    months: Months = None,
    publish: Publish = False,
    return_derived: ReturnDerived = False,
    collaboration: Collaboration = None,
    project: Project = None,
    research_type: ResearchTypes = None,
) -> None:
    """Rows, with what the contract and the policy demand done to them."""
    body = _body(contract, "read", mode, purpose, form, where, commercial, disease, flag)
    body |= _conditions(months, publish, return_derived, collaboration, project, research_type)
    body |= {"columns": column} | ({} if limit is None else {"limit": limit})
    _run(agent, body, out)


@app.command()
def aggregate(
    contract: Contract,
    agent: As,
    purpose: PurposeOf,
    by: Annotated[list[str], typer.Option(help="what to count by; repeat for several")],
    mode: Annotated[str, typer.Option(help="delivery mode: M2 or M3")] = "M3",
    count: Annotated[
        Literal["persons", "rows"] | None, typer.Option(help="what is counted; persons, where the dataset tells them")
    ] = None,
    where: Where = None,
    out: Out = None,
    form: Format = "csv",
    commercial: Commercial = None,
    disease: Disease = None,
    flag: Flags = None,
    months: Months = None,
    publish: Publish = False,
    return_derived: ReturnDerived = False,
    collaboration: Collaboration = None,
    project: Project = None,
    research_type: ResearchTypes = None,
) -> None:
    """Counts by group; small cells are suppressed, and what would reveal them."""
    body = _body(contract, "aggregate", mode, purpose, form, where, commercial, disease, flag)
    body |= _conditions(months, publish, return_derived, collaboration, project, research_type)
    body |= {} if count is None else {"count": count}
    predicate = body.get("filter")
    _run(agent, body | {"group_by": by, "columns": sorted(_columns(predicate) - set(by))}, out)


def _body(
    contract: str,
    action: str,
    mode: str,
    purpose: str,
    form: str,
    where: str | None,
    commercial: bool | None,
    disease: list[str] | None,
    flags: list[str] | None,
) -> dict[str, Any]:
    stated: dict[str, Any] = {"id": purpose}
    if commercial is not None:
        stated["commercial"] = commercial
    if disease:
        stated["disease_terms"] = disease
    if flags:
        stated["flags"] = flags
    body: dict[str, Any] = {"contract": contract, "action": action, "mode": mode, "purpose": stated, "format": form}
    if where is not None:
        body["filter"] = strict_json(where.encode(), max_bytes=65536, fractions=True)
    return body


def _conditions(
    months: int | None,
    publish: bool,
    return_derived: bool,
    collaboration: str | None,
    project: str | None,
    research_types: list[str] | None,
) -> dict[str, Any]:
    """What datasets with conditions of use ask for, as far as it was said."""
    accepted = {"publish": publish, "return_derived": return_derived}
    said = {
        "months": months,
        "accepts": {name: True for name, promised in accepted.items() if promised},
        "collaboration_ref": collaboration,
        "project": project,
        "research_types": research_types,
    }
    return {name: value for name, value in said.items() if value}


def _columns(predicate: Any) -> set[str]:
    if isinstance(predicate, list):
        return set().union(*map(_columns, predicate))
    if not isinstance(predicate, dict):
        return set()
    own = {predicate["column"]} if isinstance(predicate.get("column"), str) else set()
    return own.union(*(_columns(value) for value in predicate.values() if isinstance(value, dict | list)))


def _run(agent: Path, body: dict[str, Any], out: Path | None) -> None:
    """Stream the answer to its place. What breaks off is taken up; a part stays until the same command is run again."""
    columns = (TextColumn("receiving"), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with options.client(agent) as gateway:
        coming = Coming(gateway, body)
        if out is None:
            for piece in coming.pieces():
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            show.err.print(f"[dim]entry {coming.entry}[/dim]")
            return
        with Progress(*columns, console=show.err, transient=True) as progress:
            task = progress.add_task("receiving", total=None)
            into(out, coming, body, lambda size: progress.advance(task, size))
    show.record({"written": str(out), "bytes": coming.size, "entry": coming.entry})
