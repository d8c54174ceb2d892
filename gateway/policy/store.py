"""Bundles at rest: each that was ever active is kept, for the decisions it made, with when it became so."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

from gateway.db import Tx
from gateway.ids import uuid7
from gateway.policy.bundle import MAX_BUNDLE_BYTES, Bundle, bundle_of
from gateway.policy.errors import BundleInvalid

FOLDER = "folder"
"""The origin of what was activated at a start, from the folder of policies."""
OPERATOR = "operator"
"""The origin of what an operator activated while the gateway ran."""


@dataclass(frozen=True, slots=True)
class Activation:
    """One time that a bundle became the active one."""

    digest: str
    origin: str
    revision: str
    signed_by: str | None
    activated_at: int


def keep_bundle(tx: Tx, bundle: Bundle, *, now: int) -> None:
    """Keep a bundle that becomes active; one that is kept already stays as it is."""
    tx.execute(_KEEP, (bundle.digest, content_of(bundle), now))


def kept_bundle(tx: Tx, digest: str, *, floor: bool = True) -> Bundle | None:
    """The bundle of this digest, if it was ever active here.

    Raises:
        BundleInvalid: what is kept does not have that digest.
    """
    row = tx.execute("SELECT content FROM policy_bundle WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else bundle_from(bytes(row[0]), digest, floor=floor)


def content_of(bundle: Bundle) -> bytes:
    """Everything of a bundle that decides, as it is kept."""
    files = {path: content.decode("utf-8") for path, content in bundle.files.items()}
    return zlib.compress(json.dumps({"packs": bundle.packs, "files": files}).encode("utf-8"))


def bundle_from(content: bytes, digest: str, *, floor: bool = True) -> Bundle:
    """The bundle in what `content_of` made.

    Raises:
        BundleInvalid: it does not have this digest.
    """
    unpacked = zlib.decompressobj().decompress(content, 4 * MAX_BUNDLE_BYTES)
    kept = json.loads(unpacked)
    files = {path: text.encode("utf-8") for path, text in kept["files"].items()}
    bundle = bundle_of(files, frozenset(kept["packs"]), floor=floor)
    if bundle.digest != digest:
        raise BundleInvalid(f"The bundle kept as {digest} is another one.")
    return bundle


def note_activation(tx: Tx, digest: str, origin: str, *, revision: str, signed_by: str | None, now: int) -> None:
    """That a bundle became the active one, for those who list them and for the next start."""
    tx.execute(_NOTE, (uuid7(), digest, origin, revision, signed_by, now))


def activations(tx: Tx, *, most: int) -> list[Activation]:
    """The newest first."""
    return [Activation(*row) for row in tx.execute(_ACTIVATIONS, (most,)).fetchall()]


def last_from_folder(tx: Tx) -> str | None:
    """The digest of what a start activated last from the folder of policies."""
    sql = "SELECT digest FROM policy_activation WHERE origin = ? ORDER BY id DESC LIMIT 1"
    row = tx.execute(sql, (FOLDER,)).fetchone()
    return None if row is None else str(row[0])


_KEEP = "INSERT INTO policy_bundle (digest, content, activated_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING"
_NOTE = (
    "INSERT INTO policy_activation (id, digest, origin, revision, signed_by, activated_at) VALUES (?, ?, ?, ?, ?, ?)"
)
_ACTIVATIONS = (
    "SELECT digest, origin, revision, signed_by, activated_at FROM policy_activation ORDER BY id DESC LIMIT ?"
)
