"""The languages of the pages. English stands in the templates; the others in `locale/*.po`, read as they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType({"en": "English", "zh": "中文"})
"""What each calls itself."""


def negotiated(chosen: str | None, accepted: str) -> str:
    """The language of a visit: the one that was chosen, or else the best of `Accept-Language` (RFC 9110, 12.5.4)."""
    if chosen is not None and chosen in LANGUAGES:
        return chosen
    ranked = sorted(map(_weighed, accepted[:200].split(",")), reverse=True, key=lambda one: one[0])
    wanted = [tag for weight, tag in ranked if weight > 0]
    best: str | None = negotiate_locale(wanted, list(LANGUAGES), sep="-")
    return best or "en"


@cache
def translations(language: str) -> NullTranslations:
    """What turns the English of the templates into this language."""
    if language == "en":
        return NullTranslations()
    catalog = read_po(BytesIO(files(__package__).joinpath(f"locale/{language}.po").read_bytes()), locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _weighed(part: str) -> tuple[float, str]:
    tag, _, weight = part.partition(";")
    try:
        return float(weight.strip().removeprefix("q=") or 1), tag.strip()
    except ValueError:
        return 0, tag
