"""The story of one access: on what ground, permitted or not, recorded, read narrowly, recorded again.

There is one door for refusals, so none goes unrecorded; and one for endings, so every grant gets one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from prometheus_client import Counter

from gateway.access.content import content_key, content_name
from gateway.access.delivery import NO_CAP, Delivery, open_delivery
from gateway.access.engines import Engines
from gateway.access.errors import (
    AccessDenied,
    AccessReferred,
    ActionNotOffered,
    Busy,
    ContractNotInForce,
    DeliveryDiffers,
    DeliveryRunning,
    GroundGone,
    NothingToResume,
    ReaderStalled,
)
from gateway.access.filters import parse_filter
from gateway.access.grants import Asked, Granted, grant, recover, refuse, take_up, turned_away
from gateway.access.ground import Grounds, shown_abroad, stated_purpose
from gateway.access.plan import DataRequest
from gateway.access.request import AccessRequest
from gateway.access.resuming import Resume
from gateway.access.running import Running
from gateway.access.slots import Slots
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Reason, Source
from gateway.audit.log import Change, Log, Outcome, Record
from gateway.clock import Clock
from gateway.identity.caller import AgentRole, Caller
from gateway.identity.enrolment import actor
from gateway.obligations.model import CountExport, parse
from gateway.policy.active import Policies
from gateway.policy.changes import passing
from gateway.policy.decide import decide
from gateway.policy.decision import Decision
from gateway.policy.errors import PolicyUnavailable
from gateway.problems import NotFound, Problem

ATTEMPTS = 4
REFUSED_ASKS = 40
"""Questions to the engine on what would pass, for one refusal. `POST /v1/policy/explain` asks more."""

DECISIONS = Counter("corridor_decisions_total", "Decisions by result.", ["result"])

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """How the data is reached: the connectors, and the engines that read from them."""

    open: Any
    pseudonym_root: bytes
    engines: Engines


class Broker:
    """Decides and delivers. One for a process; its methods run on the event loop."""

    def __init__(
        self,
        *,
        log: Log,
        policies: Policies,
        grounds: Grounds,
        sources: Sources,
        clock: Clock,
        node: Source,
        gateway: str,
        instance: str,
        deliveries: int,
        saw: Callable[[str, bytes, Decision], None],
        may_release: Callable[[], None],
    ) -> None:
        """`saw` is told of each decision that is recorded: its entry, its input, the answer. It never waits.

        `may_release` raises while nothing may leave, whatever the policy says: the log is in doubt.
        """
        self.log = log
        self.policies = policies
        self.grounds = grounds
        self.sources = sources
        self.clock = clock
        self.node = node
        self.gateway = gateway
        self.instance = instance
        self._saw = saw
        self._may_release = may_release
        self._slots = Slots(deliveries)
        self._endings: set[asyncio.Task[None]] = set()
        self._running: dict[str, Running] = {}

    async def access(
        self, caller: Caller, request: AccessRequest, *, resume: Resume | None = None, request_id: str | None = None
    ) -> Running:
        """Decide on a request and, when it is permitted, record the grant and hand back the delivery, ready to run.

        `resume`: of a delivery that broke off, to have the rest of it (`resuming`).

        Raises:
            NotFound, AccessDenied, AccessReferred, ContractExhausted: refused, and recorded.
            NothingToResume, DeliveryRunning, DeliveryDiffers: there is no rest of it; recorded too.
            Problem: malformed, or something needed is away; nothing was granted.
        """
        caller.need(AgentRole.RESEARCHER)
        purpose = stated_purpose(request)
        wanted = _data_request(request)
        self._may_release()
        await self._slots.take(caller.participant.id)
        try:
            return await self._granted(caller, request, purpose, wanted, resume, request_id)
        except BaseException:
            self.release(caller)
            raise

    async def decided(
        self, caller: Caller, request: AccessRequest, purpose: dict[str, Any], request_id: str | None
    ) -> Asked:
        """The request with the ground it stands on and the policy's answer. Nothing is recorded yet."""
        asked = await self.judged(caller, request, purpose, request_id)
        DECISIONS.labels(asked.decision.result).inc()
        return asked

    async def judged(
        self,
        caller: Caller,
        request: AccessRequest,
        purpose: dict[str, Any],
        request_id: str | None,
        *,
        anew: bool = False,
    ) -> Asked:
        """The same, of a request or of a question about one. `anew`: on what the database says now."""
        deed, ground = self.deed(caller, request_id), None
        if not anew:
            ground = self.grounds.remembered(request.contract, caller, self.log.standing, now=int(deed.at))
        if ground is None:
            ground = await asyncio.to_thread(self.grounds.read, request.contract, caller, now=int(deed.at))
        document = ground.document(caller, request, purpose=purpose, now=int(deed.at))
        policy = await self.policies.under(ground.standing.bundle)
        decision = policy.memory.recall(ground.standing.bundle, document) if policy.memory else None
        recalled = decision is not None
        if decision is None:
            decision = await decide(policy.engine, ground.standing.bundle, document)
            if policy.memory:
                policy.memory.keep(document, decision)
        return Asked(deed, request, ground, caller.location, document.data, decision, recalled)

    async def _granted(
        self,
        caller: Caller,
        request: AccessRequest,
        purpose: dict[str, Any],
        wanted: DataRequest,
        resume: Resume | None,
        request_id: str | None,
    ) -> Running:
        for _ in range(ATTEMPTS):
            try:
                asked = await self.decided(caller, request, purpose, request_id)
            except (NotFound, ContractNotInForce) as refusal:
                await self._turned_away(caller, refusal, request_id)
                raise
            if asked.decision.result != "permit":
                await self._refused(asked)
            try:
                delivery = self._prepared(asked, wanted)
            except Problem as refusal:
                # Permitted by the rules, and asking for what is not released: a refusal like any other.
                await self._turned_away(caller, refusal, request_id, asked)
                raise
            try:
                # The source is opened before anything is granted: one that is away costs nobody a use.
                await delivery.open()
                recorded = await self.log.submit(self._taking(asked, delivery, resume))
            except (NothingToResume, DeliveryRunning, DeliveryDiffers) as refusal:
                await delivery.aclose()
                if isinstance(refusal, DeliveryRunning) and resume is not None and resume.entry in self._running:
                    # Its reader has lost the connection, which the transport may be last to see.
                    self._running[resume.entry].broke_off(ReaderStalled("Its reader lost the connection."))
                await self._turned_away(caller, refusal, request_id, asked)
                raise
            except BaseException:
                await delivery.aclose()
                raise
            if isinstance(recorded.value, Granted):
                self._saw(recorded.ids[0], asked.document, asked.decision)
                running = Running(self, caller, asked, delivery, recorded, resume)
                self._running[running.entry] = running
                return running
            await delivery.aclose()
        raise Busy("What the decision stood on kept changing. Try again shortly.")

    def _taking(self, asked: Asked, delivery: Delivery, resume: Resume | None) -> Change:
        """What the log's transaction does to begin this delivery."""
        kept: dict[str, Any] = {"instance": self.instance, "row_cap": delivery.row_cap, "clock": self.clock}
        if resume is None:
            return partial(grant, asked=asked, **kept)
        return partial(take_up, asked=asked, resume=resume, content=self.content(asked, delivery), **kept)

    def content(self, asked: Asked, delivery: Delivery) -> str | None:
        """What the log calls the content that the delivery reads; None where its source was not opened."""
        digest, dataset = delivery.content_digest, asked.ground.dataset.id
        return content_name(content_key(self.sources.pseudonym_root, dataset), digest) if digest else None

    async def _refused(self, asked: Asked) -> None:
        decision = asked.decision
        kind = AccessReferred if decision.result == "refer" else AccessDenied
        reasons = [reason.model_dump(mode="json") for reason in decision.reasons]
        problem = kind(_summary(decision), reasons=reasons, limits=decision.limits.model_dump())
        try:
            await self.log.submit(lambda tx: refuse(tx, asked, problem, gateway=self.gateway))
        except (AccessDenied, AccessReferred) as told:
            self._saw(told.members["entry"], asked.document, decision)
            # It is recorded. What would pass is a help, which an engine that just went away must not turn into a 503.
            with contextlib.suppress(PolicyUnavailable):
                policy = await self.policies.under(decision.bundle)
                changes = await passing(policy.engine, decision, json.loads(asked.document), most=REFUSED_ASKS)
                told.members["would_pass"] = [[{"kind": c.kind, "text": c.text} for c in each] for each in changes]
            raise
        raise problem

    async def asked_in_vain(self, caller: Caller, refusal: Problem, request_id: str | None) -> None:
        """A question that no rule has to answer is recorded like any other."""
        reason = Reason(refusal.slug, refusal.title)
        event = self.deed(caller, request_id).event("policy.asked", "deny", reasons=(reason,))
        await self.log.submit(lambda _tx: Outcome((Record(event, (caller.participant.id,)),)))

    async def _turned_away(
        self, caller: Caller, refusal: Problem, request_id: str | None, asked: Asked | None = None
    ) -> None:
        """What no rule has to judge is recorded too: a contract of others, a filter on hidden values."""
        DECISIONS.labels("deny").inc()
        reason = Reason(refusal.slug, refusal.title)
        if asked is None:
            event = self.deed(caller, request_id).event("access.decision", "deny", reasons=(reason,))
            parties: tuple[str, ...] = (caller.participant.id,)
        else:
            event, parties = turned_away(asked, reason)
        recorded = await self.log.submit(lambda _tx: Outcome((Record(event, parties),)))
        if not isinstance(refusal, NotFound):  # a hidden contract must answer like none at all, byte for byte
            refusal.members.setdefault("entry", recorded.ids[0])

    async def still_permitted(self, caller: Caller, asked: Asked) -> Asked:
        """A running delivery, decided again: an approval ended, came or was withdrawn, or a party's facts changed.

        Raises:
            GroundGone: it is not permitted any more, or more is owed than what is being done to the data.
        """
        # What this process remembers may be from before another one withdrew or changed it.
        now = await asyncio.to_thread(self.grounds.caller, caller.agent)
        again = await self.judged(now, asked.request, stated_purpose(asked.request), asked.deed.request_id, anew=True)
        if again.decision.result != "permit" or again.decision.obligations != asked.decision.obligations:
            raise GroundGone("An approval or a fact of a party that the delivery stood on is not what it was.")
        return again

    def hindered(self, asked: Asked) -> Problem | None:
        """Why a request that the rules permit would not be carried out, by its plan. Opens nothing."""
        try:
            self._prepared(asked, _data_request(asked.request))
        except Problem as problem:
            return problem
        return None

    def _prepared(self, asked: Asked, wanted: DataRequest) -> Delivery:
        """The delivery as planned from everything that is owed: the contract's demands and the policy's."""
        contract, dataset = asked.ground.contract, asked.ground.dataset
        owed = parse([*contract.terms.obligations(), *asked.decision.obligations])
        row_cap, person_cap = NO_CAP, contract.terms.persons
        if any(isinstance(demand, CountExport) for demand in owed):
            # As many as are counted, and no more: what a dataset declares is not taken for what it holds.
            counted = shown_abroad(contract, dataset).persons
            if dataset.registration.view.person_column is not None:
                person_cap = counted
            elif asked.request.action == "read":
                row_cap = counted
        return open_delivery(
            self.sources.open(dataset.provider, dataset.registration.view.source),
            dataset.registration.view,
            wanted,
            owed,
            row_cap=row_cap,
            person_cap=person_cap,
            pseudonym_root=self.sources.pseudonym_root,
            contract_id=contract.id,
            engines=self.sources.engines,
        )

    def deed(self, caller: Caller, request_id: str | None) -> Deed:
        return Deed(actor(caller, self.gateway), self.node, self.clock(), request_id)

    def ending(self, running: Running) -> asyncio.Task[None]:
        """Finish a delivery in a task of its own, which nobody's cancellation reaches."""
        task = asyncio.get_running_loop().create_task(running.finish())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return task

    async def close(self) -> None:
        """Wait for the deliveries that are ending to be recorded."""
        await asyncio.gather(*self._endings, return_exceptions=True)

    def release(self, caller: Caller, entry: str | None = None) -> None:
        self._running.pop(entry or "", None)
        self._slots.give_back(caller.participant.id)

    def recover(self, *, dead: tuple[str, ...] | None) -> int:
        """At start: say of deliveries that a crash cut off that their end is unknown. Blocks; how many there were."""
        deed = Deed(Actor("gateway", self.gateway), self.node, self.clock())
        return int(self.log.record(lambda tx: recover(tx, deed, dead=dead)).value)


def _data_request(request: AccessRequest) -> DataRequest:
    if request.action not in ("read", "aggregate"):
        raise ActionNotOffered(
            f"This gateway delivers read and aggregate; {request.action} needs a compute environment."
        )
    return DataRequest(
        action="aggregate" if request.action == "aggregate" else "read",
        columns=request.columns,
        group_by=request.group_by,
        count=request.count,
        filter=None if request.filter is None else parse_filter(request.filter),
        format=request.format,
        limit=request.limit,
    )


def _summary(decision: Decision) -> str:
    texts = list(dict.fromkeys(reason.text for reason in decision.reasons))
    return " ".join(texts)
