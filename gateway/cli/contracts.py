"""corridor offer, corridor contract: offer, accept, sign at the party, revoke, verify offline."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import options, show
from gateway.cli.keys import kid_in_use
from gateway.cli.options import As
from gateway.clock import instant
from gateway.contracts.envelope import parse_payload
from gateway.contracts.sign import party_entry
from gateway.crypto.canonical import b64url_decode
from gateway.crypto.keyfile import load_private
from gateway.problems import Problem
from gateway.sdk.contract import KeyFile, check, check_stands

offers = typer.Typer(no_args_is_help=True, help="Offer terms, and see what is offered.")
contracts = typer.Typer(no_args_is_help=True, help="Accept, sign, revoke and verify contracts.")

_COLUMNS = ("id", "state", "provider", "consumer", "dataset", "waits_for", "left")


class OfferFileRefused(Problem):
    slug, status, title = "offer-file-refused", 400, "The file is no offer"


class DigestDiffers(Problem):
    slug, status, title = "digest-differs", 400, "The digest is not that of the bytes to sign"


@offers.command("make")
def make_offer(
    offer: Annotated[Path, typer.Argument(help="JSON: dataset, terms, consumer (docs/contracts.md)")],
    agent: As,
    dataset: Annotated[str | None, typer.Option(help="which dataset, where the file does not say")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="valid from now for so many days, likewise")] = None,
) -> None:
    """Offer terms for a dataset of yours (provider)."""
    body = options.read_json(offer)
    if not isinstance(body, dict) or not isinstance(body.get("terms"), dict):
        raise OfferFileRefused(f"{offer} holds no object with `terms`; docs/contracts.md shows one.")
    if dataset is not None:
        body["dataset"] = dataset
    if days is not None:
        now = int(time.time())
        body["terms"] |= {"valid_from": now, "valid_to": now + days * 24 * 3600}
    with options.client(agent) as gateway:
        made = gateway.post("/v1/offers", body)
    show.record({name: made[name] for name in ("id", "dataset", "consumer", "state")})


@offers.command("list")
def list_offers(agent: As, dataset: Annotated[str | None, typer.Option()] = None) -> None:
    """Offers you made or may accept."""
    with options.client(agent) as gateway:
        found = gateway.get("/v1/offers", dataset=dataset)
    flat = [{**offer, **{name: offer["terms"][name] for name in ("actions", "purposes", "columns")}} for offer in found]
    show.rows(
        found if show.mode.json else flat,
        ("id", "dataset", "provider", "actions", "purposes", "columns"),
        empty="No offers.",
    )


@contracts.command()
def accept(offer: str, agent: As) -> None:
    """Accept an offer; the gateway drafts the contract that both parties then sign."""
    with options.client(agent) as gateway:
        _show(gateway.post("/v1/contracts", {"offer": offer}))


@contracts.command("list")
def list_contracts(
    agent: As,
    waiting: Annotated[bool, typer.Option(help="only drafts that wait for your signature")] = False,
    state: Annotated[str | None, typer.Option(help="only those in this state, such as FINALIZED")] = None,
) -> None:
    """Your contracts and drafts."""
    with options.client(agent) as gateway:
        show.rows(gateway.get("/v1/contracts", waiting=waiting, state=state), _COLUMNS, empty="No contracts.")


@contracts.command("show")
def show_contract(contract: str, agent: As) -> None:
    """What a contract gives, and what is left of it."""
    with options.client(agent) as gateway:
        _show(gateway.get(f"/v1/contracts/{contract}"))


@contracts.command()
def sign(
    contract: str,
    agent: As,
    key: Annotated[Path, typer.Option(help="your participant's contract key; it stays here")],
    kid: Annotated[str | None, typer.Option(help="its key id; default: what it is enrolled under")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="sign without asking")] = False,
) -> None:
    """Read a draft, check its digest, and sign its exact bytes here, with a key that never leaves."""
    with options.client(agent) as gateway:
        draft = gateway.get(f"/v1/contracts/{contract}")
        payload = b64url_decode(draft["payload"])
        # What is signed is what these bytes say, not what the answer beside them says.
        digest, content = hashlib.sha256(payload).hexdigest(), parse_payload(payload)
        if digest != draft["digest"]:
            raise DigestDiffers(f"The gateway names {draft['digest']}, its bytes have {digest}. Nothing was signed.")
        if not yes:
            show.record(_terms(content.terms.model_dump(mode="json")), title="You are about to sign")
            show.out.print(f"digest {digest}")
            typer.confirm("Sign these terms?", abort=True)
        private = load_private(key)
        entry = party_entry(payload, private, kid or kid_in_use(gateway, private), iat=int(time.time()))
        _show(gateway.post(f"/v1/contracts/{contract}/signatures", entry))


@contracts.command()
def revoke(contract: str, agent: As) -> None:
    """End a contract at once."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/contracts/{contract}/revoke", {})
    show.done(f"{contract} is revoked: nothing is granted under it any more, running deliveries stop.")


@contracts.command()
def suspend(contract: str, agent: As) -> None:
    """Put a contract aside at once, to be taken up again (its provider, or the operator)."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/contracts/{contract}/suspend", {})
    show.done(f"{contract} is suspended: nothing is granted under it, running deliveries stop.")


@contracts.command()
def reinstate(contract: str, agent: As) -> None:
    """Lift your suspension; the operator also lifts the gateway's."""
    with options.client(agent) as gateway:
        state = gateway.post(f"/v1/contracts/{contract}/reinstate", {})["state"]
    show.done(f"{contract} is " + ("in force again." if state == "FINALIZED" else "suspended by others still."))


@contracts.command()
def decline(contract: str, agent: As) -> None:
    """End a negotiation without a contract."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/contracts/{contract}/decline", {})
    show.done(f"{contract} is declined.")


@contracts.command()
def fetch(
    contract: str,
    agent: As,
    out: Annotated[Path, typer.Option(help="the signed contract goes here")],
    keys: Annotated[Path | None, typer.Option(help="the parties' and the gateway's public keys go here")] = None,
    status: Annotated[Path | None, typer.Option(help="the gateway's list of what no longer stands goes here")] = None,
) -> None:
    """Keep a signed contract, the keys that verify it, and whether it still stands, as files."""
    with options.client(agent) as gateway:
        options.keep(gateway, f"/v1/contracts/{contract}", out, keys)
        if status is not None:
            options.write(status, gateway.raw("/v1/status/1"))


@contracts.command()
def verify(
    file: Annotated[Path, typer.Argument(help="a signed contract")],
    keys: Annotated[Path, typer.Option(help="keys you trust: whose is whose (corridor contract fetch --keys)")],
    status: Annotated[Path | None, typer.Option(help="whether it still stands, by this list, of the last hour")] = None,
) -> None:
    """Check a signed contract offline: every signature, over these exact bytes, by exactly its parties."""
    trusted, now = KeyFile.parse(options.read(keys)), int(time.time())
    contract = check(options.read(file), trusted, now=now)
    stood = None if status is None else check_stands(contract, options.read(status), trusted, now=now)
    signatures = [f"{s.party} ({s.alg}, key {s.thumbprint[:16]}…)" for s in contract.signatures]
    show.record(
        {
            "result": "valid: signed by every party, countersigned by the gateway",
            "id": contract.id,
            "digest": contract.digest,
            "signed_by": signatures,
            "countersigned_by": contract.gateway,
            "accepted": instant(contract.accepted_at),
            **({} if stood is None else {"stands": f"yes, at {instant(stood)}"}),
            **_terms(contract.terms.model_dump(mode="json")),
        }
    )


def _show(contract: Any) -> None:
    if show.mode.json:
        show.as_json(contract)
        return
    plain = {name: value for name, value in contract.items() if name not in ("payload", "terms")}
    show.record({**plain, **_terms(contract["terms"])})


def _terms(terms: Any) -> dict[str, Any]:
    return {name: value for name, value in terms.items() if value not in (None, [], ())}
