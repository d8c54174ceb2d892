"""What the gateway and its rules say, in the language of a visit.

English is what they say; `locale/answers.*.po` has the others. Sentences come with names and numbers filled in, so
they are found again by their templates. A bundle of somebody else may say what no catalog has: that stays English, and
is marked so for whoever listens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from markupsafe import Markup

from gateway.ui.words import messages, translations

HOLE: Final = re.compile("%[sd]")
MAX_TEXT: Final = 2000
_REASONS: Final = re.compile(r"(?<=; )(?=[A-Za-z]{2,12}-[A-Za-z0-9-]{2,40}: )")
_CODE: Final = re.compile(r"([A-Za-z]{2,12}-[A-Za-z0-9-]{2,40}: )(.*?)(;? ?)", re.DOTALL)


def spoken(text: str, language: str) -> Markup:
    """A sentence for a page; marked as English where it stays so in another language."""
    if language == "en" or not text:
        return Markup.escape(text)
    found = translated(text, language)
    return Markup('<span lang="en">{}</span>').format(text) if found is None else Markup.escape(found)


def spoken_reason(reason: str, language: str) -> Markup:
    """What an entry says of why: sentences behind their codes, with semicolons between."""
    return Markup("").join(_behind_code(part, language) for part in _REASONS.split(reason))


def _behind_code(part: str, language: str) -> Markup:
    found = _CODE.fullmatch(part)
    if found is None:
        return spoken(part, language)
    code, sentence, end = found.groups()
    return Markup("{}{}{}").format(code, spoken(sentence, language), end)


@lru_cache(4096)
def translated(text: str, language: str) -> str | None:
    """The same in another language, with what is filled in; None where no catalog has it."""
    if language == "en":
        return text
    known = messages("answers", language)
    if text in known:
        return known[text]
    if len(text) > MAX_TEXT:
        return None
    for pattern, template in _templates(language):
        if found := pattern.fullmatch(text):
            return _filled(template, (_value(value, language) for value in found.groups()))
    return None


def _filled(template: str, values: Iterator[str]) -> str:
    return HOLE.sub(lambda _: next(values), template)


def _value(value: str, language: str) -> str:
    """What is filled in may have a name as well: a purpose, an action, what a condition allows."""
    # Of nothing a catalog says who made it.
    return messages("answers", language).get(value) or (value and translations(language).gettext(value))


@cache
def _templates(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Those with holes, the ones with most of their own words first."""
    known = messages("answers", language)
    holed = sorted((text for text in known if HOLE.search(text)), key=lambda text: -len(text))
    return tuple((re.compile("(.*?)".join(map(re.escape, HOLE.split(text))), re.DOTALL), known[text]) for text in holed)
