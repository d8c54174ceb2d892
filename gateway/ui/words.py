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
from babel.messages.catalog import Catalog
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
    compiled = BytesIO()
    write_mo(compiled, _catalog(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def messages(domain: str, language: str) -> Mapping[str, str]:
    """A catalog of sentences that stand in no template, by their English."""
    catalog = _catalog(f"{domain}.{language}")
    return {str(message.id): str(message.string) for message in catalog if message.id and message.string}


def _catalog(name: str) -> Catalog:
    content = files(__package__).joinpath(f"locale/{name}.po").read_bytes()
    return read_po(BytesIO(content), locale=name.rpartition(".")[2])


def _weighed(part: str) -> tuple[float, str]:
    tag, _, weight = part.partition(";")
    try:
        return float(weight.strip().removeprefix("q=") or 1), tag.strip()
    except ValueError:
        return 0, tag
