"""Whether the gateway can do its work: each part is tried, not remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from gateway.audit.log import Outcome
from gateway.policy.errors import PolicyUnavailable
from gateway.problems import Problem
from gateway.runtime import Runtime

GOOD: Final = ("ready", "behind")
"""Behind is said; not to be ready because of it is for the operator to demand."""


async def parts(gateway: Runtime) -> dict[str, str]:
    """Log, database, policy engine, and the witnesses where there are any: "ready", "behind", or what is wrong."""
    tried: dict[str, Coroutine[Any, Any, str | None]] = {
        "log": _log_writes(gateway),
        "database": _database_reads(gateway),
        "policy": _policy_answers(gateway),
    }
    if gateway.collector.policy.quorum is not None or gateway.collector.set_back is not None:
        tried["witnesses"] = _witnesses_follow(gateway)
    return dict(zip(tried, await asyncio.gather(*map(_tried, tried.values())), strict=True))


async def _tried(attempt: Any) -> str:
    try:
        said: str | None = await asyncio.wait_for(attempt, 3)
    except TimeoutError:
        return "no answer"
    except Problem as problem:
        return problem.slug
    return said or "ready"


async def _log_writes(gateway: Runtime) -> None:
    # A transaction without events: it reaches the disk's lock and the head, and leaves nothing behind.
    await gateway.log.submit(lambda _tx: Outcome(()))


async def _database_reads(gateway: Runtime) -> None:
    # By one of the connections that all reads share: the log writes by another.
    def read() -> None:
        with gateway.db.reading_tx() as tx:
            tx.execute("SELECT 1").fetchone()

    await asyncio.to_thread(read)


async def _policy_answers(gateway: Runtime) -> None:
    policy = await gateway.policies.under(gateway.log.standing.bundle)
    answer = await policy.engine.evaluate(b"{}")
    if policy.bundle.digest.encode() not in answer:
        raise PolicyUnavailable("The policy engine holds another bundle than the active one.")


async def _witnesses_follow(gateway: Runtime) -> str:
    collector = gateway.collector
    collector.check(required=gateway.settings.witnesses_required)
    return "ready" if collector.behind_since is None else "behind"
