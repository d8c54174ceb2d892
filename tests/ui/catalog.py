"""Bring the catalogs up to date with what pages, rules and refusals say, and then translate what is new.

`python -m tests.ui.catalog`
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

import gateway.ui
from gateway.policy import changes
from gateway.problems import InternalError
from gateway.terms.purposes import PURPOSES
from gateway.ui.happenings import NAMES
from gateway.ui.vocabulary import WORDS
from gateway.ui.words import LANGUAGES
from tests.docs.generated import problem_classes

PAGES = Path(gateway.ui.__file__).parent
RULES = PAGES.parents[1] / "policies"


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


def answered() -> Iterator[tuple[str, str]]:
    """Everything that rules and refusals say, with where."""
    for folder in sorted((RULES / "access" / "rules").iterdir()):
        rego = folder / f"{folder.name}.rego"
        yield folder.name, rego.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    for table in sorted(RULES.rglob("data.json")):
        for text in _texts(json.loads(table.read_bytes())):
            yield table.parent.name, text
    for name, value in vars(changes).items():
        if name.startswith("SAYS_"):
            for text in value.values() if isinstance(value, dict) else (value,):
                yield "changes.py", text
    for problem in problem_classes().values():
        yield "problems", problem.title
    yield "problems", InternalError.quote


def _texts(table: Any) -> Iterator[str]:
    """What stands in a rule's table for people to read."""
    if isinstance(table, dict):
        for name, value in table.items():
            if isinstance(value, str):
                if name in ("text", "remedy", "allows"):
                    yield value
            else:
                yield from _texts(value)


SAID: Final = {"": said, "answers.": answered}
"""Every catalog of a language, by what its name begins with, and what stands in it."""


def catalog_of(language: str, domain: str = "") -> Catalog:
    path = PAGES / "locale" / f"{domain}{language}.po"
    content = path.read_bytes() if path.exists() else b""
    return read_po(BytesIO(content), locale=language)


def updated(language: str, domain: str = "") -> Catalog:
    """The catalog with what is said now, in the order it is said; what is said no more is gone."""
    known, fresh = catalog_of(language, domain), Catalog(locale=language, fuzzy=False)
    for where, text in SAID[domain]():
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
        for domain in SAID if language != "en" else ():
            catalog = updated(language, domain)
            (PAGES / "locale" / f"{domain}{language}.po").write_bytes(as_po(catalog))
            print(f"{domain}{language}: {sum(not message.string for message in catalog if message.id)} to translate")


if __name__ == "__main__":
    main()
