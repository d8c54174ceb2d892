"""Private keys at rest: one JWK per file, for its owner's eyes only, sealed under a passphrase if one is given."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.crypto.canonical import b64url_decode, b64url_encode, canonical_json, strict_json
from gateway.crypto.errors import KeyFileRefused
from gateway.problems import Malformed, Problem

MAX_KEY_FILE = 16 * 1024
"""Bytes. An RSA key of 8192 bits in a sealed file needs less than 10 KiB."""

_FORM = "corridor-sealed-key/1"
# RFC 7914; 128 MiB of memory per guess. Fixed, so that a doctored file cannot ask for less or for all memory.
_SCRYPT = {"n": 2**17, "r": 8, "p": 1}


def save_private(path: Path, jwk: Mapping[str, Any], *, passphrase: str | None = None) -> None:
    """Write a private JWK to a new file that only its owner can read, durably; never over an existing file."""
    content = canonical_json(dict(jwk) if passphrase is None else _seal(jwk, passphrase))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise KeyFileRefused(f"{path.name} exists already; a key is never written over another") from error
    except OSError as error:
        raise KeyFileRefused(f"{path.name} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(path.parent)


def load_private(path: Path, *, passphrase: str | None = None) -> dict[str, Any]:
    """The private JWK in a file that only its owner can read.

    Raises KeyFileRefused: no such file, not a regular file, readable or writable by group or others, not a JWK,
    sealed and no passphrase given, or another passphrase.
    """
    value = _parse(_read_private_file(path), path.name)
    if value.get("form") == _FORM:
        if passphrase is None:
            raise KeyFileRefused(f"{path.name} is sealed; give its passphrase")
        value = _parse(_unseal(value, passphrase, path.name), path.name)
    if not isinstance(value.get("kty"), str):
        raise KeyFileRefused(f"{path.name} holds no JWK")
    return value


def _read_private_file(path: Path) -> bytes:
    try:
        # Non-blocking, so that a pipe in the key's place cannot hold the process up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileRefused(f"{path.name} cannot be opened: {error.strerror}") from error
    try:
        # Judged on the open file: what is at the path may change between two looks.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileRefused(f"{path.name} is not a regular file")
        if status.st_mode & 0o077:
            raise KeyFileRefused(f"{path.name} is open to group or others; run chmod 600 on it, or replace the key")
        return os.read(descriptor, MAX_KEY_FILE + 1)
    finally:
        os.close(descriptor)


def _parse(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = strict_json(data, max_bytes=MAX_KEY_FILE, max_depth=4)
    except Problem as error:
        raise KeyFileRefused(f"{name} is not a key file of at most {MAX_KEY_FILE} bytes of JSON") from error
    if not isinstance(value, dict):
        raise KeyFileRefused(f"{name} holds no JWK")
    return value


def _seal(jwk: Mapping[str, Any], passphrase: str) -> dict[str, str]:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    ciphertext = AESGCM(_derive(passphrase, salt)).encrypt(nonce, canonical_json(dict(jwk)), _FORM.encode())
    return {
        "form": _FORM,
        "salt": b64url_encode(salt),
        "nonce": b64url_encode(nonce),
        "ciphertext": b64url_encode(ciphertext),
    }


def _unseal(sealed: dict[str, Any], passphrase: str, name: str) -> bytes:
    if sealed.keys() != {"form", "salt", "nonce", "ciphertext"} or not all(isinstance(v, str) for v in sealed.values()):
        raise KeyFileRefused(f"{name} is not a sealed key file")
    try:
        salt, nonce, ciphertext = (b64url_decode(sealed[member], member) for member in ("salt", "nonce", "ciphertext"))
        return AESGCM(_derive(passphrase, salt)).decrypt(nonce, ciphertext, _FORM.encode())
    except (InvalidTag, ValueError, Malformed) as error:
        raise KeyFileRefused(f"{name} does not open: another passphrase, or the file was altered") from error


def _derive(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_SCRYPT).derive(passphrase.encode())


def _sync_directory(directory: Path) -> None:
    # Without it a crash may leave the file's bytes on disk under no name.
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
