"""Who does something, when, and through which node: what every event of one request has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.audit.event import Actor, AuditEvent, Request, Source


@dataclass(frozen=True, slots=True)
class Deed:
    """The frame of one request's events. `at`: seconds, UTC; `request_id` leads to the gateway's own log."""

    actor: Actor
    source: Source
    at: float
    request_id: str | None = None

    def event(self, type: str, outcome: str = "success", **groups: Any) -> AuditEvent:
        """An event of this deed. `groups`: the other members of AuditEvent."""
        if "request" not in groups and self.request_id is not None:
            groups["request"] = Request(request_id=self.request_id)
        return AuditEvent(type, self.at, outcome, self.actor, self.source, **groups)
