"""What a delivery leaves for a while, so that one whose reader lost the connection is taken up where it broke off.

A delivery that is taken up is decided anew and recorded like any other, and takes no use: the same request, of the same
agent, over the same content of the source. It is made from its beginning; what came already is left out, once its
SHA-256 is what the reader says, so that the two parts are one answer. Rows that were counted are not counted again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from gateway.access import underway
from gateway.access.errors import DeliveryDiffers, DeliveryRunning, NothingToResume
from gateway.access.request import AccessRequest
from gateway.access.underway import Underway
from gateway.audit.deed import Deed
from gateway.audit.log import Outcome
from gateway.db import Tx

BROKEN_S, WHOLE_S = 24 * 3600, 600
"""So long after its end a delivery can be taken up: one that broke off, and one whose last bytes may have been lost."""
TIMES = 20
"""So often: each time the gateway makes it again from its beginning."""


class Resume(BaseModel):
    """What came of a delivery that broke off, to have the rest of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: str = Field(max_length=100, description="the delivery's entry, as its `Corridor-Entry` said")
    bytes: StrictInt = Field(ge=0, le=2**53 - 1, description="how many bytes came")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of these bytes, in hex")


class DeliveryRequest(AccessRequest):
    """A request for data, or for the rest of what one was answered with."""

    resume: Resume | None = Field(default=None, description="the same request, to be taken up; it takes no use")


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a delivery to take up. `rows_left`: to be reserved again; `content`: None where nobody knows."""

    entry: str
    asked: str | None
    content: str | None
    rows_cap: int | None
    rows_left: int
    counted: int
    times: int


def fingerprint(request: AccessRequest) -> str:
    """SHA-256 of what is asked for, in hex: the same for the same question."""
    return hashlib.sha256(request.model_dump_json(exclude={"resume"}).encode()).hexdigest()


def keep(tx: Tx, delivery: Underway, *, whole: bool, rows: int, rows_left: int, content: str | None, at: float) -> None:
    """Leave it to be taken up. `rows`: how many it has been counted for by now; `whole`: all of it was handed over."""
    sql = (
        "INSERT INTO resumable (entry, contract, agent, asked, content, rows_cap, rows_left, counted, times, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    kept = delivery.asked, content, delivery.rows_cap, rows_left, rows, delivery.times
    until = int(at) + (WHOLE_S if whole else BROKEN_S)
    tx.execute(sql, (delivery.entry, delivery.contract, delivery.agent, *kept, until))


def left_of(
    tx: Tx,
    resume: Resume,
    *,
    contract: str,
    agent: str,
    asked: str,
    content: str | None,
    row_cap: int | None,
    at: float,
) -> Left:
    """What is left of the delivery, for exactly who had it, and for the same question over the same content.

    Raises:
        NothingToResume, DeliveryRunning, DeliveryDiffers
    """
    sql = (
        "SELECT entry, asked, content, rows_cap, rows_left, counted, times FROM resumable"
        " WHERE entry = ? AND contract = ? AND agent = ? AND until > ?"
    )
    row = tx.execute(sql, (resume.entry, contract, agent, int(at))).fetchone()
    if row is None:
        still = underway.find(tx, resume.entry)
        if still is not None and (still.contract, still.agent) == (contract, agent):
            raise DeliveryRunning("Its end is not recorded yet. Ask again in a few seconds.")
        raise NothingToResume
    left = Left(*row)
    if left.times >= TIMES:
        raise NothingToResume(f"It was taken up {TIMES} times already. Ask anew, which takes a use.")
    if left.asked != asked:
        raise DeliveryDiffers("Another request was answered with it. Send the same one, or ask anew.")
    if left.content not in (None, content):
        raise DeliveryDiffers("The dataset's source has other content by now. Ask anew, which takes a use.")
    if row_cap is not None and (left.rows_cap is None or row_cap < left.rows_cap):
        raise DeliveryDiffers("Fewer rows are permitted by now. Ask anew, which takes a use.")
    return left


def taken_up(tx: Tx, left: Left) -> None:
    tx.execute("DELETE FROM resumable WHERE entry = ?", (left.entry,))


def forget(tx: Tx, deed: Deed) -> Outcome:
    """Let go of what is too old to be taken up. It takes nothing from anybody that an entry would have to tell."""
    return Outcome((), tx.execute("DELETE FROM resumable WHERE until <= ?", (int(deed.at),)).rowcount)
