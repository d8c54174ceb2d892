"""The bytes of an answer as they come: taken up where the connection broke, now or when the program is run again.

To take up costs no use (`POST /v1/access` with `resume`): the gateway decides anew and sends what follows, once it
knows by their SHA-256 that the bytes that came are those it sent.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from http.client import SERVICE_UNAVAILABLE
from pathlib import Path
from typing import Any, BinaryIO, Final

from gateway.problems import Malformed, Problem
from gateway.sdk.client import Client
from gateway.sdk.files import put, to_go_on
from gateway.sdk.refusals import BrokenOff, Refused, Unreachable

WAITS_S: Final = (0.2, 1, 3, 6, 12, 20)
"""Before each attempt to take up; from the beginning again once more has come. A gateway misses a reader after 30 s."""
_PIECE: Final = 1 << 20


class Coming:
    """An answer under way. `entry` names the part that comes now; `size` and `sha256` are of all that came."""

    def __init__(self, client: Client, body: Mapping[str, Any]) -> None:
        self._client, self._body = client, dict(body)
        self._digest = hashlib.sha256()
        self.entry: str | None = None
        self.size = 0

    @property
    def sha256(self) -> str:
        """In hex."""
        return self._digest.hexdigest()

    def had(self, entry: str, part: BinaryIO) -> None:
        """Go on behind what an earlier run left in a file, which is read to its end."""
        self.entry = entry
        while piece := part.read(_PIECE):
            self._came(piece)

    def pieces(self) -> Generator[bytes, None, None]:
        """What follows, to the end.

        Raises:
            Refused: nothing is released, or nothing more of it. BrokenOff: it could not be taken up for about a minute.
        """
        waits = iter(WAITS_S)
        while True:
            begun = self.size
            try:
                with self._client.stream("/v1/access", self._request()) as response:
                    self.entry = str(response.headers["corridor-entry"])
                    for piece in response.iter_raw():
                        self._came(piece)
                        yield piece
                return
            except (Unreachable, Refused) as error:
                if self.entry is None or not _passing(error):
                    raise
                waits = waits if self.size == begun else iter(WAITS_S)
                if (wait := next(waits, None)) is None:
                    raise BrokenOff("It could not be taken up again.") from error
            time.sleep(wait)

    def _came(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)

    def _request(self) -> dict[str, Any]:
        if self.entry is None:
            return self._body
        return {**self._body, "resume": {"entry": self.entry, "bytes": self.size, "sha256": self.sha256}}


def into(
    path: Path,
    coming: Coming,
    body: Mapping[str, Any],
    told: Callable[[int], None],
    whole: Callable[[], None] = lambda: None,
) -> None:
    """Write what comes into a file, which has its name once it is whole.

    What breaks off stays beside it (`.part`, and `.part.json` says of what), and the next call goes on there. `told` of
    each piece's size; `whole` is called before the file has its name, and what it raises leaves none.

    Raises:
        Malformed: the file is there, or a part that is of another request. And what `Coming.pieces` raises.
    """
    part, note = path.with_name(path.name + ".part"), path.with_name(path.name + ".part.json")
    asked = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    if os.path.lexists(path):
        raise Malformed(f"{path} is there already; choose another name.")
    entry = _entry_of(note, asked, part) if os.path.lexists(part) else None
    file, noted = to_go_on(part), ""
    try:
        with file:
            if entry is not None:
                coming.had(entry, file)
                told(coming.size)
            for piece in coming.pieces():
                if noted != coming.entry:  # before the first byte of each part: a process may end without a word
                    noted = str(coming.entry)
                    put(note, json.dumps({"entry": noted, "asked": asked}).encode())
                file.write(piece)
                told(len(piece))
        whole()
    except BaseException as error:
        # Where the gateway says that nothing follows, or sent something else, what came is worth nothing.
        useless = isinstance(error, Problem) and not isinstance(error, Unreachable)
        if coming.entry is None or coming.size == 0 or useless:
            part.unlink(missing_ok=True)
            note.unlink(missing_ok=True)
        raise
    part.rename(path)
    note.unlink(missing_ok=True)


def _entry_of(note: Path, asked: str, part: Path) -> str:
    """The entry of the part that an earlier run left, if it asked for the same."""
    try:
        left = json.loads(note.read_bytes())
        entry, fits = str(left["entry"]), left["asked"] == asked
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise Malformed(
            f"{part} is there already, and is not the beginning of this. Move it away, or choose another name."
        )
    return entry


def _passing(error: Problem) -> bool:
    """Whether to ask again can help: not where the gateway says that nothing more follows."""
    return (
        not isinstance(error, Refused)
        or error.members.get("status") == SERVICE_UNAVAILABLE
        or error.code == "delivery-running"
    )
