"""Packed bundles, signed or not, and ones that are broken in one place."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gateway.crypto.private import generate, public_jwk
from gateway.policy.archive import contents, packed
from gateway.policy.bundle import Bundle, bundle_of, load_bundle, read_folder
from gateway.policy.signing import SIGNATURES, TrustedKey, sign_files, trusted_key
from tests.policy.engines import POLICIES


@cache
def key() -> dict[str, str]:
    """One key for all tests that need no other."""
    return dict(generate("ES256"))


def trusting(jwk: Mapping[str, Any] | None = None, name: str = "ours") -> list[TrustedKey]:
    return [trusted_key(name, json.dumps(public_jwk(jwk or key())).encode())]


def archive(bundle: Bundle, jwk: Mapping[str, Any] | None = None) -> bytes:
    return packed(contents(bundle, jwk))


def of_folder(folder: Path, jwk: Mapping[str, Any] | None = None, packs: frozenset[str] = frozenset()) -> bytes:
    return archive(load_bundle(folder, packs), jwk)


def signed(files: Mapping[str, bytes], jwk: Mapping[str, Any] | None = None) -> bytes:
    """These files with a signature over exactly them."""
    return packed({**files, SIGNATURES: sign_files(files, jwk or key())})


def changed(change: Callable[[dict[str, bytes]], None], jwk: Mapping[str, Any] | None = None) -> bytes:
    """The repository's bundle, changed before it is built and signed: as an operator with other rules would."""
    files = read_folder(POLICIES)
    change(files)
    return archive(bundle_of(files), jwk or key())


def with_members(files: Mapping[str, bytes], *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive of these files, and members that `packed` would not write."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue())
