"""From a token to its caller, verified once and remembered until the epoch moves.

A token is remembered by its SHA-256, never by itself. Enrolment is read again whenever anything was revoked or
suspended (the epoch), and at least every few seconds, so that another process's suspension is seen; what must not be
late, the grant, is checked again at its commit.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass

from gateway.audit.state import standing
from gateway.clock import Clock
from gateway.db import Database
from gateway.identity import enrolment
from gateway.identity.caller import Caller
from gateway.identity.errors import NotAuthenticated
from gateway.identity.tokens import TokenSigner

REMEMBERED = 4096
FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    epoch: int
    read_at: float


class Directory:
    """Who the bearer of a token is, as of now."""

    def __init__(self, db: Database, tokens: TokenSigner, clock: Clock) -> None:
        self._db = db
        self._tokens = tokens
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def remembered(self, token: str, epoch: int) -> Caller | None:
        """The caller, if this very token was verified lately and nothing was revoked since. Costs a hash."""
        known = self._known.get(hashlib.sha256(token.encode()).digest())
        if known is None or known.epoch != epoch or time.monotonic() - known.read_at > FRESH_S:
            return None
        if self._clock() >= known.caller.expires_at:
            raise NotAuthenticated("The access token has expired. Ask for a new one.")
        return known.caller

    def verify(self, token: str) -> Caller:
        """The caller, from the token's signature and from enrolment. Blocks.

        Raises:
            NotAuthenticated: no token of ours, or its agent or participant is not active.
        """
        claims = self._tokens.read(token, now=self._clock())
        with self._db.reading_tx() as tx:
            epoch = standing(tx).epoch
            with tx.session() as session:
                caller = enrolment.caller(session, claims["sub"], token_id=claims["jti"], expires_at=claims["exp"])
        if caller is None:
            raise NotAuthenticated("The agent or its participant is not active.")
        digest = hashlib.sha256(token.encode()).digest()
        self._known[digest] = _Known(caller, epoch, time.monotonic())
        self._known.move_to_end(digest)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return caller
