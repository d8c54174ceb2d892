"""A private key lies where only its owner reads it, or nowhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gateway.crypto.errors import KeyFileRefused
from gateway.crypto.keyfile import MAX_KEY_FILE, load_private, save_private
from gateway.crypto.private import ed25519_from_seed, generate, generate_root

JWK = ed25519_from_seed(b"\x21" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "key.jwk"


def test_a_key_comes_back_as_it_went(path: Path) -> None:
    save_private(path, JWK)
    assert load_private(path) == JWK


@pytest.mark.parametrize("jwk", [generate("PS256"), generate_root()], ids=["rsa", "root"])
def test_every_kind_of_secret_fits(path: Path, jwk: dict[str, str]) -> None:
    save_private(path, jwk, passphrase="a long passphrase")
    assert load_private(path, passphrase="a long passphrase") == jwk


def test_a_key_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        save_private(path, JWK)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_written_over_another(path: Path) -> None:
    save_private(path, JWK)
    with pytest.raises(KeyFileRefused, match="exists"):
        save_private(path, generate("ES256"))
    assert load_private(path) == JWK


def test_a_key_is_not_written_through_a_link(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileRefused):
        save_private(path, JWK)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o666])
def test_a_key_that_others_can_reach_is_refused(path: Path, mode: int) -> None:
    save_private(path, JWK)
    path.chmod(mode)
    with pytest.raises(KeyFileRefused, match="chmod 600"):
        load_private(path)


def test_a_key_is_not_read_through_a_link(path: Path, tmp_path: Path) -> None:
    save_private(tmp_path / "real", JWK)
    path.symlink_to(tmp_path / "real")
    with pytest.raises(KeyFileRefused):
        load_private(path)


def test_a_pipe_or_directory_is_no_key_file(path: Path, tmp_path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(KeyFileRefused, match="regular"):
        load_private(path)
    with pytest.raises(KeyFileRefused):
        load_private(tmp_path)


def test_a_missing_file_is_a_clear_error(path: Path) -> None:
    with pytest.raises(KeyFileRefused, match="cannot be opened"):
        load_private(path)


def test_a_missing_directory_is_a_clear_error(path: Path) -> None:
    with pytest.raises(KeyFileRefused, match="cannot be written"):
        save_private(path / "deeper", JWK)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"-----BEGIN PRIVATE KEY-----", b'{"kty":1}', b" " * (MAX_KEY_FILE + 1)]
)
def test_another_kind_of_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused):
        load_private(path)


def test_a_sealed_key_shows_nothing_and_opens_with_its_passphrase_only(path: Path) -> None:
    save_private(path, JWK, passphrase="right")
    assert JWK["d"].encode() not in path.read_bytes()
    assert load_private(path, passphrase="right") == JWK
    with pytest.raises(KeyFileRefused, match="give its passphrase"):
        load_private(path)
    with pytest.raises(KeyFileRefused, match="does not open"):
        load_private(path, passphrase="wrong")


@pytest.mark.parametrize("member", ["salt", "nonce", "ciphertext"])
def test_an_altered_sealed_key_does_not_open(path: Path, member: str) -> None:
    save_private(path, JWK, passphrase="right")
    content = path.read_bytes()
    at = content.index(f'"{member}":"'.encode()) + len(member) + 4
    path.write_bytes(content[:at] + (b"A" if content[at : at + 1] != b"A" else b"B") + content[at + 1 :])
    with pytest.raises(KeyFileRefused):
        load_private(path, passphrase="right")


@pytest.mark.parametrize("nonce", ["AA", "=", None])
def test_a_sealed_key_of_another_form_is_refused(path: Path, nonce: object) -> None:
    save_private(path, JWK, passphrase="right")
    value = json.loads(path.read_bytes())
    path.write_text(json.dumps({**value, "nonce": nonce}))
    with pytest.raises(KeyFileRefused):
        load_private(path, passphrase="right")
