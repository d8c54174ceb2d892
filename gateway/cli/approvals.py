"""corridor approval, issuer, review: sign and record approvals, trust who gives them, decide what is referred."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from pydantic import ValidationError

from gateway.approvals.document import Approval, sign_approval
from gateway.approvals.errors import ApprovalMalformed, VoteRefused
from gateway.approvals.votes import Conditions, Question, Vote, sign_vote
from gateway.cli import options, show
from gateway.cli.keys import kid_in_use
from gateway.cli.options import As
from gateway.clock import instant
from gateway.crypto.canonical import strict_json
from gateway.crypto.keyfile import load_private
from gateway.ids import urn
from gateway.problems import first_complaint
from gateway.sdk import approval as offline

approvals = typer.Typer(no_args_is_help=True, help="Sign, record, withdraw and verify approvals.")
issuers = typer.Typer(no_args_is_help=True, help="Whom the operator trusts to give approvals.")
reviews = typer.Typer(no_args_is_help=True, help="Decide, as a committee, on what the rules refer to people.")

DAY_S = 24 * 3600
_COLUMNS = ("id", "kind", "issuer", "state", "valid_to", "datasets", "recipients")
_REVIEW = ("id", "state", "consumer", "rules", "purpose", "mode", "votes_in", "opened_at")


@approvals.command()
def sign(
    file: Annotated[Path, typer.Argument(help="JSON: kind, ref, datasets, recipients, purposes (docs/approvals.md)")],
    agent: As,
    key: Annotated[Path, typer.Option(help="your participant's contract key; it stays here")],
    kid: Annotated[str | None, typer.Option(help="its key id; default: what it is enrolled under")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="valid from now for so many days; default: as in FILE")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="keep the signed approval here, and record nothing")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="sign without asking")] = False,
) -> None:
    """Write an approval, sign it here with a key that never leaves, and record it (its issuer)."""
    body = options.read_json(file)
    if not isinstance(body, dict):
        raise ApprovalMalformed(f"{file} holds no object; docs/approvals.md shows one.")
    if days is None and not {"nbf", "exp"} <= body.keys():
        raise ApprovalMalformed("Say how long it holds: --days, or `nbf` and `exp` in the file, seconds UTC.")
    with options.client(agent) as gateway:
        now, issuer = int(time.time()), gateway.agent.participant
        given = {} if days is None else {"nbf": now, "exp": now + days * DAY_S}
        own = {"ver": 1, "typ": "DataUseApproval", "gateway": gateway.agent.gateway, "issuer": issuer, "iat": now}
        try:
            content = Approval.model_validate({"id": urn(), **body, **own, **given})
        except ValidationError as error:
            raise ApprovalMalformed(first_complaint(error, whole="the approval")) from error
        if not yes:
            shown = content.model_dump(exclude_none=True, exclude={"ver", "typ", "gateway", "iat"})
            show.record(
                {**shown, "nbf": instant(content.nbf), "exp": instant(content.exp)}, title="You are about to sign"
            )
            typer.confirm("Sign this approval?", abort=True)
        private = load_private(key)
        signed = sign_approval(content, private, kid or kid_in_use(gateway, private), iat=now)
        if out is not None:
            options.write(out, signed)
            show.done(f"{out} is written; whoever it concerns may record it.", id=content.id)
            return
        show.record(gateway.post("/v1/approvals", json.loads(signed)))


@approvals.command()
def record(file: Annotated[Path, typer.Argument(help="a signed approval")], agent: As) -> None:
    """Record an approval that its issuer signed and handed to you."""
    with options.client(agent) as gateway:
        show.record(gateway.post("/v1/approvals", strict_json(options.read(file), max_bytes=options.MAX_FILE)))


@approvals.command("list")
def list_approvals(agent: As, dataset: Annotated[str | None, typer.Option()] = None) -> None:
    """Approvals that concern you."""
    with options.client(agent) as gateway:
        show.rows(gateway.get("/v1/approvals", dataset=dataset), _COLUMNS, empty="No approvals.")


@approvals.command("show")
def show_approval(approval: str, agent: As) -> None:
    """One approval."""
    with options.client(agent) as gateway:
        show.record(gateway.get(f"/v1/approvals/{_id(approval)}"))


@approvals.command()
def withdraw(approval: str, agent: As) -> None:
    """Take an approval back at once (its issuer, the operator)."""
    with options.client(agent) as gateway:
        gateway.post(f"/v1/approvals/{_id(approval)}/withdraw", {})
    show.done(f"{approval} is withdrawn: nothing that needs it is granted any more.")


@approvals.command()
def fetch(
    approval: str,
    agent: As,
    out: Annotated[Path, typer.Option(help="the signed approval goes here")],
    keys: Annotated[Path | None, typer.Option(help="the public keys that verify it go here")] = None,
) -> None:
    """Keep a signed approval, and the keys that verify it, as files."""
    with options.client(agent) as gateway:
        options.keep(gateway, f"/v1/approvals/{_id(approval)}", out, keys)


@approvals.command()
def verify(
    file: Annotated[Path, typer.Argument(help="a signed approval, or a committee's decision")],
    keys: Annotated[Path, typer.Option(help="keys you trust: whose is whose (corridor approval fetch --keys)")],
) -> None:
    """Check an approval offline: who said it, over these exact bytes."""
    found = offline.check(options.read(file), options.read(keys), now=int(time.time()))
    show.record({"result": "valid: signed by who issues it", **found})


@issuers.command("trust")
def trust(
    participant: str,
    agent: As,
    kind: Annotated[list[str] | None, typer.Option(help="such as ethics; none given: trusted no more")] = None,
) -> None:
    """Trust a participant to give approvals of exactly these kinds (operator)."""
    with options.client(agent) as gateway:
        show.record(gateway.post("/v1/issuers", {"participant": participant, "kinds": kind or []}))


@issuers.command("list")
def list_issuers(agent: As) -> None:
    """Who may give which approvals."""
    with options.client(agent) as gateway:
        show.rows(gateway.get("/v1/issuers"), ("participant", "kinds"), empty="Nobody yet.")


@reviews.command("list")
def list_reviews(
    agent: As,
    state: Annotated[str | None, typer.Option(help="open, approved, refused or lapsed")] = None,
) -> None:
    """Reviews that your committee decides, or that your requests opened."""
    with options.client(agent) as gateway:
        found = gateway.get("/v1/reviews", state=state)
    flat = [{**one, **{name: one["question"][name] for name in ("rules", "purpose", "mode")}} for one in found]
    show.rows(found if show.mode.json else flat, _REVIEW, empty="No reviews.")


@reviews.command("show")
def show_review(review: str, agent: As) -> None:
    """What is asked, what the rules said, and the votes you may see."""
    with options.client(agent) as gateway:
        _show(gateway.get(f"/v1/reviews/{_id(review)}"))


@reviews.command()
def vote(
    review: str,
    agent: As,
    reason: Annotated[str, typer.Option(help="why; both parties read it once the review is decided")],
    approve: Annotated[bool | None, typer.Option("--approve/--refuse", help="your vote")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="an approval holds so many days from now")] = 90,
    column: Annotated[list[str] | None, typer.Option(help="approve these columns only")] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help='what is done to the data, as JSON: {"kind": "cap_rows", "rows": 100}')
    ] = None,
) -> None:
    """Vote, signed here with your agent's own key; you do not see the other vote before yours is in."""
    if approve is None:
        raise VoteRefused("Say --approve or --refuse.")
    with options.client(agent) as gateway:
        shown = gateway.get(f"/v1/reviews/{_id(review)}")
        # What is voted on is what these members say, not the digest beside them.
        question = Question.model_validate(shown["question"])
        now = int(time.time())
        try:
            conditions = (
                Conditions(
                    exp=now + days * DAY_S,
                    columns=column or list(question.columns),
                    obligations=[strict_json(one.encode(), max_bytes=4096) for one in condition or ()],
                )
                if approve
                else None
            )
            cast = Vote(
                ver=1,
                typ="ReviewVote",
                question=question.digest,
                reviewer=gateway.agent.agent,
                vote="approve" if approve else "refuse",
                reason=reason,
                iat=now,
                conditions=conditions,
            )
        except ValidationError as error:
            raise VoteRefused(first_complaint(error, whole="the vote")) from error
        _show(gateway.post(f"/v1/reviews/{_id(review)}/votes", json.loads(sign_vote(cast, gateway.agent.key))))


def _id(given: str) -> str:
    """An id as part of an address, and of nothing else."""
    return quote(given, safe=":")


def _show(found: Any) -> None:
    if show.mode.json or show.mode.ids_only:
        show.record(found)
        return
    asked = ("dataset", "contract", "purpose", "action", "mode", "columns", "rules")
    question = {name: found["question"][name] for name in asked}
    plain = ("id", "state", "provider", "consumer", "requester", "opened_at", "lapses_at", "decided_at", "votes_in")
    show.record({**{name: found[name] for name in plain}, **question})
    for reason in found["reasons"] or ():
        show.record(
            {"rule": reason["code"], "says": reason["text"], "facts": reason["facts"], "source": reason["source"]}
        )
    for one in found["votes"]:
        show.record(one, title=f"Vote of {one['reviewer']}")
