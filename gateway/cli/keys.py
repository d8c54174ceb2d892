"""corridor keys: keys are made here, at the party; the gateway only ever sees their public half."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.cli import options, show
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keys import thumbprint
from gateway.crypto.private import generate, public_jwk

app = typer.Typer(no_args_is_help=True, help="Make keys and show their public half.")


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
