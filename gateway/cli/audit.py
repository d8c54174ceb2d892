"""corridor audit: list, read, export, verify offline."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.audit.note import Verified
from gateway.audit.report import Report
from gateway.cli import options, show
from gateway.cli.options import As
from gateway.clock import instant
from gateway.problems import Problem
from gateway.sdk import verify as offline
from gateway.sdk.following import following

FOLLOWED = ("index", "time", "type", "outcome", "reason")

app = typer.Typer(no_args_is_help=True, help="Read the log, export it, and check it without asking anyone.")

Key = Annotated[str, typer.Option(help="the log's verifier key (corridor audit key), or a file that holds it")]


Type = Annotated[str | None, typer.Option(help="access.decision, contract.signed …")]
Outcome = Annotated[str | None, typer.Option(help="permit, deny, refer, success, failure")]
Dataset = Annotated[str | None, typer.Option()]
Contract = Annotated[str | None, typer.Option()]
Instant = Annotated[str | None, typer.Option(help="RFC 3339, UTC")]
Code = Annotated[str | None, typer.Option(help="of a rule or problem, such as HGR-07; HGR* for all that begin so")]

Witnesses = Annotated[
    Path | None, typer.Option(help="file of the log's witnesses and how many must have cosigned (docs/audit.md)")
]


class NotValid(Problem):
    slug, status, title = "not-valid", 422, "This is not what the log signed"


@app.command("list")
def list_entries(
    agent: As,
    type: Type = None,
    outcome: Outcome = None,
    participant: Annotated[str | None, typer.Option()] = None,
    dataset: Dataset = None,
    contract: Contract = None,
    since: Instant = None,
    until: Instant = None,
    by: Annotated[str | None, typer.Option("--agent", help="what this agent did, by its handle")] = None,
    code: Code = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
) -> None:
    """Entries you may see, newest first (officer)."""
    wanted = {"type": type, "outcome": outcome, "participant": participant, "dataset": dataset, "contract": contract}
    wanted |= {"agent": by, "code": code}
    with options.client(agent) as gateway:
        page = gateway.get("/v1/audit/entries", **wanted, since=since, until=until, limit=limit)
    flat = [_flat(entry) | {"reason": _code(entry)} for entry in page["entries"]]
    show.rows(page["entries"] if show.mode.json else flat, FOLLOWED, empty="No entries that you may see.")


@app.command("show")
def show_entry(entry: str, agent: As) -> None:
    """One entry: who, under what, decided by which rules, and what left."""
    with options.client(agent) as gateway:
        found = gateway.get(f"/v1/audit/entries/{entry}")
    if show.mode.json:
        show.as_json(found)
        return
    record = found["record"]
    parts = ("actor", "request", "contract", "decision", "result", "facts")
    told = {f"{part}_{name}": value for part in parts for name, value in _given(record.get(part) or {}).items()}
    what = [_given(item) for item in record["objects"]]
    show.record({**_flat(found), **told, "objects": what, "prior": record["prior"]})


@app.command()
def key(agent: As) -> None:
    """The key that signs the log; compare it with what the operator published elsewhere."""
    with options.client(agent) as gateway:
        found = gateway.get("/v1/audit/key")
    if show.mode.json:
        show.as_json(found)
    else:
        typer.echo(found["vkey"])


@app.command()
def counts(
    agent: As,
    by: Annotated[list[str], typer.Option(help="type, outcome, actor, dataset, contract, code; year to hour")],
    type: Type = None,
    outcome: Outcome = None,
    participant: Annotated[str | None, typer.Option(help="a party to them")] = None,
    dataset: Dataset = None,
    contract: Contract = None,
    since: Instant = None,
    until: Instant = None,
    of: Annotated[str | None, typer.Option("--agent", help="what this agent did, by its handle")] = None,
    code: Code = None,
) -> None:
    """How many entries there are, by one or two things (officer)."""
    wanted = {"type": type, "outcome": outcome, "dataset": dataset, "contract": contract, "code": code}
    wanted |= {"participant": participant, "agent": of}
    with options.client(agent) as gateway:
        found = gateway.get("/v1/audit/counts", by=by, since=since, until=until, **wanted)
    flat = [{**dict(zip(by, one["values"], strict=True)), "entries": one["entries"]} for one in found]
    show.rows(flat, (*by, "entries"), empty="No entries that you may see.")


@app.command()
def follow(
    agent: As,
    type: Type = None,
    outcome: Outcome = None,
    dataset: Dataset = None,
    contract: Contract = None,
    code: Code = None,
    after: Annotated[int | None, typer.Option(help="begin behind this index; default: now")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="end after so many; default: until you stop it")] = None,
) -> None:
    """Entries you may see as they are made, a line each; a cut connection is taken up again (officer)."""
    wanted = {"type": type, "outcome": outcome, "dataset": dataset, "contract": contract, "code": code}
    with options.client(agent) as gateway:
        for entry in islice(following(gateway, after, **wanted), count):
            show.line(entry if show.mode.json else _flat(entry) | {"reason": _code(entry)}, FOLLOWED)


@app.command()
def export(
    agent: As,
    out: Annotated[Path, typer.Option(help="the export goes here")],
    form: Annotated[
        Literal["corridor", "csv", "ndjson", "fhir"], typer.Option("--format", help="corridor proves itself")
    ] = "corridor",
    after: Annotated[int | None, typer.Option(help="go on behind this index; not for corridor")] = None,
) -> None:
    """Every entry you may see, as a file that proves itself, or for other programs (officer)."""
    with options.client(agent) as gateway:
        options.fetch(gateway, out, "/v1/audit/export", format=form, after=after)
    if form == "corridor":
        show.done(f"{out} is written. Check it with: corridor audit verify {out} --key VKEY")
    else:
        show.done(f"{out} is written. It proves nothing by itself; --format corridor does.")


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="an export")], key: Key, witnesses: Witnesses = None) -> None:
    """Check an export offline, to its last byte, and say what is wrong and where."""
    try:
        report = offline.export(file, options.vkey(key), witnesses=_policy(witnesses))
    except OSError as error:
        raise options.FileRefused(f"{file}: {error.strerror or 'cannot be read'}.") from None
    if not report.valid:
        _explain(report)
        raise NotValid(f"{file}: {len(report.findings) + report.more_findings} findings.")
    checkpoint = report.checkpoint
    facts: dict[str, Any] = {"result": "valid", "entries": report.entries}
    if checkpoint is not None:
        facts |= {"origin": checkpoint.origin, "log_size": checkpoint.size, "root": checkpoint.root.hex()}
    facts |= _cosigners(report.cosigned)
    show.record(facts)


@app.command()
def receipt(entry: str, agent: As, out: Annotated[Path, typer.Option(help="the receipt goes here")]) -> None:
    """Keep the proof that an entry of yours is in the log."""
    with options.client(agent) as gateway:
        options.write(out, gateway.raw(f"/v1/receipts/{entry}"))
    show.done(f"{out} is written. Check it with: corridor audit verify-receipt {out} --key VKEY")


@app.command("verify-receipt")
def verify_receipt_(
    file: Annotated[Path, typer.Argument(help="a receipt")], key: Key, witnesses: Witnesses = None
) -> None:
    """Check a receipt offline: this very entry is in the log that this key signs."""
    verified = offline.receipt(options.read(file), options.vkey(key), witnesses=_policy(witnesses))
    event = verified.record["event"]
    show.record(
        {
            "result": "valid: the entry is in the log",
            "index": verified.index,
            "log_size": verified.checkpoint.size,
            "time": verified.record["ts"],
            "type": event["type"],
            "outcome": event["outcome"],
            **_cosigners(verified.witnesses),
        }
    )


def _policy(file: Path | None) -> str | None:
    return None if file is None else options.read(file).decode(errors="replace")


def _cosigners(cosigned: tuple[Verified, ...]) -> dict[str, Any]:
    """Which witnesses, and when; nothing where nobody asked."""
    return {"cosigned_by": {one.key.name: instant(one.timestamp or 0) for one in cosigned}} if cosigned else {}


def _explain(report: Report) -> None:
    found = [
        {"line": f.line, "what": f.word.value, "index": f.index, "entry": f.event_id, "why": f.sentence}
        for f in report.findings
    ]
    show.rows(found, ("line", "what", "index", "entry", "why"), empty="")


def _flat(entry: Any) -> dict[str, Any]:
    record = entry["record"]
    event = record["event"]
    return {
        "id": entry["id"],
        "index": entry["index"],
        "time": record["ts"],
        "type": event["type"],
        "outcome": event["outcome"],
        "by": record["actor"]["org_id"],
        "reason": event["reason"],
    }


def _code(entry: Any) -> str | None:
    """The first reason's code; `corridor audit show` has its sentence."""
    reason = entry["record"]["event"]["reason"]
    return None if reason is None else str(reason).partition(":")[0]


def _given(part: Any) -> Any:
    return {name: value for name, value in part.items() if value not in (None, [], {})}
