"""Text with one reading: no two strings that look alike and differ, none that shows other than it is."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from gateway.problems import Malformed

# C0, DEL and C1 controls; line and paragraph separators; lone surrogates; and every code point that Unicode marks
# Default_Ignorable (DerivedCoreProperties.txt): zero-width, joiners, bidirectional controls, fillers, variation
# selectors, tags, byte order mark.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def check_text(text: str, place: str = "text") -> str:
    """The text itself, if it is NFC and holds no control, bidirectional, zero-width or otherwise invisible character.

    Raises Malformed naming the place and the code point, never the text.
    """
    if hidden := _HIDDEN.search(text):
        raise Malformed(f"{place} holds the control or invisible character U+{ord(hidden.group()):04X}; remove it")
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        raise Malformed(f"{place} is not in Unicode Normalization Form C; normalise it before sending")
    return text


def check_texts(value: Any, place: str = "") -> None:
    """Check every string and member name inside a parsed JSON value; the place is a JSON pointer (RFC 6901)."""
    if isinstance(value, str):
        check_text(value, place or "the document")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_texts(item, f"{place}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name, f"a member name in {place or 'the document'}")
            check_texts(item, f"{place}/{name[:64]}")
