"""The grant and the end of a delivery, each inside the log's transaction: what is taken, what is recorded.

A grant judges again what may have moved since the decision, takes a use, reserves rows and persons up to the caps, and
appends the entry; only after its commit does anything leave. The end gives back what was reserved and not used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.access import exports, resuming, underway
from gateway.access.errors import ContractExhausted
from gateway.access.ground import Ground, filter_columns, shown_abroad
from gateway.access.request import AccessRequest
from gateway.access.resuming import Left, Resume
from gateway.access.underway import Underway
from gateway.approvals.review import MAX_OPEN, open_review
from gateway.approvals.votes import USE, Question
from gateway.audit.commit import new_salt, salted_digest
from gateway.audit.deed import Deed
from gateway.audit.event import AuditEvent, Object, Reason, Request, Result, sentence
from gateway.audit.event import Contract as ContractRef
from gateway.audit.event import Decision as DecisionRef
from gateway.audit.log import Outcome, Record
from gateway.audit.state import Standing, standing
from gateway.clock import Clock
from gateway.crypto.canonical import judged_json
from gateway.db import Tx
from gateway.ids import urn
from gateway.policy.decision import Decision
from gateway.terms.purposes import PURPOSES

SMALL = 10
"""Counts below this are not written into entries: they could tell of single persons (audit profiles, section 8)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was decided: by whom, on what, with which answer, under what stood then.

    `recalled`: the answer was not worked out anew, the permit of an earlier request still held.
    """

    deed: Deed
    request: AccessRequest
    ground: Ground
    location: str
    document: bytes
    decision: Decision
    recalled: bool = False
    salt: bytes = field(default_factory=new_salt, repr=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """Something that the decision stood on has moved: decide again under this."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Granted:
    """What was taken. `rows` is this delivery's cap; None is no cap."""

    entry: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class End:
    """How a delivery ended, and what was handed to the transport. `complete` False: it broke off.

    `content`: which bytes of the source were read (`content_name`); None where it was not opened. `rows` and `sha256`
    are of the answer from its beginning; of one that was taken up, `bytes` are those behind the first `begins`.
    """

    complete: bool
    rows: int
    bytes: int
    sha256: str
    cells_suppressed: int | None = None
    reason: Reason | None = None
    refund: bool = False
    content: str | None = None
    begins: int = 0


def grant(tx: Tx, asked: Asked, *, instance: str, row_cap: int | None, clock: Clock) -> Outcome:
    """Take one use and record the permit; the value is Granted, or Moved when the decision no longer stands.

    An exhausted contract is an outcome of its own: recorded, then raised as ContractExhausted. Rows are reserved up to
    the cap and what is not used of them is given back at the end. Persons need no count: whatever is asked, the plan
    shows the same persons, at most as many as the contract grants.
    """
    if (moved := _moved(tx, asked, clock)) is not None:
        return moved
    terms, contract = asked.ground.contract.terms, asked.ground.contract.id
    uses, taken = tx.execute("SELECT uses, rows_taken FROM contract_usage WHERE contract = ?", (contract,)).fetchone()
    if terms.uses is not None and uses >= terms.uses:
        return _exhausted(asked, "uses")
    rows, reading = row_cap, asked.request.action == "read"
    if reading and terms.rows is not None:
        rows = min(terms.rows - taken, terms.rows if row_cap is None else row_cap)
        if rows <= 0:
            return _exhausted(asked, "rows")
    # A read without a limit reserves none of it and is counted at its end; counts by group are no rows of the data.
    reserved = None if not reading else 0 if terms.rows is None else rows
    tx.execute(_TAKE, (1, reserved or 0, contract))
    return _permitted(tx, asked, instance, clock, rows_cap=rows, reserved=reserved)


def take_up(
    tx: Tx, asked: Asked, resume: Resume, *, instance: str, row_cap: int | None, content: str | None, clock: Clock
) -> Outcome:
    """The same for a delivery that ended before its reader had it all: it takes no use, and rows it has not had.

    Raises:
        what `resuming.left_of` raises.
    """
    if (moved := _moved(tx, asked, clock)) is not None:
        return moved
    terms, contract, agent = asked.ground.contract.terms, asked.ground.contract.id, asked.deed.actor.user_id
    left = resuming.left_of(
        tx,
        resume,
        contract=contract,
        agent=agent,
        asked=resuming.fingerprint(asked.request),
        content=content,
        row_cap=row_cap,
        at=asked.deed.at,
    )
    taken = tx.execute("SELECT rows_taken FROM contract_usage WHERE contract = ?", (contract,)).fetchone()[0]
    if terms.rows is not None and left.rows_left > terms.rows - taken:
        return _exhausted(asked, "rows")
    tx.execute(_TAKE, (0, left.rows_left, contract))
    resuming.taken_up(tx, left)
    reserved = left.rows_left if asked.request.action == "read" else None
    return _permitted(tx, asked, instance, clock, rows_cap=left.rows_cap, reserved=reserved, left=left)


def _moved(tx: Tx, asked: Asked, clock: Clock) -> Outcome | None:
    stands = standing(tx)
    if stands != asked.ground.standing or exports.year_of(clock()) != asked.ground.exports.year:
        return Outcome((), Moved(stands))
    return None


def _permitted(
    tx: Tx,
    asked: Asked,
    instance: str,
    clock: Clock,
    *,
    rows_cap: int | None,
    reserved: int | None,
    left: Left | None = None,
) -> Outcome:
    """Record the permit and what begins with it; the value is Granted."""
    facts: dict[str, Any] = {"recalled": True} if asked.recalled else {}
    if left is not None:
        facts["resumes"] = left.entry
    newly = rows_cap if left is None else left.rows_left or None
    event = _decided(asked, "permit", kept=True, result=Result(reserved_rows=newly), facts=facts)
    parties = _parties(asked)
    delivery = Underway(
        event.id,
        instance,
        asked.ground.contract.id,
        asked.ground.dataset.id,
        *parties,
        agent=asked.deed.actor.user_id,
        rows_reserved=reserved,
        asked=resuming.fingerprint(asked.request) if left is None else left.asked,
        rows_cap=rows_cap,
        counted=0 if left is None else left.counted,
        times=0 if left is None else left.times + 1,
    )
    underway.begin(tx, delivery)
    _keep_input(tx, asked, event)
    _count_export(tx, asked, clock())
    return Outcome((Record(event, parties),), Granted(event.id, rows_cap))


def refuse(tx: Tx, asked: Asked, problem: Any, *, gateway: str) -> Outcome:
    """Record a deny or a referral, and raise it to the caller. A referral opens a review, and names it."""
    event = _decided(asked, asked.decision.result, kept=True, reasons=_reasons(asked.decision))
    _keep_input(tx, asked, event)
    records: tuple[Record, ...] = ()
    if asked.decision.result == "refer":
        question, ends = _question(asked, event, gateway), asked.ground.contract.exp
        review, records = open_review(tx, question, asked.deed.actor.user_id, ends=ends, deed=asked.deed)
        problem.members["review"] = review
        if review is None:
            problem.detail = (
                f"{problem.detail} {MAX_OPEN} reviews of this contract are open; ask again once some are decided."
            )
    return Outcome((Record(event, _parties(asked)), *records), problem=problem)


def _question(asked: Asked, event: AuditEvent, gateway: str) -> Question:
    """What the provider's committee is to decide: this way of using the data, and nothing beside it."""
    request, contract = asked.request, asked.ground.contract
    asked_for = json.loads(asked.document)["request"]
    columns = {*request.columns, *request.group_by, *filter_columns(request.filter)}
    return Question(
        ver=1,
        typ="ReviewQuestion",
        gateway=gateway,
        review=urn(),
        entry=event.id,
        input_digest=salted_digest(asked.salt, asked.document),
        contract=contract.id,
        dataset=asked.ground.dataset.id,
        provider=contract.provider,
        recipient=contract.consumer,
        purpose=request.purpose.id,
        action=request.action,
        mode=request.mode,
        columns=sorted(columns),
        use={name: asked_for[name] for name in USE},
        rules=sorted({reason.code for reason in asked.decision.reasons}),
    )


def _count_export(tx: Tx, asked: Asked, now: float) -> None:
    """Where data leaves the country the policy says so; then its persons count, from this commit on."""
    for owed in asked.decision.obligations:
        if owed["kind"] == "count_export":
            shown = shown_abroad(asked.ground.contract, asked.ground.dataset)
            exports.count(tx, shown, sensitive=owed["sensitive"], now=now)


def turned_away(asked: Asked, reason: Reason) -> tuple[AuditEvent, tuple[str, str]]:
    """The event of a request the rules permit and the plan cannot carry out, and its parties."""
    return _decided(asked, "deny", reasons=(reason,)), _parties(asked)


def question(asked: Asked) -> Outcome:
    """Record that somebody asked what would be answered. It concerns who asked; nothing was granted or refused."""
    event = _decided(asked, asked.decision.result, kind="policy.asked", reasons=_reasons(asked.decision))
    return Outcome((Record(event, (asked.ground.contract.consumer,)),), event.id)


def settle(tx: Tx, entry: str, end: End, deed: Deed) -> Outcome:
    """Record how a delivery ended and count what it took beyond what it reserved, or give the rest back.

    Settling twice changes nothing.
    """
    delivery = underway.find(tx, entry)
    if delivery is None:
        return Outcome(())
    underway.end(tx, delivery)
    rows, refund = max(0, end.rows - delivery.counted), end.refund and delivery.times == 0
    back = 0 if delivery.rows_reserved is None else delivery.rows_reserved - rows
    tx.execute(_GIVE_BACK, (int(refund), back, delivery.contract))
    if not refund:
        rest, counted = 0 if end.complete else max(0, back), delivery.counted + rows
        resuming.keep(tx, delivery, whole=end.complete, rows=counted, rows_left=rest, content=end.content, at=deed.at)
    digest = tx.execute("SELECT digest FROM contract WHERE id = ?", (delivery.contract,)).fetchone()[0]
    small = 0 < rows < SMALL
    facts: dict[str, Any] = ({"rows_band": "1-9"} if small else {}) | ({"content": end.content} if end.content else {})
    if end.begins:
        facts["begins"] = end.begins
    event = deed.event(
        "data.transfer.completed" if end.complete else "data.transfer.broken_off",
        "success" if end.complete else "failure",
        contract=ContractRef(delivery.contract, digest),
        objects=(Object("dataset", delivery.dataset),),
        result=Result(
            rows=None if small else rows,
            bytes=end.bytes,
            cells_suppressed=end.cells_suppressed,
            output_digest=f"sha256:{end.sha256}" if end.sha256 else None,
        ),
        reasons=() if end.reason is None else (end.reason,),
        facts=facts,
        prior=entry,
    )
    return Outcome((Record(event, (delivery.provider, delivery.consumer)),), event.id)


def recover(tx: Tx, deed: Deed, *, dead: tuple[str, ...] | None) -> Outcome:
    """Close what crashed processes left open: the end is unknown, at most what was reserved had left.

    `dead`: the instances that are known to be gone; None when this is the only process there can be.
    """
    records = []
    for delivery in underway.every(tx):
        if dead is not None and delivery.instance not in dead:
            continue
        digest = tx.execute("SELECT digest FROM contract WHERE id = ?", (delivery.contract,)).fetchone()[0]
        underway.end(tx, delivery)
        reserved = delivery.rows_reserved or 0
        counted = delivery.counted + reserved
        resuming.keep(tx, delivery, whole=False, rows=counted, rows_left=0, content=None, at=deed.at)
        event = deed.event(
            "data.transfer.broken_off",
            "failure",
            contract=ContractRef(delivery.contract, digest),
            objects=(Object("dataset", delivery.dataset),),
            result=Result(reserved_rows=reserved or None),
            reasons=(
                Reason(
                    "end-unknown", "The gateway stopped during the delivery; what left is at most what was reserved."
                ),
            ),
            facts={"end": "unknown"},
            prior=delivery.entry,
        )
        records.append(Record(event, (delivery.provider, delivery.consumer)))
    return Outcome(tuple(records), len(records))


_TAKE = "UPDATE contract_usage SET uses = uses + ?, rows_taken = rows_taken + ? WHERE contract = ?"
_GIVE_BACK = "UPDATE contract_usage SET uses = uses - ?, rows_taken = rows_taken - ? WHERE contract = ?"


def _exhausted(asked: Asked, what: str) -> Outcome:
    reason = Reason("CONTRACT-SPENT", f"The contract's {what} are used up.")
    event = _decided(asked, "deny", kind="access.exhausted", reasons=(reason,))
    problem = ContractExhausted(
        f"The contract's {what} are used up. Agree on a new contract with the provider.", spent=what
    )
    return Outcome((Record(event, _parties(asked)),), problem=problem)


def _decided(
    asked: Asked, outcome: str, *, kind: str = "access.decision", kept: bool = False, **groups: Any
) -> AuditEvent:
    """The event of a decision, with all that is needed to make it again. `kept`: its input is, by `_keep_input`."""
    decision, ground, request = asked.decision, asked.ground, asked.request
    return asked.deed.event(
        kind,
        outcome,
        request=Request(
            request_id=asked.deed.request_id,
            operation=f"dataset.{request.action}",
            mode=request.mode,
            purpose_id=request.purpose.id,
            act_reason=PURPOSES[request.purpose.id].act_reason,
            processing_location=asked.location,
        ),
        contract=ground.contract_shown,
        decision=_shown(
            decision,
            "permit" if kind == "access.exhausted" else outcome,
            salted_digest(asked.salt, asked.document) if kept else None,
        ),
        objects=(ground.dataset_shown,),
        legal=ground.legal(request.purpose.id, asked.deed.at),
        **groups,
    )


def _shown(decision: Decision, result: str, input_digest: str | None) -> DecisionRef:
    return DecisionRef(
        result,
        rules=tuple(dict.fromkeys(reason.code for reason in decision.reasons))[:32],
        demands=decision.demands,
        policy_bundle=decision.bundle,
        input_digest=input_digest,
    )


def shown(decision: Decision) -> tuple[dict[str, Any], str | None]:
    """All that an entry shows of a decision but for its input: the group `decision`, and the reason."""
    members: dict[str, Any] = orjson.loads(judged_json(_shown(decision, decision.result, None).members()))
    del members["input_digest"]
    return members, sentence(_reasons(decision))


def _keep_input(tx: Tx, asked: Asked, event: AuditEvent) -> None:
    """Keep the decision's input beside the log; its salted digest is in the entry."""
    sql = "INSERT INTO decision_input (entry, salt, document) VALUES (?, ?, ?)"
    tx.execute(sql, (event.id, asked.salt, asked.document))


def _reasons(decision: Decision) -> tuple[Reason, ...]:
    # A sentence may quote a name that was asked for; an entry holds printable text only.
    return tuple(Reason(r.code, "".join(c if c.isprintable() else " " for c in r.text)) for r in decision.reasons)


def _parties(asked: Asked) -> tuple[str, str]:
    return asked.ground.contract.provider, asked.ground.contract.consumer
