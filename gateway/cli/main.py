"""corridor: the root command, and what is run on the gateway's own machine: init, serve, policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.cli import (
    access,
    alerts,
    approvals,
    audit,
    catalog,
    contracts,
    keys,
    options,
    participants,
    policy,
    show,
    witness,
)
from gateway.problems import Problem
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.refusals import NotInstalled
from gateway.settings import Settings

# What only the gateway's own machine needs (web framework, database, query engine) is imported by the command that
# needs it: everybody else's commands would start five times as slowly.

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode="rich")

app.add_typer(participants.participants, name="participant")
app.add_typer(participants.agents, name="agent")
app.add_typer(keys.app, name="keys")
app.add_typer(catalog.app, name="dataset")
app.add_typer(contracts.offers, name="offer")
app.add_typer(contracts.contracts, name="contract")
app.add_typer(access.app, name="access")
app.add_typer(approvals.approvals, name="approval")
app.add_typer(approvals.issuers, name="issuer")
app.add_typer(approvals.reviews, name="review")
app.add_typer(audit.app, name="audit")
app.add_typer(alerts.app, name="alert")
app.add_typer(policy.app, name="policy")
app.add_typer(witness.app, name="witness")


class NotForStrangers(Problem):
    slug, status, title = "development-keys", 400, "Development keys serve this machine only"


@app.callback()
def root(
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON, for programs")] = False,
    ids_only: Annotated[bool, typer.Option("--quiet", "-q", help="answer with ids only, one a line")] = False,
) -> None:
    """Corridor: a trusted gateway between organisations that hold health data and those that want to use it."""
    show.mode.json, show.mode.ids_only = as_json, ids_only


@app.command()
def init(
    public_url: Annotated[
        str, typer.Option(help="how others reach the gateway, such as https://gateway.example")
    ] = "http://127.0.0.1:8080",
    did: Annotated[str | None, typer.Option(help="default: did:web of the URL's host")] = None,
    location: Annotated[str, typer.Option(help="where the operator's first agent sits")] = "CN-BJ",
    home: Annotated[Path | None, typer.Option(help="default: CORRIDOR_HOME or .corridor")] = None,
    development: Annotated[bool, typer.Option(help="keys that serve this machine only")] = False,
) -> None:
    """Make a gateway, once, where it runs: keys, database, operator and its first agent, the log's first entries."""
    from gateway.founding import initialise

    settings = options.settings(home)
    made = initialise(settings, public_url=public_url, did=did, location=location, development=development)
    agent_file = settings.home / "operator.agent.json"
    AgentFile(made.agent, made.home.operator, made.home.public_url, made.home.did, made.key).save(agent_file)
    show.record(
        {
            "gateway": made.home.did,
            "home": str(settings.home),
            "log_key": str(made.home.log.verifier),
            "operator": made.home.operator,
            "operator_agent_file": str(agent_file),
            "next": "corridor serve",
        }
    )


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="default: CORRIDOR_HOST or 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="default: CORRIDOR_PORT or 8080")] = None,
    home: Annotated[Path | None, typer.Option(help="default: CORRIDOR_HOME or .corridor")] = None,
) -> None:
    """Run the gateway."""
    import uvicorn

    from gateway.app import create_app

    settings = options.settings(home)
    host = host or settings.host
    config = settings.home / "gateway.json"
    if (
        config.exists()
        and json.loads(config.read_text())["development"]
        and host not in ("127.0.0.1", "::1", "localhost")
    ):
        raise NotForStrangers(
            f"These keys were made with --development; {host} is not this machine. Initialise without it."
        )
    _look_first(settings)
    uvicorn.run(
        create_app(settings),
        host=host,
        port=settings.port if port is None else port,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=20,
    )


def _look_first(settings: Settings) -> None:
    """What keeps the gateway from starting, said in a sentence before the server is there to say it in a traceback."""
    from sqlalchemy.exc import ArgumentError

    from gateway.runtime import Runtime

    try:
        runtime = Runtime(settings)
        try:
            runtime.look_first()
        finally:
            runtime.forget()
    except ArgumentError:
        raise options.SettingsRefused(
            "CORRIDOR_DATABASE_URL is no database URL, such as postgresql://host/name."
        ) from None
    except OSError as error:
        raise options.SettingsRefused(f"{error.filename or settings.home}: {error.strerror or error}.") from None


@app.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="keep the data space running afterwards")] = False,
    port: Annotated[int, typer.Option(help="with --serve: where; otherwise any free port")] = 8080,
    home: Annotated[Path | None, typer.Option(help="with --serve: its folder; default .corridor/demo")] = None,
) -> None:
    """Play the whole story on real data: publish, sign, ask, be refused, revoke, verify. Fails if a step fails."""
    from gateway.cli.demo import play

    play(serve=serve, port=port, home=home)


@app.command()
def version() -> None:
    """Which Corridor this is."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 refused or failed, 2 the command was not understood."""
    try:
        app()
    except Problem as problem:
        show.problem(problem)
        raise SystemExit(1) from None
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] in ("gateway", "connectors", "policies"):
            raise
        show.problem(
            NotInstalled(f"This command runs the gateway and needs {missing.name}: pip install 'corridor[server]'")
        )
        raise SystemExit(1) from None
