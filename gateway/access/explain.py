"""Asking without acting: why a request is permitted or refused, and what would pass. Nothing is granted or counted."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from gateway.access.broker import Broker
from gateway.access.errors import ContractNotInForce
from gateway.access.grants import question
from gateway.access.ground import stated_purpose
from gateway.access.request import AccessRequest
from gateway.approvals.votes import Question
from gateway.audit import reader
from gateway.audit.commit import salted_digest
from gateway.audit.log import Recorded
from gateway.db import Database
from gateway.identity.caller import AgentRole, Caller
from gateway.policy.active import Active
from gateway.policy.bundle import Bundle
from gateway.policy.changes import Change, passing
from gateway.policy.decide import decide
from gateway.policy.decision import Decision
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.store import kept_bundle
from gateway.problems import NotFound, Problem


class NotReplayable(Problem):
    """The entry is no decision, or its input or its bundle is not kept (any more)."""

    slug, status, title = "not-replayable", 409, "This decision cannot be made again"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The policy's answer and, of a refusal, the changes it would pass with: each alone, or in pairs.

    `hindrance`: why a request that the rules permit would not be carried out all the same.
    """

    decision: Decision
    would_pass: list[tuple[Change, ...]]
    hindrance: Problem | None = None


async def explain(
    broker: Broker, caller: Caller, request: AccessRequest, *, request_id: str | None = None
) -> tuple[Explanation, Recorded]:
    """What would be answered to this request now, and the entry that records the question.

    Raises:
        NotFound, ContractNotInForce: as the request itself would.
    """
    caller.need(AgentRole.RESEARCHER)
    try:
        asked = await broker.judged(caller, request, stated_purpose(request), request_id)
    except (NotFound, ContractNotInForce) as refusal:
        await broker.asked_in_vain(caller, refusal, request_id)
        raise
    changes, hindrance = [], None
    if asked.decision.result == "permit":
        hindrance = broker.hindered(asked)
    else:
        policy = await broker.policies.under(asked.decision.bundle)
        changes = await passing(policy.engine, asked.decision, json.loads(asked.document))
    recorded = await broker.log.submit(lambda _tx: question(asked))
    return Explanation(asked.decision, changes, hindrance), recorded


async def explain_entry(db: Database, active: Active, entry: str, record: dict[str, Any]) -> Explanation:
    """Why a recorded decision was made, under the bundle that made it; what would pass, under the active one.

    Raises:
        NotReplayable: it is no decision, or what it was made on is not kept.
    """
    decision, document = await made_again(db, active, entry, record)
    if decision.result == "permit":
        return Explanation(decision, [])
    same = decision.bundle == active.bundle.digest
    now = decision if same else await decide(active.engine, active.bundle.digest, document)
    return Explanation(decision, [] if now.result == "permit" else await passing(active.engine, now, document))


async def shown_to_committee(
    db: Database, active: Active, question: Question
) -> tuple[list[dict[str, Any]] | None, dict[str, Any] | None]:
    """What the rules said when they referred it, and on what; neither, when the input is not kept any more."""

    def entry() -> dict[str, Any] | None:
        with db.reading_tx() as tx:
            stored = reader.entry_by_id(tx, question.entry, seen_by=question.provider)
        return None if stored is None else stored.record()

    record = await asyncio.to_thread(entry)
    if record is None:
        return None, None
    try:
        decision, document = await made_again(db, active, question.entry, record)
    except NotReplayable:
        return None, None
    return [reason.model_dump(mode="json") for reason in decision.reasons], document


async def made_again(
    db: Database, active: Active, entry: str, record: dict[str, Any]
) -> tuple[Decision, dict[str, Any]]:
    """A recorded decision, made again under the bundle that made it, and the input it was made on.

    Raises:
        NotReplayable: it is no decision, or what it was made on is not kept.
    """
    if record["event"]["type"] != "access.decision" or (record["decision"] or {}).get("input_digest") is None:
        raise NotReplayable(
            "Only decisions on a request can be explained; this entry is none, or its input was not kept."
        )
    document, bundle = await asyncio.to_thread(_kept, db, entry, record)
    same = bundle.digest == active.bundle.digest
    then = active.engine if same else EmbeddedEngine(bundle)
    return await decide(then, bundle.digest, document), document


def _kept(db: Database, entry: str, record: dict[str, Any]) -> tuple[dict[str, Any], Bundle]:
    with db.reading_tx() as tx:
        row = tx.execute("SELECT salt, document FROM decision_input WHERE entry = ?", (entry,)).fetchone()
        bundle = kept_bundle(tx, record["decision"]["policy_bundle"], floor=False)
    if row is None or bundle is None:
        raise NotReplayable("The input or the rules of this decision are not kept any more.")
    if salted_digest(bytes(row[0]), bytes(row[1])) != record["decision"]["input_digest"]:
        raise NotReplayable("The kept input is not the one that was decided on; tell the operator.")
    document: dict[str, Any] = json.loads(bytes(row[1]))
    return document, bundle
