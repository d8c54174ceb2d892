"""Somebody at work through a face: who it is, what its events need, and the entry that each look at the log leaves."""

from __future__ import annotations

from typing import Any

from gateway.audit.deed import Deed
from gateway.audit.log import Change, Outcome, Record, Recorded
from gateway.audit.reader import Filter
from gateway.identity.caller import Caller
from gateway.identity.enrolment import actor
from gateway.runtime import Runtime


class Acting:
    """The caller with what its events need: `record` carries out a change in the log's transaction."""

    def __init__(self, caller: Caller, gateway: Runtime, request_id: str | None) -> None:
        self.caller = caller
        self._gateway = gateway
        self._request_id = request_id

    def deed(self) -> Deed:
        gateway = self._gateway
        return Deed(actor(self.caller, gateway.home.did), gateway.node, gateway.clock(), self._request_id)

    def record(self, change: Change) -> Recorded:
        return self._gateway.log.record(change)

    def look(self, kind: str, filter: Filter, found: int | None) -> None:
        """The officer's own look, with what was looked for.

        Tokens only: what is not one is left out, and said to be.
        """
        facts: dict[str, Any] = {f"filter_{name}": value for name, value in filter.given().items()}
        if found is not None:
            facts["found"] = found
        deed = self.deed()
        try:
            event = deed.event(kind, facts=facts)
        except ValueError:
            event = deed.event(kind, facts={"filter": "not-a-code"})
        self.record(lambda _tx: Outcome((Record(event, (self.caller.participant.id,)),)))
