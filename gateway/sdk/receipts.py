"""Receipts: kept in a folder, each verified before it is, by a log key that is remembered from the first time on."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from gateway.audit.note import parse_vkey, parse_vkeys
from gateway.audit.receipt import VerifiedEntry, verify_receipt
from gateway.sdk.client import Client
from gateway.sdk.files import put
from gateway.sdk.refusals import LogKeyChanged, NotAsSent

KEY_FILE: Final = "log.vkey"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an entry is in the log. `path` is where it is kept; whoever has it and the log's key can check it."""

    entry: str
    verified: VerifiedEntry
    path: Path

    @property
    def index(self) -> int:
        """Where the entry stands in the log."""
        return self.verified.index

    @property
    def record(self) -> dict[str, Any]:
        """What the entry says."""
        return self.verified.record

    def __str__(self) -> str:
        event = self.record["event"]
        return f"entry {self.index} ({event['type']}, {event['outcome']}), proved by {self.path}"

    def _repr_html_(self) -> str:
        return f"<p>✓ {escape(str(self))}</p>"


class Receipts:
    """A folder of them for one gateway. `vkey`: the log's key if it is known from elsewhere, which is better."""

    def __init__(self, client: Client, folder: Path, *, vkey: str | None = None) -> None:
        self._client, self.folder, self._vkey = client, folder, vkey

    def of(self, entry: str) -> Receipt:
        """The receipt of an entry that we are a party to.

        Raises:
            LogKeyChanged, Refused. What `verify_receipt` raises: it does not prove the entry.
        """
        return self._kept(entry, f"/v1/receipts/{entry}", id=entry)

    def of_end(self, grant: str) -> Receipt:
        """The receipt of the entry that says how the delivery of a grant ended."""
        return self._kept(f"{grant}-end", f"/v1/receipts/{grant}/end", prior=grant)

    @property
    def vkey(self) -> str:
        """The key that signs the log, as remembered; of a log that has had several, those that are, a line each.

        Raises:
            LogKeyChanged: the gateway names another one now.
        """
        answer = self._client.get("/v1/audit/key")
        said = str(answer["vkey"])
        parse_vkey(said)
        file = self.folder / KEY_FILE
        if self._vkey is None and file.exists():
            self._vkey = file.read_text(encoding="utf-8").strip()
        if self._vkey is None:
            self._vkey = said
            self._write(file, said.encode() + b"\n")
        # While one key replaces another both sign, and the one that is remembered is enough.
        if not {said, *answer.get("former", ())} & set(self._vkey.split()):
            raise LogKeyChanged(
                f"The gateway names {said}; {file} holds {self._vkey}. Ask the operator, by another way than this"
                " gateway, before you believe either; a key that replaced it goes into the file as another line."
            )
        return self._vkey

    def _kept(self, name: str, address: str, **expected: str) -> Receipt:
        path = self.folder / f"{name}.json"
        data = path.read_bytes() if path.exists() else self._client.raw(address)
        verified = verify_receipt(data, parse_vkeys(self.vkey))
        found = {"id": verified.record["id"], "prior": verified.record["prior"]}
        if any(found[member] != value for member, value in expected.items()):
            raise NotAsSent("The receipt is of another entry than the one that was asked for.")
        if not path.exists():
            self._write(path, data)
        return Receipt(str(found["id"]), verified, path)

    def _write(self, path: Path, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(path, data)
