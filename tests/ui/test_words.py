"""The pages speak every language they offer, and all of it."""

from __future__ import annotations

import re

import pytest

from gateway.ui.words import LANGUAGES, negotiated, translations
from tests.space import HOSPITAL, Space
from tests.ui.catalog import PAGES, as_po, catalog_of, said, updated
from tests.ui.people import People, text_of

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_everything_the_pages_say_is_translated(language: str):
    catalog = catalog_of(language)
    for where, text in said():
        message = catalog.get(text if isinstance(text, str) else text[0])
        assert message is not None, f"{where}: {text!r} is not in the catalog: python -m tests.ui.catalog"
        assert all(message.string if isinstance(message.string, tuple) else (message.string,)), f"{where}: {text!r}"
        assert not message.fuzzy


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalog_is_as_it_is_written(language: str):
    assert (PAGES / "locale" / f"{language}.po").read_bytes() == as_po(updated(language))


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_stays_to_be_filled_in(language: str):
    holes = re.compile(r"%\(\w+\)[sd]|%%|%")
    for message in catalog_of(language):
        if message.id:
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            one = message.id if isinstance(message.id, str) else message.id[-1]
            for text in texts:
                assert sorted(holes.findall(text)) == sorted(holes.findall(one)), one


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en;q=0.5, zh;q=0.9", "zh"),
        (None, "de-DE,de", "en"),
        (None, "zh;q=0, en", "en"),
        ("en", "zh", "en"),
        ("zh", "en", "zh"),
        ("xx", "zh", "zh"),
        (None, "zh;q=x,en;q=" + "9" * 500, "en"),
        (None, ",;,;q=,\t", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_best_that_is_accepted(chosen: str | None, accepted: str, language: str):
    assert negotiated(chosen, accepted) == language


def test_a_choice_is_kept_in_the_browser(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer").sign_in()
    answer = officer.browser.post("/language", data={"language": "zh", "next": "/entries?outcome=deny"})
    assert answer.headers["location"] == "/entries?outcome=deny"
    page = officer.open("/entries")
    assert '<html lang="zh">' in page.text
    assert translations("zh").gettext("The log") in text_of(page)
