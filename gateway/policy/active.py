"""Which rules decide in this process: those that are active in the database, also when another process made them so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.policy.bundle import Bundle
from gateway.policy.engine import Engine
from gateway.policy.errors import PolicyUnavailable
from gateway.policy.memory import DecisionMemory

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Active:
    """A bundle, the engine that holds it, and the permits it gave that may still hold."""

    bundle: Bundle
    engine: Engine
    memory: DecisionMemory | None


class Policies:
    """The rules of one process; used on the event loop.

    Args:
        first: what the process begins with.
        make_engine: an engine for a bundle.
        remember: whether permits may be recalled (in process only; see `memory`).
        kept: reads a bundle that was active from the database; blocks.
    """

    def __init__(
        self,
        first: Bundle,
        *,
        make_engine: Callable[[Bundle], Engine],
        remember: bool,
        kept: Callable[[str], Bundle | None],
    ) -> None:
        self._make_engine = make_engine
        self._remember = remember
        self._kept = kept
        self._changing = asyncio.Lock()
        self.current = self._active(first)

    async def under(self, digest: str) -> Active:
        """The rules with this digest, which stands in the database. They are the current ones from now on.

        Raises:
            PolicyUnavailable: they are not kept there, so nothing can be decided under them.
        """
        if self.current.bundle.digest != digest:
            async with self._changing:
                if self.current.bundle.digest != digest:
                    await self._change(digest)
        return self.current

    async def close(self) -> None:
        await self.current.engine.close()

    async def _change(self, digest: str) -> None:
        bundle = await asyncio.to_thread(self._kept, digest)
        if bundle is None:
            raise PolicyUnavailable("Other rules were activated, and they cannot be read; nothing was released.")
        before, self.current = self.current, self._active(bundle)
        await before.engine.close()
        logger.info("policy.changed", before=before.bundle.digest, now=digest)

    def _active(self, bundle: Bundle) -> Active:
        memory = DecisionMemory(bundle.ages) if self._remember and bundle.compares_clock else None
        return Active(bundle, self._make_engine(bundle), memory)
