"""The status list of this gateway, as it stands now."""

from __future__ import annotations

import threading
from typing import Final

from gateway.audit.state import standing
from gateway.clock import Clock
from gateway.contracts.lifecycle import House
from gateway.contracts.states import State
from gateway.contracts.status import Status, sign_list
from gateway.db import Database, Tx

FRESH_S: Final = 60
_SAID: Final = {State.REVOKED: Status.REVOKED, State.SUSPENDED: Status.SUSPENDED}


class Published:
    """The list of this gateway, made anew whenever something was revoked, and at least every minute."""

    def __init__(self, db: Database, house: House, clock: Clock) -> None:
        self._db, self._house, self._clock = db, house, clock
        self._lock = threading.Lock()
        self._made: tuple[int, int, str] | None = None

    def current(self) -> str:
        """The signed list, with everything that was committed before this was called, in any process. Blocks."""
        now = int(self._clock())
        with self._lock, self._db.reading_tx() as tx:
            epoch = standing(tx).epoch
            if self._made is None or self._made[0] != epoch or not 0 <= now - self._made[1] < FRESH_S:
                house = self._house
                token = sign_list(_fallen(tx), house.status_uri, house.public, house.jwk, now=now)
                self._made = epoch, now, token
            return self._made[2]


def _fallen(tx: Tx) -> list[tuple[int, Status]]:
    sql = "SELECT status_index, state FROM contract WHERE state IN (?, ?)"
    return [(place, _SAID[State(state)]) for place, state in tx.execute(sql, tuple(_SAID)).fetchall()]
