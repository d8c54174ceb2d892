"""corridor participant, corridor agent: who is in the data space, and who acts for whom."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli import options, show
from gateway.cli.options import As
from gateway.crypto.canonical import strict_json
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.private import generate, public_jwk
from gateway.problems import Forbidden, Malformed
from gateway.sdk.agentfile import AgentFile

participants = typer.Typer(no_args_is_help=True, help="Admit, list and suspend organisations.")
agents = typer.Typer(no_args_is_help=True, help="Enrol and suspend your participant's agents.")

_COLUMNS = ("id", "name", "kind", "country", "state")


@participants.command()
def admit(
    admission: Annotated[
        Path, typer.Argument(help="JSON: id, name, facts, contract_key, first_agent (docs/participants.md)")
    ],
    agent: As,
) -> None:
    """Admit an organisation with its contract key and its first agent (operator)."""
    with options.client(agent) as gateway:
        admitted = gateway.post("/v1/participants", options.read_json(admission))
    show.record({**admitted["participant"], "first_agent": admitted["first_agent"]["id"]})


@participants.command("list")
def list_(agent: As) -> None:
    """Who is admitted."""
    with options.client(agent) as gateway:
        show.rows(gateway.get("/v1/participants"), _COLUMNS, empty="Nobody is admitted yet.")


@participants.command()
def facts(
    participant: str,
    agent: As,
    changes: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, the value as JSON; repeat")] = None,
) -> None:
    """What rules read of an organisation; with --set, what the operator knows by now."""
    path = f"/v1/participants/{quote(participant, safe='')}"
    with options.client(agent) as gateway:
        known = gateway.get(path)["facts"]
        if known is None:
            raise Forbidden("Its facts are for the operator and the organisation itself.")
        if changes:
            known = gateway.put(f"{path}/facts", known | dict(map(_change, changes)))["facts"]
    show.record(known)


@participants.command()
def suspend(participant: str, agent: As) -> None:
    """Take an organisation out at once (operator)."""
    _move(participant, "suspend", agent)


@participants.command()
def reinstate(participant: str, agent: As) -> None:
    """Let a suspended organisation in again (operator)."""
    _move(participant, "reinstate", agent)


@agents.command()
def enrol(
    path: Annotated[Path, typer.Argument(help="the new agent's key file goes here (0600)")],
    agent: As,
    label: Annotated[str, typer.Option(help="for your own people")],
    role: Annotated[list[str], typer.Option(help="admin, provider, researcher or officer; repeat for several")],
    location: Annotated[str, typer.Option(help="where the agent sits: CN-BJ, DE …")],
    secure_environment: Annotated[bool, typer.Option(help="inside an enrolled secure environment")] = False,
    public_key: Annotated[
        Path | None, typer.Option(help="a public JWK made elsewhere; default: make a key here")
    ] = None,
) -> None:
    """Enrol an agent of your participant; its key is made here unless you bring one."""
    key: dict[str, Any] | None = None if public_key is not None else dict(generate("ES256"))
    public = options.read_json(public_key) if public_key is not None else public_jwk(key or {})
    with options.client(agent) as gateway:
        body = {
            "label": label,
            "roles": role,
            "location": location,
            "secure_environment": secure_environment,
            "key": public,
        }
        enrolled = gateway.post("/v1/agents", body)
        if key is not None:
            own = gateway.agent
            AgentFile(enrolled["id"], own.participant, own.url, own.gateway, key).save(path)
    show.record(enrolled)


@agents.command("list")
def list_agents(agent: As) -> None:
    """Your participant's agents."""
    with options.client(agent) as gateway:
        columns = ("id", "label", "roles", "location", "state", "enrolled_at")
        show.rows(gateway.get("/v1/agents"), columns, empty="No agents.")


@agents.command("suspend")
def suspend_agent(handle: str, agent: As) -> None:
    """Shut an agent out at once."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/agents/{quote(handle, safe='')}/suspend", {})
    show.done(f"{handle} is suspended.")


@agents.command("erase")
def erase_agent(
    handle: str, agent: As, yes: Annotated[bool, typer.Option("--yes", help="erase without asking")] = False
) -> None:
    """Forget, for good, whom a suspended agent's handle stands for."""
    if not yes:
        typer.confirm(f"Erase whom {handle} stands for? It cannot be brought back.", abort=True)
    with options.client(agent) as gateway:
        gateway.post(f"/v1/agents/{quote(handle, safe='')}/erase", {})
    show.done(f"Whom {handle} stands for is erased; the log's entries stay as they are.")


@agents.command()
def me(agent: As) -> None:
    """Who the gateway takes you for."""
    with options.client(agent) as gateway:
        show.record(gateway.get("/v1/me"))


@agents.command()
def token(agent: As) -> None:
    """A short-lived access token, for curl and programs of your own. Whoever holds it acts as the agent."""
    with options.client(agent) as gateway:
        sys.stdout.write(gateway.token() + "\n")


@agents.command("sign-in")
def sign_in(agent: As) -> None:
    """A one-time link that opens the pages as this agent. Whoever opens it first is in."""
    with options.client(agent) as gateway:
        made = gateway.sign_in_link()
    if show.mode.json:
        show.record(made)
    else:
        sys.stdout.write(made["address"] + "\n")


def _change(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals:
        raise Malformed(f"{given!r}: write NAME=VALUE, such as ciio=true.")
    try:
        return name, strict_json(value.encode(), max_bytes=65536)
    except Malformed as error:
        raise Malformed(f"{given!r}: the value is JSON, such as true, 3 or []. {error.detail}") from error


def _move(participant: str, verb: str, agent: Path) -> None:
    with options.client(agent) as gateway:
        gateway.post(f"/v1/participants/{quote(participant, safe='')}/{verb}", {})
    show.done(f"{participant}: {verb} is recorded.")


@participants.command()
def prepare(
    folder: Annotated[Path, typer.Argument(help="a new folder for the participant's own keys")],
    id: Annotated[str, typer.Option(help="its DID, such as did:web:hospital.example")],
    name: Annotated[str, typer.Option()],
    kind: Annotated[str, typer.Option(help="hospital, pharma, research_institute, ai_base …")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2")],
    location: Annotated[str, typer.Option(help="where its first agent sits: CN-BJ, DE …")],
) -> None:
    """At the participant: make its contract key and first agent's key, and the admission to hand to the operator."""
    folder.mkdir(mode=0o700)
    contract, agent = generate("Ed25519"), generate("ES256")
    save_private(folder / "contract.key", contract)
    save_private(folder / "agent.key", agent)
    admission = {
        "id": id,
        "name": name,
        "facts": {"kind": kind, "country": country},
        "contract_key": {"kid": f"{id}#contract-1", "key": public_jwk(contract)},
        "first_agent": {"label": "administrator", "roles": ["admin"], "location": location, "key": public_jwk(agent)},
    }
    options.write(folder / "admission.json", (json.dumps(admission, indent=2) + "\n").encode())
    show.record({"contract_key": str(folder / "contract.key"), "hand_to_the_operator": str(folder / "admission.json")})


@agents.command()
def adopt(
    path: Annotated[Path, typer.Argument(help="the agent's key file to write (0600)")],
    handle: Annotated[str, typer.Option(help="the handle the gateway gave the agent")],
    participant: Annotated[str, typer.Option(help="its participant's DID")],
    key: Annotated[Path, typer.Option(help="the agent's private key")],
    url: Annotated[str, typer.Option(help="the gateway's URL")],
    gateway: Annotated[str, typer.Option(help="the gateway's DID")],
) -> None:
    """At the participant: make the key file of an agent that was enrolled from its public key."""
    AgentFile(handle, participant, url, gateway, load_private(key)).save(path)
    show.done(f"{path} is ready: pass it with --as, or name it in CORRIDOR_AGENT.")
