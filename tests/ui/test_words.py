"""The pages speak every language they offer, and all of it."""

from __future__ import annotations

import re

import pytest

from gateway.ui.spoken import HOLE, spoken, spoken_reason
from gateway.ui.words import LANGUAGES, negotiated, translations
from tests.space import HOSPITAL, Space
from tests.ui.catalog import PAGES, SAID, as_po, catalog_of, updated
from tests.ui.people import People, text_of

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("domain", SAID)
@pytest.mark.parametrize("language", OTHERS)
def test_everything_that_is_said_is_translated(language: str, domain: str):
    catalog = catalog_of(language, domain)
    for where, text in SAID[domain]():
        message = catalog.get(text if isinstance(text, str) else text[0])
        assert message is not None, f"{where}: {text!r} is not in the catalog: python -m tests.ui.catalog"
        assert all(message.string if isinstance(message.string, tuple) else (message.string,)), f"{where}: {text!r}"
        assert not message.fuzzy


@pytest.mark.parametrize("domain", SAID)
@pytest.mark.parametrize("language", OTHERS)
def test_a_catalog_is_as_it_is_written(language: str, domain: str):
    assert (PAGES / "locale" / f"{domain}{language}.po").read_bytes() == as_po(updated(language, domain))


@pytest.mark.parametrize("domain", SAID)
@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_stays_to_be_filled_in(language: str, domain: str):
    holes = re.compile(r"%\(\w+\)[sd]|%[sd]|%%|%")
    for message in catalog_of(language, domain):
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


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_found_again_with_what_is_filled_in(language: str):
    for message in catalog_of(language, "answers."):
        if message.id:
            values = iter(f"<{number}>" for number in range(9))
            text = HOLE.sub(lambda _, values=values: next(values), message.id)
            found = spoken(text, language)
            assert "<span" not in found, text
            names = re.findall("&lt;[0-9]&gt;", found)
            assert names == [f"&lt;{number}&gt;" for number in range(len(HOLE.findall(message.id)))], text


def test_what_is_filled_in_is_named_where_it_has_a_name():
    said = spoken("The dataset's data use condition GRU does not allow this: research only.", "zh")
    assert " GRU " in said
    assert "仅限研究" in said
    said = spoken("State purpose P05 (Clinical research, not commercial), if it is truly yours.", "zh")
    assert "P05" in said
    assert "非商业" in said


def test_nothing_filled_in_is_nothing():
    said = spoken("Leave out .", "zh")
    assert "charset" not in said
    assert len(said) < 10


def test_what_no_catalog_has_stays_and_says_what_it_is():
    strange = "Ours <b>only</b>."
    assert spoken(strange, "en") == "Ours &lt;b&gt;only&lt;/b&gt;."
    assert spoken(strange, "zh") == '<span lang="en">Ours &lt;b&gt;only&lt;/b&gt;.</span>'
    assert spoken("", "zh") == ""
    # As long as it may be: no time is lost over it.
    assert "lang" in spoken("The input has no " + "a at " * 100_000, "zh")
    assert "lang" in spoken("The input has no " + "a at " * 390, "zh")


def test_the_reason_of_an_entry_is_read_sentence_by_sentence():
    reason = "GEN-03: The contract does not permit this purpose.; OURS-01: Ours; only; broken-off: The data broke off"
    assert spoken_reason(reason, "zh") == (
        'GEN-03: 合同不准许此目的。; OURS-01: <span lang="en">Ours; only</span>; broken-off: 数据中断'
    )
    assert spoken_reason(reason, "en") == reason
    assert spoken_reason("", "zh") == ""
