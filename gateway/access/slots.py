"""How many deliveries run at a time, and how many of them for one participant."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from gateway.access.errors import Busy

WAIT_S = 5.0


class Slots:
    """`count` places, at most half of them one participant's, so that nobody alone can keep the others out."""

    def __init__(self, count: int) -> None:
        share = max(1, count // 2)
        self._all = asyncio.Semaphore(count)
        self._shares: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(share))

    async def take(self, participant: str) -> None:
        """Wait for a place, for WAIT_S at most.

        Raises:
            Busy: none came free, of this participant's or of all.
        """
        share, detail = self._shares[participant], "Your organisation has as many deliveries running as it may."
        try:
            async with asyncio.timeout(WAIT_S):
                await share.acquire()
                detail = "Too many deliveries are running."
                try:
                    await self._all.acquire()
                except BaseException:
                    share.release()
                    raise
        except TimeoutError:
            raise Busy(f"{detail} Try again shortly.") from None

    def give_back(self, participant: str) -> None:
        self._all.release()
        self._shares[participant].release()
