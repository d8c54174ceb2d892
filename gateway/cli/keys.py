"""corridor keys: a party's keys, made here, of which the gateway only sees the public half; and the gateway's own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.cli import options, show
from gateway.clock import seconds
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keys import thumbprint
from gateway.crypto.private import generate, public_jwk

app = typer.Typer(no_args_is_help=True, help="Make keys and show their public half; replace the gateway's own.")


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
