"""corridor policy: what the rules are, what they would say, what they said, and what others would have said."""

from __future__ import annotations

import io
import json
from csv import DictWriter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.cli import options, show
from gateway.cli.options import As, MaybeAs
from gateway.clock import instant
from gateway.crypto.keyfile import load_private
from gateway.crypto.private import public_jwk
from gateway.sdk.refusals import Refused

SHOWN = 5
ACTIVATION_S = 300
"""A bundle is checked, tested and tried before the gateway answers."""

app = typer.Typer(no_args_is_help=True, help="The rules: read them, ask them, change them.")


@app.command()
def rules(
    agent: MaybeAs = None,
    pack: Annotated[str | None, typer.Option(help="only those of this pack")] = None,
) -> None:
    """Which rules there are: of the gateway with --as, otherwise of the policies on this machine."""
    if agent is None:
        found = [rule.model_dump(mode="json") for rule in _bundle().catalogue]
    else:
        with options.client(agent) as gateway:
            found = gateway.get("/v1/policy/rules")
    found = [rule for rule in found if pack in (None, rule["pack"])]
    if show.mode.json:
        show.as_json(found)
        return
    lines = [{**rule, "id": rule["name"], "on": rule["active"], "codes": _codes(rule)} for rule in found]
    show.rows(lines, ("name", "pack", "on", "title", "codes"), empty="No such rules.")


@app.command()
def rule(name: str, agent: MaybeAs = None) -> None:
    """One rule: what it demands, everything it can say, on what ground, and what would make it pass."""
    if agent is None:
        known = {each.name: each.model_dump(mode="json") for each in _bundle().catalogue}
    else:
        with options.client(agent) as gateway:
            known = {each["name"]: each for each in gateway.get("/v1/policy/rules")}
    if name not in known:
        raise typer.BadParameter(f"there is no rule {name!r}; corridor policy rules lists them")
    found = known[name]
    if show.mode.json:
        show.as_json(found)
        return
    show.record({**{n: found[n] for n in ("name", "title", "pack", "source", "confidence")}, "on": found["active"]})
    columns = ("code", "effect", "text", "source", "remedy")
    show.rows(found["findings"].values(), columns, empty="It does not say in its table what it can find.")


@app.command()
def explain(
    agent: As,
    contract: Annotated[str | None, typer.Argument(help="a contract your participant is a party to")] = None,
    entry: Annotated[str | None, typer.Option(help="a recorded decision instead (officer)")] = None,
    purpose: Annotated[str, typer.Option(help="P01 to P23")] = "P02",
    action: Annotated[str, typer.Option(help="read, aggregate, compute, label or train")] = "read",
    mode: Annotated[str, typer.Option(help="delivery mode, M0 to M6")] = "M5",
    column: Annotated[list[str] | None, typer.Option(help="what to read; repeat for several")] = None,
    by: Annotated[list[str] | None, typer.Option(help="what to count by; repeat for several")] = None,
    commercial: Annotated[bool | None, typer.Option("--commercial/--not-commercial", help="of the purpose")] = None,
    disease: Annotated[list[str] | None, typer.Option(help="MONDO term; repeat for several")] = None,
    flag: Annotated[list[str] | None, typer.Option(help="sensitive feature of the use; repeat for several")] = None,
) -> None:
    """Ask without acting: what would be answered, why, and what would pass. Or why a recorded decision was made."""
    with options.client(agent) as gateway:
        if entry is not None:
            found = gateway.get(f"/v1/policy/decisions/{entry}")
        elif contract is not None:
            stated: dict[str, Any] = {"id": purpose, "disease_terms": disease or [], "flags": flag or []}
            if commercial is not None:
                stated["commercial"] = commercial
            body = {"contract": contract, "action": action, "mode": mode, "purpose": stated}
            found = gateway.post("/v1/policy/explain", body | {"columns": column or [], "group_by": by or []})
        else:
            raise typer.BadParameter("name a contract, or with --entry a recorded decision")
    if show.mode.json:
        show.as_json(found)
        return
    show.answer(found)


@app.command()
def replay(
    agent: As,
    since: Annotated[str | None, typer.Option(help="from this instant on, such as 2026-01-31T00:00:00Z")] = None,
    until: Annotated[str | None, typer.Option(help="before this instant")] = None,
    contract: Annotated[str | None, typer.Option(help="only under this contract")] = None,
    dataset: Annotated[str | None, typer.Option(help="only on this dataset")] = None,
) -> None:
    """Make recorded decisions again, under the rules that made them: each must come out the same (officer)."""
    report = _streamed(agent, "/v1/policy/replay", _span(since, until, contract, dataset), {})
    _show_report(report)
    if report["identical"] != report["decided"]:
        raise typer.Exit(1)


@app.command("what-if")
def what_if(
    bundle: Annotated[Path, typer.Argument(help="a folder of policies, or a bundle", exists=True)],
    agent: As,
    pack: Annotated[list[str] | None, typer.Option(help="of a folder: a pack to turn on; repeat for several")] = None,
    since: Annotated[str | None, typer.Option(help="from this instant on, such as 2026-01-31T00:00:00Z")] = None,
    until: Annotated[str | None, typer.Option(help="before this instant")] = None,
    contract: Annotated[str | None, typer.Option(help="only under this contract")] = None,
    dataset: Annotated[str | None, typer.Option(help="only on this dataset")] = None,
    csv: Annotated[Path | None, typer.Option(help="write the differences here as CSV")] = None,
) -> None:
    """Decide recorded requests under rules that are not law yet: whose answers would change (operator's officer)."""
    archive = _archive(bundle, frozenset(pack or ()))
    report = _streamed(agent, "/v1/policy/what-if", archive, _span(since, until, contract, dataset))
    if csv is not None:
        options.write(csv, _as_csv(report["differences"]))
    _show_report(report)


@app.command()
def activate(
    bundle: Annotated[Path, typer.Argument(help="a signed bundle, packed or as a folder", exists=True)],
    agent: As,
) -> None:
    """Make a signed bundle the active one, if it passes every check (operator)."""
    archive = _archive(bundle, frozenset())
    with options.client(agent, timeout_s=ACTIVATION_S) as gateway:
        found = gateway.upload("/v1/policy/bundles", archive)
    show.record({**found, "entry": found["entry"] or "none: it was the active one already"})


@app.command()
def bundles(agent: As) -> None:
    """The bundles that were activated, newest first, and which one decides."""
    with options.client(agent) as gateway:
        found = gateway.get("/v1/policy/bundles")
    if show.mode.json:
        show.as_json(found)
        return
    lines = [{**each, "id": each["digest"], "at": instant(each["activated_at"])} for each in found]
    show.rows(lines, ("at", "digest", "active", "origin", "signed_by"), empty="None yet.")


@app.command()
def shadow(
    agent: As,
    bundle: Annotated[
        Path | None, typer.Argument(help="a signed bundle to begin with; without one, what the shadow saw", exists=True)
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="take the candidate away")] = False,
) -> None:
    """Evaluate rules beside the active ones, on live requests: what they would have said otherwise (operator)."""
    if off and bundle is not None:
        raise typer.BadParameter("either begin with a bundle or end with --off")
    path = "/v1/policy/shadow"
    with options.client(agent, timeout_s=ACTIVATION_S) as gateway:
        if bundle is not None:
            found = gateway.upload(path, _archive(bundle, frozenset()))
        else:
            found = gateway.delete(path) if off else gateway.get(path)
    if show.mode.json:
        show.as_json(found)
        return
    members = ("state", "digest", "why", "same", "different", "unanswered", "dropped")
    show.record({name: found[name] for name in members if found[name] is not None})
    if not found["different"]:
        return
    show.out.print()
    show.rows(found["results"], ("before", "after", "count"), empty="")
    show.out.print()
    show.rows(found["rules"], ("code", "change", "count"), empty="No rule speaks otherwise.")
    show.out.print()
    show.rows(_changed(found["differences"]), ("entry", "answer", "codes"), empty="")


def _span(since: str | None, until: str | None, contract: str | None, dataset: str | None) -> dict[str, str]:
    given = {"since": since, "until": until, "contract": contract, "dataset": dataset}
    return {name: value for name, value in given.items() if value is not None}


def _streamed(agent: Path, path: str, body: dict[str, Any] | bytes, query: dict[str, str]) -> dict[str, Any]:
    """The report at the end of a stream of progress."""
    columns = (TextColumn("deciding again"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        options.client(agent) as gateway,
        gateway.stream(path, body, **query) as response,
        Progress(*columns, console=show.err, transient=True) as progress,
    ):
        task = progress.add_task("", total=None)
        for line in response.iter_lines():
            said = json.loads(line)
            if "problem" in said:
                raise Refused(said["problem"]["detail"], title=said["problem"]["title"])
            if "report" in said:
                report: dict[str, Any] = said["report"]
                return report
            progress.update(task, completed=said["decided"], total=said["of"])
    raise Refused("The answer broke off before its report.")


def _show_report(report: dict[str, Any]) -> None:
    if show.mode.json:
        show.as_json(report)
        return
    counted = ("decided", "identical", "different", "unanswered", "changed_input")
    show.record({name: report[name] for name in counted})
    if not report["different"]:
        return
    show.out.print()
    show.rows(report["results"], ("before", "after", "count"), empty="")
    for title, member in (("rule", "by_rule"), ("consumer", "by_consumer"), ("dataset", "by_dataset")):
        found = report[member]
        if isinstance(found, dict):
            found = [{title: name, "decisions": count} for name, count in found.items()]
        else:
            found = [{title: each["code"], "says": each["change"], "decisions": each["count"]} for each in found]
        show.out.print()
        show.rows(found, tuple(found[0]) if found else (title,), empty="No rule speaks otherwise.")
    show.out.print()
    changed = _changed(report["differences"])
    show.rows(changed, ("entry", "answer", "codes"), empty="")
    if report["different"] > len(changed):
        show.out.print(f"[dim]and {report['different'] - len(changed)} more; --csv and --json have them[/dim]")


def _changed(differences: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The first of them, for people."""
    return [
        {
            "entry": each["entry"],
            "answer": f"{each['before']} → {each['after']}",
            "codes": " ".join([f"+{code}" for code in each["new"]] + [f"-{code}" for code in each["gone"]]),
        }
        for each in differences[:SHOWN]
    ]


def _as_csv(differences: list[dict[str, Any]]) -> bytes:
    columns = ("index", "entry", "ts", "consumer", "dataset", "before", "after", "gone", "new")
    text = io.StringIO()
    writer = DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    for each in differences:
        writer.writerow({**each, "gone": " ".join(each["gone"]), "new": " ".join(each["new"])})
    return text.getvalue().encode()


@app.command()
def build(
    target: Annotated[Path, typer.Argument(help="a new folder; or a file, if its name ends in .tar.gz")],
    key: Annotated[Path | None, typer.Option(help="sign with this private key (ES256)")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="sign with the gateway's own key, on its machine")] = False,
) -> None:
    """Write the policies as an OPA bundle: for `opa run --server --bundle`, and for `corridor policy activate`."""
    from gateway.policy.archive import contents, packed, written

    if key is not None and sign:
        raise typer.BadParameter("--sign is the gateway's key, --key another one; a bundle has one signature")
    signer = _home().bundle_key if sign else None if key is None else load_private(key)
    bundle = _bundle()
    files = contents(bundle, signer)
    if target.name.endswith(".tar.gz"):
        options.write(target, packed(files))
    else:
        written(files, target)
    signed = "with the gateway's key" if sign else "nobody" if key is None else f"with {key}"
    show.record({"bundle": str(target), "digest": bundle.digest, "signed": signed, "rules": list(bundle.rules)})


@app.command("key")
def show_key() -> None:
    """The public key of the gateway's bundles, on its machine: `opa run --verification-key FILE` takes it."""
    from gateway.crypto.keys import screen
    from gateway.crypto.pem import to_pem

    typer.echo(to_pem(screen(public_jwk(_home().bundle_key), purpose="bundle")), nl=False)


def _home() -> Any:
    from gateway.home import Home

    settings = options.settings()
    return Home.load(settings.home, passphrase=settings.passphrase())


def _archive(path: Path, packs: frozenset[str]) -> bytes:
    """The packed bundle that a path leads to: an archive, a written bundle, or a folder of policies, not signed."""
    from gateway.policy.archive import contents, packed, read_written
    from gateway.policy.bundle import load_bundle

    if path.is_file():
        return options.read(path)
    if (path / ".manifest").exists():
        return packed(read_written(path))
    return packed(contents(load_bundle(path, packs), None))


def _bundle() -> Any:
    from gateway.policy.bundle import load_bundle

    settings = options.settings()
    return load_bundle(settings.policies, settings.packs_on)


def _codes(rule: dict[str, Any]) -> list[str]:
    return sorted({finding["code"] for finding in rule["findings"].values() if finding["code"]})
