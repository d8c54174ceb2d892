"""What forms send, read one way on every page."""

from __future__ import annotations

from typing import Any, Final

from starlette.datastructures import FormData, UploadFile

from gateway.crypto.canonical import strict_json
from gateway.problems import Malformed

MAX_KEY: Final = 16 * 1024


def text(given: FormData, name: str) -> str:
    """One field, without the space around it; empty if it is not there."""
    return str(given.get(name, "")).strip()


def values(given: FormData, name: str) -> list[str]:
    """What was ticked."""
    return [str(one) for one in given.getlist(name)]


def listed(given: FormData, name: str) -> list[str]:
    """Several values in one field, by comma, semicolon or line."""
    parts = text(given, name).replace(";", ",").replace("\n", ",").split(",")
    return [part.strip() for part in parts if part.strip()]


def whole(given: FormData, name: str, called: str | None = None) -> int:
    """A whole number.

    Raises:
        Malformed: it is none; `called` is what the page calls it.
    """
    given_text = text(given, name)
    if not (given_text.isascii() and given_text.isdecimal() and len(given_text) <= 15):
        raise Malformed(f"`{called or name.replace('_', ' ')}` is a whole number.")
    return int(given_text)


async def file(given: FormData, name: str, *, most: int) -> bytes:
    """A file that was chosen, at most one byte over `most`; empty if none was."""
    found = given.get(name)
    return await found.read(most + 1) if isinstance(found, UploadFile) else b""


def public_key(given: FormData, name: str) -> dict[str, Any]:
    """A public key as `corridor keys public` writes it.

    Raises:
        Malformed: it is not a JSON object.
    """
    value = strict_json(text(given, name).encode(), max_bytes=MAX_KEY)
    if not isinstance(value, dict):
        raise Malformed("A public key is a JSON object (JWK).")
    return value
