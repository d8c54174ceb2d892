"""Bundles at rest: each that was ever active is kept, for the decisions it made."""

from __future__ import annotations

import json
import zlib

from gateway.db import Tx
from gateway.policy.bundle import MAX_BUNDLE_BYTES, Bundle, bundle_of
from gateway.policy.errors import BundleInvalid


def keep_bundle(tx: Tx, bundle: Bundle, *, now: int) -> None:
    """Keep a bundle that becomes active; one that is kept already stays as it is."""
    files = {path: content.decode("utf-8") for path, content in bundle.files.items()}
    content = zlib.compress(json.dumps({"packs": bundle.packs, "files": files}).encode("utf-8"))
    tx.execute(_KEEP, (bundle.digest, content, now))


def kept_bundle(tx: Tx, digest: str) -> Bundle | None:
    """The bundle of this digest, if it was ever active here.

    Raises:
        BundleInvalid: what is kept does not have that digest.
    """
    row = tx.execute("SELECT content FROM policy_bundle WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    unpacked = zlib.decompressobj().decompress(bytes(row[0]), 4 * MAX_BUNDLE_BYTES)
    kept = json.loads(unpacked)
    files = {path: text.encode("utf-8") for path, text in kept["files"].items()}
    bundle = bundle_of(files, frozenset(kept["packs"]))
    if bundle.digest != digest:
        raise BundleInvalid(f"The bundle kept as {digest} is another one.")
    return bundle


_KEEP = "INSERT INTO policy_bundle (digest, content, activated_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING"
