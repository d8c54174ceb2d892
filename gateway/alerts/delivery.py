"""Messages on their way: written into the outbox with what found them, sent from there until the receiver has them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import orjson

from gateway.alerts.address import Allowed, Target, resolve
from gateway.alerts.errors import AddressRefused
from gateway.clock import instant
from gateway.crypto import webhook
from gateway.db import Tx
from gateway.ids import uuid7

TIMEOUT_S: Final = 10.0
MAX_ANSWER: Final = 4096
LEASE_S: Final = 60
"""For how long whoever has taken a message may try; then another process may."""
RETRIES_S: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long after each attempt the next one is made, as Standard Webhooks suggests: three days in all."""
AT_A_TIME: Final = 32
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Due:
    """A message that somebody must send now: `attempts` with the one that is about to be made."""

    id: str
    subscription: str
    address: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an attempt: `said` is a word or two for the subscriber, nothing of the receiver's own words."""

    taken: bool
    said: str
    gone: bool = False


def write(tx: Tx, subscription: str, kind: str, matter: str, facts: Mapping[str, Any], *, now: int, news: bool) -> bool:
    """Put a message into the outbox; False when the subscription was told of this matter before."""
    id = f"msg_{uuid7()}"
    body = orjson.dumps({"type": kind, "timestamp": instant(now), "data": dict(facts)}).decode() if news else ""
    state = "due" if news else "known"
    sql = (
        "INSERT INTO alert_message (id, subscription, kind, matter, body, state, attempts, due_at, made_at, said)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, '') ON CONFLICT (subscription, kind, matter) DO NOTHING"
    )
    return tx.execute(sql, (id, subscription, kind, matter, body, state, now, now)).rowcount == 1


def due(tx: Tx, now: int) -> list[Due]:
    """Messages whose time has come, of each subscription its oldest: one that is slow hides nobody's."""
    sql = (
        "SELECT m.id, m.subscription, s.address, m.body, m.attempts FROM alert_message m"
        " JOIN alert_subscription s ON s.id = m.subscription"
        " WHERE m.state = 'due' AND m.due_at <= ? AND s.state = 'active' AND NOT EXISTS ("
        "SELECT 1 FROM alert_message o WHERE o.subscription = m.subscription AND o.state = 'due' AND o.due_at <= ?"
        " AND (o.due_at < m.due_at OR (o.due_at = m.due_at AND o.id < m.id))) ORDER BY m.due_at LIMIT ?"
    )
    found = tx.execute(sql, (now, now, AT_A_TIME)).fetchall()
    return [Due(row[0], row[1], row[2], row[3], row[4] + 1) for row in found]


def take(tx: Tx, message: Due, now: int) -> bool:
    """Whether it is ours to send for the next LEASE_S: of several processes one gets it."""
    sql = (
        "UPDATE alert_message SET attempts = ?, due_at = ?"
        " WHERE id = ? AND state = 'due' AND attempts = ? AND due_at <= ?"
    )
    values = (message.attempts, now + LEASE_S, message.id, message.attempts - 1, now)
    return tx.execute(sql, values).rowcount == 1


def settle(tx: Tx, message: Due, answered: Answered, now: int) -> bool:
    """Write down what came of it; False when that was the last attempt, or the receiver wants no more."""
    over = answered.gone or (not answered.taken and message.attempts > len(RETRIES_S))
    state = "sent" if answered.taken else "given_up" if over else "due"
    later = now if answered.taken or over else now + RETRIES_S[message.attempts - 1]
    sql = "UPDATE alert_message SET state = ?, due_at = ?, said = ? WHERE id = ? AND attempts = ?"
    tx.execute(sql, (state, later, answered.said, message.id, message.attempts))
    return not over


def post(
    tls: ssl.SSLContext, message: Due, keys: Sequence[Mapping[str, Any]], allowed: Allowed, *, now: int
) -> Answered:
    """One attempt. Blocks, for at most about TIMEOUT_S. The address is judged anew: names move."""
    try:
        target = resolve(message.address, allowed)
    except AddressRefused as refusal:
        return Answered(False, refusal.detail)
    body = message.body.encode()
    headers = webhook.sign(keys, id=message.id, at=now, body=body)
    headers |= {"host": target.host, "content-type": "application/json", "accept-encoding": "identity"}
    try:
        status = asyncio.run(_posted(tls, target, body, headers))
    except TimeoutError:
        return Answered(False, f"no whole answer within {TIMEOUT_S:g} s")
    except httpx2.HTTPError as error:
        return Answered(False, type(error).__name__)
    return Answered(200 <= status < 300, f"HTTP {status}", gone=status == GONE)


async def _posted(tls: ssl.SSLContext, target: Target, body: bytes, headers: dict[str, str]) -> int:
    """The answer's status. An answer that trickles in, its head even, ends when its time is over."""
    # Proxies of the environment would connect for us, to addresses that nobody judged.
    async with asyncio.timeout(TIMEOUT_S), httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=tls) as http:
        # What was judged is what is connected to; the certificate is still that of the name.
        asked = http.stream(
            "POST",
            target.url,
            content=body,
            headers=headers,
            extensions={"sni_hostname": target.name},
            follow_redirects=False,
        )
        async with asked as response:
            taken = 0
            async for piece in response.aiter_raw():
                taken += len(piece)
                if taken > MAX_ANSWER:
                    break  # whatever else it says is not read
            return response.status_code
