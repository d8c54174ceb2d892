"""corridor dataset: register, find, describe, withdraw."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import options, show
from gateway.cli.options import As
from gateway.problems import Problem

app = typer.Typer(no_args_is_help=True, help="Register and find datasets.")


class NotYours(Problem):
    slug, status, title = "not-your-dataset", 403, "The dataset is another participant's"


@app.command()
def register(registration: Annotated[Path, typer.Argument(help="JSON (docs/datasets.md)")], agent: As) -> None:
    """Register a view of a source; every column is compared with the source first (provider)."""
    with options.client(agent) as gateway:
        made = gateway.post("/v1/datasets", options.read_json(registration))
    show.record({name: made[name] for name in ("id", "title", "rows", "classification", "governance_version")})


@app.command()
def find(
    agent: As,
    text: Annotated[str | None, typer.Argument(help="words that must all occur")] = None,
    purpose: Annotated[str | None, typer.Option(help="offered for this purpose, P01 to P23")] = None,
    category: Annotated[str | None, typer.Option(help="health category")] = None,
    provider: Annotated[str | None, typer.Option(help="a participant's DID")] = None,
) -> None:
    """Find datasets you may know of."""
    with options.client(agent) as gateway:
        found = gateway.get("/v1/datasets", text=text, purpose=purpose, category=category, provider=provider)
    columns = ("id", "title", "provider", "rows", "persons", "classification", "duo")
    show.rows(found, columns, empty="Nothing found that you may know of.")


@app.command("show")
def show_dataset(dataset: str, agent: As) -> None:
    """One dataset and its columns."""
    with options.client(agent) as gateway:
        found = gateway.get(f"/v1/datasets/{dataset}")
    if show.mode.json:
        show.as_json(found)
        return
    show.record(
        {name: value for name, value in found.items() if name not in ("columns", "registration", "content_key")}
    )
    show.rows(found["columns"], ("name", "type", "role", "description"), empty="No columns.")


@app.command()
def content(
    dataset: str, file: Annotated[Path, typer.Argument(help="the source's file, as it was")], agent: As
) -> None:
    """How the log names a content of your dataset's source: a delivery whose end says so read exactly this file."""
    try:
        with file.open("rb") as opened:
            digest = "sha256:" + hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise options.FileRefused(f"{file}: {error.strerror or 'cannot be read'}.") from None
    with options.client(agent) as gateway:
        found = gateway.get(f"/v1/datasets/{dataset}")
    if found["content_key"] is None:
        raise NotYours("Only a dataset's provider can tell which of its contents was read.")
    name = hmac.new(bytes.fromhex(found["content_key"]), digest.encode(), hashlib.sha256).hexdigest()
    show.record({"dataset": dataset, "digest": digest, "content": f"hmac-sha256:{name}"})


@app.command()
def withdraw(dataset: str, agent: As) -> None:
    """Take a dataset out at once (its provider)."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/datasets/{dataset}/withdraw", {})
    show.done(f"{dataset} is withdrawn; nothing is granted on it any more.")
