"""corridor keys: of a party, made here, replaced and taken out, whose public half alone the gateway sees; its own."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from gateway.cli import options, show
from gateway.cli.options import As
from gateway.clock import seconds
from gateway.crypto.did import check_kid
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keyrequest import sign_request
from gateway.crypto.keys import thumbprint
from gateway.crypto.private import generate, public_jwk
from gateway.problems import Problem
from gateway.sdk.client import Client

app = typer.Typer(no_args_is_help=True, help="Make keys, give your participant new ones, take lost ones out.")


class NoKeyInUse(Problem):
    slug, status, title = "no-key-in-use", 400, "There is no key in use for this"


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="where the private key goes (0600, never overwritten)")],
    alg: Annotated[
        Literal["Ed25519", "ES256", "PS256"], typer.Option(help="Ed25519 or ES256 unless you must")
    ] = "Ed25519",
) -> None:
    """Make a key pair: the private key in PATH, the public one in PATH.pub."""
    key = generate(alg)
    save_private(path, key)
    options.write(path.with_name(path.name + ".pub"), (json.dumps(public_jwk(key), indent=2) + "\n").encode())
    show.record({"private_key": str(path), "public_key": f"{path}.pub", "alg": alg, "thumbprint": thumbprint(key)})


@app.command("show")
def show_key(path: Annotated[Path, typer.Argument(help="a private key file")]) -> None:
    """The public half of a key, as the gateway takes it."""
    show.as_json(public_jwk(load_private(path)))


@app.command("list")
def list_keys(
    agent: As, participant: Annotated[str | None, typer.Option(help="whose; default: your participant's")] = None
) -> None:
    """The keys that sign a participant's contracts: those in use and those that were."""
    with options.client(agent) as gateway:
        found = enrolled(gateway, participant or gateway.agent.participant)
    columns = ("kid", "state", "valid_from", "valid_until", "compromised_since", "thumbprint")
    show.rows(found, columns, empty="No keys.")


@app.command()
def bring(
    key: Annotated[Path, typer.Argument(help="the new contract key (corridor keys new); it stays here")],
    agent: As,
    name: Annotated[str, typer.Option(help="what the key's id is to have behind the #, such as contract-2")],
    present: Annotated[
        Path | None, typer.Option(help="the key in use; without it the new one waits for the operator")
    ] = None,
) -> None:
    """Give your participant a new contract key, which takes the place of the one in use (administrator)."""
    new_key, old = load_private(key), None if present is None else load_private(present)
    with options.client(agent) as gateway:
        own = gateway.agent.participant
        in_use = next((known["kid"] for known in enrolled(gateway, own) if known["state"] == "active"), None)
        if old is not None and in_use is None:
            raise NoKeyInUse("Your participant has no key in use that could endorse another; leave --present out.")
        request = sign_request(
            new_key,
            f"{own}#{name}",
            gateway=gateway.agent.gateway,
            iat=int(time.time()),
            present=None if old is None or in_use is None else (in_use, old),
            replaces=in_use,
        )
        brought = gateway.post("/v1/keys", json.loads(request))
    if show.mode.json or show.mode.ids_only:
        show.record(brought)
    elif brought["state"] == "active":
        show.done(f"{brought['kid']} is in use; what the one before it signed stands.")
    else:
        show.done(f"{brought['kid']} waits. Tell the operator its thumbprint: {thumbprint(new_key)}")


@app.command()
def waiting(agent: As) -> None:
    """Keys that wait for the operator: your participant's, or everybody's for the operator."""
    with options.client(agent) as gateway:
        columns = ("kid", "participant", "thumbprint", "brought_at")
        show.rows(gateway.get("/v1/keys/waiting"), columns, empty="No key waits.")


@app.command()
def approve(kid: str, agent: As) -> None:
    """Put a key that waits in use, once its owner told you its thumbprint by another way (operator)."""
    with options.client(agent) as gateway:
        gateway.post(_address(kid, "approve"), {})
    show.done(f"{kid} is in use.")


@app.command()
def refuse(kid: str, agent: As) -> None:
    """Turn a key that waits away, for good (operator)."""
    with options.client(agent) as gateway:
        gateway.post(_address(kid, "refuse"), {})
    show.done(f"{kid} is refused.")


@app.command()
def compromised(
    kid: str,
    agent: As,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"],
            help="UTC; contracts accepted before stand. Default: none does",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="without asking")] = False,
) -> None:
    """Take a contract key out at once: it may be in other hands (administrator, or the operator)."""
    stop = (
        "every contract it signed is"
        if since is None
        else f"contracts accepted with it since {since:%Y-%m-%d %H:%M} are"
    )
    if not yes:
        typer.confirm(f"From now on {stop} stopped, and drafts it signed end. It cannot be undone. Go on?", abort=True)
    moment = None if since is None else int(since.replace(tzinfo=UTC).timestamp())
    with options.client(agent) as gateway:
        gateway.post(_address(kid, "compromise"), {"since": moment})
    show.done(f"{kid} is marked compromised: {stop} stopped.")


def enrolled(gateway: Client, participant: str) -> list[dict[str, Any]]:
    """A participant's contract keys, oldest first, as the gateway has them."""
    found: list[dict[str, Any]] = gateway.get(f"/v1/participants/{quote(participant, safe='')}/keys")
    return found


def kid_in_use(gateway: Client, private: dict[str, Any]) -> str:
    """The id under which a key of the caller's participant is in use."""
    own = thumbprint(private)
    for known in enrolled(gateway, gateway.agent.participant):
        if known["thumbprint"] == own:
            if known["state"] != "active":
                raise NoKeyInUse(f"{known['kid']} is {known['state']}; sign with your participant's key in use.")
            return str(known["kid"])
    raise NoKeyInUse("This key is not enrolled for your participant; see: corridor keys list")


def _address(kid: str, verb: str) -> str:
    did, name = check_kid(kid)
    return f"/v1/participants/{quote(did, safe='')}/keys/{name}/{verb}"


@app.command()
def rotate(
    name: Annotated[
        Literal["token", "countersign", "bundle", "alert", "log", "pseudonym"],
        typer.Argument(help="which of the gateway's own keys"),
    ],
    home: Annotated[Path | None, typer.Option(help="default: CORRIDOR_HOME or .corridor")] = None,
    compromised: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="since when others may have the old key, such as 2026-01-31T00:00:00Z, or `now`: contracts accepted"
            " from then on no longer verify",
        ),
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="of a key whose former one still signs beside it: that it ends now")
    ] = False,
) -> None:
    """Replace a key of the gateway's own, where it runs, while it is stopped. The log says so."""
    from gateway import rotation

    if name == "pseudonym":
        raise rotation.RootStays(
            "Every pseudonym that was handed out is derived from it: another root would give the persons in running"
            " contracts new ones. Nothing was changed."
        )
    if finish and compromised is not None:
        raise typer.BadParameter("either replace a key or finish that")
    settings = options.settings(home)
    if finish:
        entry = rotation.finish(settings, name)
        show.record({"key": name, "former": "signs no more", "entry": entry, "next": "corridor serve"})
        return
    done = rotation.rotate(settings, name, compromised_since=_instant(compromised))
    show.record(
        {
            "key": name,
            "thumbprint": done.thumbprint,
            **({} if done.vkey is None else {"log_key": done.vkey}),
            "replaces": done.former,
            "entry": done.entry,
            **({"no_longer_verify": list(done.contracts)} if done.contracts else {}),
            "next": _NEXT[name],
        }
    )


_NEXT = {
    "token": "corridor serve; agents get new tokens by themselves",
    "countersign": "corridor serve; whoever verifies offline fetches the keys again",
    "bundle": "corridor serve; give the new public key to OPA servers that verify, and sign bundles anew",
    "alert": "corridor serve; once every receiver has the new key: corridor keys rotate alert --finish",
    "log": "corridor serve; publish the new key; once all who verify have it: corridor keys rotate log --finish",
}


def _instant(given: str | None) -> int | None:
    if given is None:
        return None
    try:
        return int(time.time() if given == "now" else seconds(given))
    except ValueError:
        raise typer.BadParameter("say an instant, such as 2026-01-31T00:00:00Z, or `now`") from None
