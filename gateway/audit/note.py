"""Signed notes: a text and signatures under it (C2SP signed-note v1.0.0, tlog-cosignature v1.0.1).

    <text, one or more lines>
    <empty line>
    — <key name> <base64 of key id and signature>

One parser, which takes exactly what the one formatter writes. Two kinds of keys: Ed25519 over the text (0x01), and
Ed25519 over the text with a time in front, by which a witness cosigns a checkpoint (0x04).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.audit.errors import NoteMalformed, SignatureUnverified
from gateway.crypto.errors import KeyRefused
from gateway.crypto.keys import check_ed25519_public

MAX_NOTE_BYTES: Final = 64 * 1024
MAX_SIGNATURES: Final = 64
MAX_NAME: Final = 255
MAX_TIMESTAMP: Final = 2**63 - 1

_KEY_ID_BYTES: Final = 4
_ED25519_BYTES: Final = 64
_SIGNATURE_LINE = re.compile("\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_DECIMAL = re.compile("0|[1-9][0-9]{0,19}")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")


class KeyType(IntEnum):
    """The signature types we make and verify; lines of other types are carried and not counted."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name. Only `parse_vkey` and a signer make one, so it is screened."""

    name: str
    type: KeyType
    raw: bytes
    key: Ed25519PublicKey = field(compare=False, repr=False)

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.raw).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode_base64(bytes([self.type]) + self.raw)}"


Keys = VerifierKey | Sequence[VerifierKey]
"""Whose signature counts: one key, or any of those that one log has had."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note. `payload` is what follows the four bytes of the key id."""

    name: str
    key_id: bytes
    payload: bytes

    def line(self) -> str:
        return f"\u2014 {self.name} {encode_base64(self.key_id + self.payload)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and the signatures under it, verified or not."""

    text: str
    signatures: tuple[Signature, ...]

    def format(self) -> str:
        return f"{self.text}\n{''.join(s.line() for s in self.signatures)}"


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that covers its note; `timestamp` (seconds, UTC) only when it is a cosignature."""

    key: VerifierKey
    timestamp: int | None


class NoteSigner:
    """Signs notes with an Ed25519 key under a name: a log (0x01), or a witness (0x04).

    `beside`: signers of the same log whose lines stand below its own, while one key replaces another.
    """

    def __init__(
        self,
        name: str,
        key: Ed25519PrivateKey,
        type: KeyType = KeyType.ED25519,
        *,
        beside: Sequence[NoteSigner] = (),
    ) -> None:
        self.name = check_name(name)
        if any(other.name != name for other in beside):
            raise ValueError("the keys of one log have one name")
        self._key = key
        self._beside = tuple(beside)
        self.verifier = VerifierKey(name, type, key.public_key().public_bytes_raw(), key.public_key())
        self._id = self.verifier.id

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The keys that sign every note, its own first."""
        return (self.verifier, *(other.verifier for other in self._beside))

    def joined_by(self, other: NoteSigner) -> NoteSigner:
        """The same signer, with the other's line beside its own."""
        return NoteSigner(self.name, self._key, self.verifier.type, beside=(*self._beside, other))

    def sign(self, text: str) -> str:
        """The note of `text` with this key's signature, as it is stored and sent."""
        return Note(text, tuple(signer._line(text) for signer in (self, *self._beside))).format()

    def _line(self, text: str) -> Signature:
        if self.verifier.type is not KeyType.ED25519:
            raise ValueError("a witness's key signs only together with a time")
        return Signature(self.name, self._id, self._key.sign(_check_text(text).encode()))

    def cosign(self, note: Note, timestamp: int) -> Note:
        """The note with a witness's line added. Whoever calls has checked that the tree only grew."""
        if self.verifier.type is not KeyType.COSIGNATURE:
            raise ValueError("a log's key does not cosign")
        if not 0 <= timestamp <= MAX_TIMESTAMP:
            raise ValueError("a cosignature's time is 0 to 2**63 - 1 seconds")
        signature = self._key.sign(_cosigned(note.text, timestamp))
        added = Signature(self.name, self._id, timestamp.to_bytes(8, "big") + signature)
        return Note(note.text, (*note.signatures, added))


def parse_vkey(vkey: str) -> VerifierKey:
    """A verifier key from `<name>+<hex key id>+<base64 of type and key>`.

    Raises:
        NoteMalformed: not that form, an id that is not the key's, a type we do not verify, or a key for which anyone
            could sign (small order, not canonical).
    """
    match = _VKEY.fullmatch(vkey)
    if match is None:
        raise NoteMalformed("A verifier key is <name>+<8 hex digits>+<base64>.")
    data = decode_base64(match[3])
    if not data or data[0] not in tuple(KeyType):
        raise NoteMalformed("The verifier key is of a type that is not verified here; use an Ed25519 key.")
    try:
        public = check_ed25519_public(data[1:])
    except KeyRefused as error:
        raise NoteMalformed("The verifier key is not a sound Ed25519 key; anyone could sign for it.") from error
    key = VerifierKey(check_name(match[1]), KeyType(data[0]), data[1:], public)
    if key.id.hex() != match[2]:
        raise NoteMalformed("The verifier key's id does not go with its name and key.")
    return key


def parse_vkeys(text: str) -> tuple[VerifierKey, ...]:
    """The verifier keys in a text, with white space between: those of one log, of which one replaced another.

    Raises:
        NoteMalformed: see `parse_vkey`; also when there is none, or they are of several logs.
    """
    return as_keys([parse_vkey(word) for word in text.split()])


def as_keys(keys: Keys) -> tuple[VerifierKey, ...]:
    """One key or several of one name, as several.

    Raises:
        NoteMalformed: there is none, or they are of several names.
    """
    several = (keys,) if isinstance(keys, VerifierKey) else tuple(keys)
    if len({key.name for key in several}) != 1:
        raise NoteMalformed("Give the key of one log, or the keys that it has had.")
    return several


def parse_note(data: bytes | str) -> Note:
    """A note exactly as `Note.format` writes it. No signature is verified here.

    Raises:
        NoteMalformed: not UTF-8, over 64 KiB, control bytes, no signature, or a line that is not a signature's.
    """
    whole = _decode(data)
    blank = whole.rfind("\n\n")
    if blank < 0 or not whole.endswith("\n"):
        raise NoteMalformed("A signed note is a text, an empty line and signatures, each line ended by a newline.")
    text, lines = _check_text(whole[: blank + 1]), whole[blank + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteMalformed(f"A signed note has at most {MAX_SIGNATURES} signatures.")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def open_note(data: bytes | str | Note, keys: Iterable[VerifierKey]) -> tuple[str, tuple[Verified, ...]]:
    """The text of a note, once a key we know has signed it, and all known keys' signatures. Others are ignored.

    Raises:
        NoteMalformed: see `parse_note`; also when a known key signs twice.
        SignatureUnverified: no known key signs, or the signature of one does not verify.
    """
    note = data if isinstance(data, Note) else parse_note(data)
    known = {(key.name, key.id): key for key in keys}
    verified: dict[tuple[str, bytes], Verified] = {}
    for signature in note.signatures:
        place = (signature.name, signature.key_id)
        key = known.get(place)
        if key is None:
            continue
        if place in verified:
            raise NoteMalformed("The note carries two signatures of one key.")
        verified[place] = _verify(note.text, signature, key)
    if not verified:
        raise SignatureUnverified("The note carries no signature of the key it should be signed with.")
    return note.text, tuple(verified.values())


def encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes of canonical padded base64 (RFC 4648 section 4), and of nothing else.

    Raises:
        NoteMalformed: white space, missing padding, or bits left over.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NoteMalformed("This is not base64.") from error
    if encode_base64(data) != text:  # the library takes stray bits in the last character
        raise NoteMalformed("This is not the base64 that its bytes are written as.")
    return data


def parse_decimal(text: str, limit: int) -> int:
    """A whole number as the formats write it. `int()` would also take `1_0`, `+1`, blanks and other scripts' digits.

    Raises:
        NoteMalformed: anything but digits without leading zeros, or above `limit`.
    """
    if _DECIMAL.fullmatch(text) is None or int(text) > limit:
        raise NoteMalformed("A number is written in digits, without leading zeros, and within bounds.")
    return int(text)


def check_name(name: str) -> str:
    """A key's name, if it can be one: no white space, no control character, no plus sign.

    Raises:
        NoteMalformed: it cannot.
    """
    if not 0 < len(name) <= MAX_NAME or "+" in name or not name.isprintable() or any(c.isspace() for c in name):
        raise NoteMalformed("A key's name is 1 to 255 characters without spaces, control characters or plus signs.")
    return name


def _verify(text: str, signature: Signature, key: VerifierKey) -> Verified:
    timestamp, message, payload = None, text.encode(), signature.payload
    if key.type is KeyType.COSIGNATURE:
        timestamp, payload = int.from_bytes(payload[:8], "big"), payload[8:]
        if timestamp > MAX_TIMESTAMP:
            raise NoteMalformed("A cosignature's time is beyond what the format allows.")
        message = _cosigned(text, timestamp)
    if len(payload) != _ED25519_BYTES:
        raise NoteMalformed("An Ed25519 signature is 64 bytes.")
    try:
        key.key.verify(payload, message)
    except InvalidSignature as error:
        raise SignatureUnverified("The signature does not cover this text: one of them was changed.") from error
    return Verified(key, timestamp)


def _cosigned(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _parse_signature(line: str) -> Signature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise NoteMalformed("A signature line is a long dash, a name and base64, with single spaces between.")
    data = decode_base64(match[2])
    if len(data) <= _KEY_ID_BYTES:
        raise NoteMalformed("A signature line carries a key id and a signature.")
    return Signature(check_name(match[1]), data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _decode(data: bytes | str) -> str:
    try:
        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > MAX_NOTE_BYTES:
            raise NoteMalformed("A signed note is at most 64 KiB.")
        return raw.decode()
    except UnicodeError as error:
        raise NoteMalformed("A signed note is UTF-8.") from error


def _check_text(text: str) -> str:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteMalformed("A note's text ends in a newline and holds no other control character.")
    return text
