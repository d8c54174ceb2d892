"""Bundles as files that travel: an OPA bundle, packed, read back as strictly as it was written.

Nothing of an archive is written to disk or handed to an engine. `opened` judges the signature over every byte first.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.crypto.canonical import canonical_json, strict_json
from gateway.policy.bundle import MAX_BUNDLE_BYTES, MAX_FILES, OUR_DATA, Bundle, bundle_of
from gateway.policy.errors import BundleInvalid
from gateway.policy.signing import MANIFEST, MAX_SIGNATURES_BYTES, SIGNATURES, TrustedKey, sign_files, verify_files
from gateway.problems import Malformed, TooLarge

MAX_ARCHIVE_BYTES = 4 * 1024 * 1024
"""Of a packed bundle."""

_PATH = re.compile(r"(?:[a-z][a-z0-9_]*/)*(?:[a-z][a-z0-9_]*\.rego|data\.json|\.manifest|\.signatures\.json)")
_MANIFEST = frozenset({"revision", "roots", "rego_version", "metadata"})
_REVISION = re.compile(r"[\x20-\x7e]{0,128}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that somebody brought. `signed_by` names the key that signed it; None where that was not asked."""

    bundle: Bundle
    revision: str
    signed_by: str | None


def opened(archive: bytes, trusted: Iterable[TrustedKey] | None) -> Candidate:
    """The bundle in an archive; with `trusted`, one that such a key signed.

    Raises:
        BundleInvalid: it is no archive of plain files, is not signed, is not what was signed, or is no bundle.
        TooLarge: it is over a limit.
    """
    files = unpacked(archive)
    signer = None if trusted is None else verify_files(files, trusted).name
    manifest = _read_manifest(files.get(MANIFEST))
    rules, said = _source(files)
    packs = manifest.get("metadata", {}).get("packs")
    bundle = bundle_of(rules, None if packs is None else frozenset(packs))
    # An OPA server reads this and would answer by it; who made the archive computed it as we do, or made another one.
    if said is not None and said != bundle.data["bundle"]:
        raise BundleInvalid(
            f"The bundle says of itself what is not so: its files are {bundle.digest}. Build it with corridor policy "
            "build; to sign it with other tools, use opa sign, which leaves the files as they are."
        )
    return Candidate(bundle, manifest.get("revision", ""), signer)


def contents(bundle: Bundle, private_jwk: Mapping[str, Any] | None) -> dict[str, bytes]:
    """The files of a bundle's OPA bundle by path, tests and manifest too; signed, if there is a key to sign with."""
    manifest = {
        "revision": bundle.digest,
        "roots": ["access", "lib", "bundle"],
        "rego_version": 1,
        "metadata": {"packs": list(bundle.packs)},
    }
    files = {**bundle.files, **bundle.tests, OUR_DATA: orjson.dumps(bundle.data["bundle"])}
    files[MANIFEST] = orjson.dumps(manifest)
    if private_jwk is not None:
        files[SIGNATURES] = sign_files(files, private_jwk)
    return files


def packed(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files: the same bytes for the same files, whenever and by whomever."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(files[path]), 0o644
            tar.addfile(member, io.BytesIO(files[path]))
    return gzip.compress(raw.getvalue(), mtime=0)


def written(files: Mapping[str, bytes], directory: Path) -> None:
    """Write the files into a new or empty directory, as `opa run --server --bundle DIRECTORY` loads it.

    Raises:
        BundleInvalid: there is something in it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BundleInvalid("The directory for the bundle is not empty; name a new one.")
    # The manifest last: without one an unfinished directory has no revision.
    for path in sorted(files, key=lambda path: (path == MANIFEST, path)):
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])


def read_written(directory: Path) -> dict[str, bytes]:
    """The files of a written bundle, by path.

    Raises:
        BundleInvalid: something in it is no plain file of a bundle, or too large.
    """
    files: dict[str, bytes] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file() or not _PATH.fullmatch(name):
            raise BundleInvalid(f"{_shown(name)} is no file of a bundle.")
        if len(files) >= MAX_FILES or path.stat().st_size > MAX_SIGNATURES_BYTES:
            raise BundleInvalid(f"{name} is one file too many, or too large.")
        files[name] = path.read_bytes()
    return files


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files in an archive by path. Raises as `opened`."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(archive)), mode="r:") as tar:
            for member in tar:
                if member.isdir():
                    continue
                path = member.name.removeprefix("/")  # `opa build` writes them so
                if not member.isreg() or member.issparse():
                    raise BundleInvalid(f"{_shown(path)} is a link or no plain file.")
                if not _PATH.fullmatch(path):
                    raise BundleInvalid(f"{_shown(path)} is no file of a bundle.")
                if path in files or len(files) >= MAX_FILES:
                    raise BundleInvalid(f"{path} is in the archive twice, or one file too many.")
                content = tar.extractfile(member)
                files[path] = b"" if content is None else content.read()
                if len(files[path]) != member.size:
                    raise BundleInvalid(f"The archive breaks off in {path}.")
    except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError) as error:  # headers of headers nest
        raise BundleInvalid("The archive is damaged, or no tar archive.") from error
    return dict(sorted(files.items()))


def _inflated(archive: bytes) -> bytes:
    if len(archive) > MAX_ARCHIVE_BYTES:
        raise TooLarge(f"The bundle is over {MAX_ARCHIVE_BYTES} bytes.")
    # One member and nothing after it, and never more than the limit in memory, whatever was packed.
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(archive, MAX_BUNDLE_BYTES + 1)
    except zlib.error as error:
        raise BundleInvalid("The bundle is no gzip file, or a damaged one.") from error
    if len(plain) > MAX_BUNDLE_BYTES:
        raise TooLarge(f"The unpacked bundle is over {MAX_BUNDLE_BYTES} bytes.")
    if not stream.eof or stream.unused_data:
        raise BundleInvalid("The gzip file breaks off, or something follows it.")
    return plain


def _shown(path: str) -> str:
    return repr(path[:200])


def _read_manifest(content: bytes | None) -> dict[str, Any]:
    """What a manifest says, as far as it is understood; without one, nothing is said."""
    manifest = {} if content is None else _json(MANIFEST, content)
    if not isinstance(manifest, dict) or manifest.keys() - _MANIFEST or manifest.get("rego_version", 1) != 1:
        raise BundleInvalid(
            ".manifest holds what is not understood; it may have revision, roots, rego_version 1, metadata."
        )
    revision, metadata = manifest.get("revision", ""), manifest.get("metadata", {})
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision) or not isinstance(metadata, dict):
        raise BundleInvalid(".manifest: the revision must be plain text of at most 128 characters, metadata an object.")
    packs = metadata.get("packs", [])
    if not isinstance(packs, list) or not all(isinstance(pack, str) for pack in packs):
        raise BundleInvalid(".manifest: metadata.packs must list the packs that are on.")
    return manifest


def _source(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], Any]:
    """The files of the folder it was made from, and what the bundle says of itself in `data.bundle`, if anything.

    `opa build` merges all data into one file; here each table goes back to where it came from.
    """
    source = {path: content for path, content in files.items() if path not in {MANIFEST, SIGNATURES, "data.json"}}
    said = None if OUR_DATA not in source else _json(OUR_DATA, source.pop(OUR_DATA))
    if "data.json" not in files:
        return source, said
    merged = _json("data.json", files["data.json"])
    if isinstance(merged, dict) and "bundle" in merged:
        said = merged.pop("bundle")
    for path, table in _tables(merged, ""):
        if not _PATH.fullmatch(path):
            raise BundleInvalid(f"data.json: {_shown(path)} is no file of a bundle.")
        if path in source:
            raise BundleInvalid(f"{path} stands beside a data.json that holds it too.")
        source[path] = canonical_json({"table": table})
    return dict(sorted(source.items())), said


def _tables(node: Any, folder: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, dict):
        raise BundleInvalid(f"data.json: {folder or 'it'} holds data that is in no `table`.")
    for name, value in node.items():
        if name == "table":
            yield f"{folder}data.json", value
        else:
            yield from _tables(value, f"{folder}{name}/")


def _json(path: str, content: bytes) -> Any:
    try:
        return strict_json(content, max_bytes=MAX_SIGNATURES_BYTES)
    except (Malformed, TooLarge) as problem:
        raise BundleInvalid(f"{path}: {problem.detail}") from problem
