"""corridor policy: what the rules are, and the bundle for an OPA server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import options, show
from gateway.cli.options import MaybeAs

app = typer.Typer(no_args_is_help=True, help="The rules: read them, ask them, build them.")


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
def build(directory: Annotated[Path, typer.Argument(help="a new folder")]) -> None:
    """Write the policies as a bundle for `opa run --server --bundle DIRECTORY`."""
    bundle = _bundle()
    bundle.write(directory)
    show.record({"bundle": str(directory), "digest": bundle.digest, "rules": list(bundle.rules)})


def _bundle() -> Any:
    from gateway.policy.bundle import load_bundle

    settings = options.settings()
    return load_bundle(settings.policies, settings.packs_on)


def _codes(rule: dict[str, Any]) -> list[str]:
    return sorted({finding["code"] for finding in rule["findings"].values() if finding["code"]})
