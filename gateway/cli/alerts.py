"""corridor alert: be told of what happens, by signed webhook, and check what one was told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli import options, show
from gateway.cli.options import As
from gateway.crypto import webhook

app = typer.Typer(no_args_is_help=True, help="Be told of what happens, by signed webhook.")


@app.command()
def subscribe(
    address: Annotated[str, typer.Argument(help="an https URL that everybody can reach")],
    agent: As,
    kind: Annotated[
        list[str],
        typer.Option(help="refusals.spike, dataset.first_use, exports.near or log.trouble; repeat for several"),
    ],
    refusals: Annotated[int, typer.Option(min=1, help="so many refusals of one in a clock hour are a spike")] = 20,
    share: Annotated[int, typer.Option(min=1, max=100, help="percent of an export threshold that is near it")] = 80,
) -> None:
    """Be told from now on of what you could read in the log (officer)."""
    with options.client(agent) as gateway:
        body = {"address": address, "kinds": kind, "refusals": refusals, "share": share}
        show.record(gateway.post("/v1/alerts", body))


@app.command("list")
def list_subscriptions(agent: As) -> None:
    """Your organisation's subscriptions (officer)."""
    with options.client(agent) as gateway:
        found = gateway.get("/v1/alerts")
    flat = [{**one, "last": one["messages"][0]["state"] if one["messages"] else "-"} for one in found]
    show.rows(flat, ("id", "address", "kinds", "last", "made_at"), empty="Nobody is told of anything.")


@app.command()
def messages(subscription: str, agent: As) -> None:
    """What a subscription was told of lately, and whether it arrived (officer)."""
    with options.client(agent) as gateway:
        found = [one for one in gateway.get("/v1/alerts") if one["id"] == subscription]
    sent = found[0]["messages"] if found else []
    show.rows(sent, ("id", "kind", "state", "attempts", "said", "made_at"), empty="It was told of nothing yet.")


@app.command()
def test(subscription: str, agent: As) -> None:
    """Have a message sent that is only a test (officer)."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/alerts/{quote(subscription, safe='')}/test", {})
    show.done("A test message is under way; see: corridor alert messages")


@app.command()
def end(subscription: str, agent: As) -> None:
    """Be told no more; the address is forgotten (officer)."""
    with options.client(agent) as gateway:
        gateway.delete(f"/v1/alerts/{quote(subscription, safe='')}")
    show.done(f"{subscription} has ended.")


@app.command()
def key(agent: As) -> None:
    """The key that signs alerts, as receivers are given it (officer)."""
    with options.client(agent) as gateway:
        show.record(gateway.get("/v1/alerts/key"))


@app.command()
def verify(
    body: Annotated[Path, typer.Argument(help="the message's body, byte for byte")],
    id: Annotated[str, typer.Option(help="header webhook-id")],
    timestamp: Annotated[str, typer.Option(help="header webhook-timestamp")],
    signature: Annotated[str, typer.Option(help="header webhook-signature")],
    key: Annotated[str, typer.Option(help="whpk_…, from corridor alert key")],
) -> None:
    """Check a message offline: this key signed it, just now."""
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    webhook.verify(headers, options.read(body), key=key, now=int(time.time()))
    show.done("This key signed the message, within the last five minutes.")
