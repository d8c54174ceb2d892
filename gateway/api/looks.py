"""Who may see which entries, and the entry that every look at the log leaves."""

from __future__ import annotations

from typing import Any

from gateway.api.deps import Acting
from gateway.audit.log import Outcome, Record
from gateway.audit.reader import Filter
from gateway.identity.caller import Caller


def seen_by(caller: Caller) -> str | None:
    """Whose entries the caller sees: None for the operator's officer, who sees all."""
    return None if caller.oversees else caller.participant.id


def look(actor: Acting, kind: str, filter: Filter, found: int | None) -> None:
    """The officer's own look, with what was looked for. Tokens only: what is not one is left out, and said to be."""
    facts: dict[str, Any] = {f"filter_{name}": value for name, value in filter.given().items()}
    if found is not None:
        facts["found"] = found
    deed = actor.deed()
    try:
        event = deed.event(kind, facts=facts)
    except ValueError:
        event = deed.event(kind, facts={"filter": "not-a-code"})
    actor.record(lambda _tx: Outcome((Record(event, (actor.caller.participant.id,)),)))
