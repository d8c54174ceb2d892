"""Bring the catalogs up to date with what the pages say: `python -m tests.ui.catalog`. Then translate what is new."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

import gateway.ui
from gateway.terms.purposes import PURPOSES
from gateway.ui.happenings import NAMES
from gateway.ui.vocabulary import WORDS
from gateway.ui.words import LANGUAGES

PAGES = Path(gateway.ui.__file__).parent


def said() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Everything the pages say, with where: a text, or its singular and plural."""
    for template in sorted((PAGES / "templates").rglob("*.html")):
        where = template.relative_to(PAGES).as_posix()
        with template.open("rb") as file:
            for _line, _function, message, _comments in babel_extract(
                file, ("_", "gettext", "ngettext"), [], {"trimmed": "true"}
            ):
                texts = (message,) if isinstance(message, str) else tuple(text for text in message if text)
                yield where, texts[0] if len(texts) == 1 else texts
    for name in NAMES.values():
        yield "happenings.py", name
    for word in WORDS.values():
        yield "vocabulary.py", word
    for purpose in PURPOSES.values():
        yield "purposes", purpose.label


def catalog_of(language: str) -> Catalog:
    path = PAGES / "locale" / f"{language}.po"
    content = path.read_bytes() if path.exists() else b""
    return read_po(BytesIO(content), locale=language)


def updated(language: str) -> Catalog:
    """The catalog with what the pages say now, in the order they say it; what they say no more is gone."""
    known, fresh = catalog_of(language), Catalog(locale=language, fuzzy=False)
    for where, text in said():
        before = known.get(text if isinstance(text, str) else text[0])
        fresh.add(text, before.string if before is not None else None, locations=[(where, None)])
    return fresh


def as_po(catalog: Catalog) -> bytes:
    """Its file, without the times and tools Babel would put at its head: the same catalog is the same bytes."""
    content = BytesIO()
    write_po(content, catalog, width=120, omit_header=True, include_lineno=False)
    plural = f"Plural-Forms: {catalog.plural_forms}"
    head = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"{plural}\\n"\n\n'
    return head.encode() + content.getvalue()


def main() -> None:
    for language in LANGUAGES:
        if language != "en":
            catalog = updated(language)
            (PAGES / "locale" / f"{language}.po").write_bytes(as_po(catalog))
            print(f"{language}: {sum(not message.string for message in catalog if message.id)} to translate")


if __name__ == "__main__":
    main()
