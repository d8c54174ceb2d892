"""The log as it grows: server-sent events (HTML Living Standard, 9.2), taken up again where they were cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from gateway.sdk.client import Client
from gateway.sdk.refusals import Unreachable

AGAIN_S = 2.0
"""Before a connection that was cut is made anew."""


def following(gateway: Client, after: int | None = None, **wanted: str | None) -> Iterator[dict[str, Any]]:
    """Entries as `GET /v1/audit/entries` gives them, oldest first, without end; none is missed or given twice.

    Args:
        after: begin behind the entry with this index; None begins with the next one that is made.
        wanted: the filters of that operation.

    Raises:
        Refused: the gateway does not show them (any more).
        Unreachable: it is not there at the beginning.
    """
    at, begun = after, False
    while True:
        try:
            with gateway.download("/v1/audit/stream", after=at, **wanted) as response:
                begun, name = True, ""
                for line in response.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        at = int(value)
                    elif field == "event":
                        name = value
                    elif field == "data" and name == "entry":
                        yield json.loads(value)
        except Unreachable:
            if not begun:
                raise
        # Cut, or its token ended: the next connection begins behind the last entry that came.
        time.sleep(AGAIN_S)
