"""Each person's whole job in a real browser: from an offer to a contract both signed, to data, to its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.space import HOSPITAL, PHARMA, Space, registration
from tests.ui.browser import chromium, signed_in, window

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def researcher(space: Space, browser: Browser) -> Iterator[Page]:
    with window(browser, space.url) as context:
        yield signed_in(context, space.agent(PHARMA, "researcher"))


@pytest.fixture
def provider(space: Space, browser: Browser) -> Iterator[Page]:
    with window(browser, space.url) as context:
        yield signed_in(context, space.agent(HOSPITAL, "provider"))


def key_file(space: Space, did: str, folder: Path) -> Path:
    path = folder / f"{did.rpartition(':')[2]}.key"
    path.write_text(json.dumps(space.parties[did].contract_key))
    return path


def sign(page: Page, key: Path) -> None:
    page.get_by_label("The contract key's file").set_input_files(key)
    page.get_by_role("button", name="Sign with this key").click()


def test_from_a_search_to_data_and_to_the_end_of_it(
    space: Space, researcher: Page, provider: Page, tmp_path: Path
) -> None:
    dataset = space.publish(registration(metadata={**registration()["metadata"], "title": "Told from end to end"}))
    space.offer(dataset["id"])

    researcher.get_by_role("link", name="Data", exact=True).click()
    researcher.get_by_label("Words").fill("end to end")
    researcher.get_by_role("button", name="Find").click()
    researcher.get_by_role("link", name="Told from end to end").click()
    researcher.get_by_role("button", name="Accept: draft the contract").click()
    expect(researcher.get_by_role("heading", name="Sign it")).to_be_visible()

    # The wrong key is refused by the gateway and nothing is lost; the right one is taken.
    sign(researcher, key_file(space, HOSPITAL, tmp_path))
    expect(researcher.get_by_role("heading", level=1)).to_contain_text("signature")
    researcher.go_back()
    sign(researcher, key_file(space, PHARMA, tmp_path))
    expect(researcher.get_by_role("heading", name="Sign it")).to_have_count(0)

    provider.get_by_role("link", name="Contracts", exact=True).click()
    provider.get_by_role("row").filter(has_text="waits for your signature").get_by_role("link").first.click()
    contract = provider.url.rpartition("/")[2]
    sign(provider, key_file(space, HOSPITAL, tmp_path))
    expect(provider.get_by_role("heading", level=1)).to_contain_text("FINALIZED")
    assert [space.agent(did, "provider").get(f"/v1/contracts/{contract}")["state"] for did in (HOSPITAL, PHARMA)] == [
        "FINALIZED",
        "FINALIZED",
    ]

    researcher.reload()
    researcher.get_by_role("link", name="Ask for data").click()
    researcher.get_by_role("group", name="Columns to read").get_by_label("score").check()
    researcher.get_by_role("button", name="Would it pass?").click()
    expect(researcher.get_by_role("status")).to_contain_text("permitted")
    with researcher.expect_download() as download:
        researcher.get_by_role("button", name="Ask for it").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == '"score"'
    assert len(lines) == 301

    provider.get_by_role("link", name="Revoke …").click()
    expect(provider.get_by_text("Uses taken so far")).to_be_visible()
    provider.get_by_role("button", name="Revoke it now").click()
    expect(provider.get_by_role("heading", level=1)).to_contain_text("REVOKED")
    expect(researcher.locator("form[data-again]")).not_to_have_attribute("data-sent", "yes")
    researcher.get_by_role("button", name="Ask for it").click()
    expect(researcher.get_by_role("alert")).to_contain_text("The contract is not active")


def test_a_page_whose_bytes_are_not_those_of_its_digest_signs_nothing(
    space: Space, researcher: Page, tmp_path: Path
) -> None:
    contract = space.accept(space.offer(space.datasets["csv"])["id"])["id"]
    researcher.goto(f"/contracts/{contract}")
    researcher.evaluate("document.querySelector('[data-payload]').textContent += ' '")
    sign(researcher, key_file(space, PHARMA, tmp_path))
    expect(researcher.locator(".verdict[data-state=unsound]")).to_contain_text("not that of these bytes")
    assert space.agent(PHARMA, "researcher").get(f"/v1/contracts/{contract}")["state"] == "AGREED"


@pytest.mark.parametrize("content", ["", "{}", "null", '{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}'])
def test_a_file_that_is_no_key_is_said_to_be_none(space: Space, researcher: Page, tmp_path: Path, content: str) -> None:
    contract = space.accept(space.offer(space.datasets["csv"])["id"])["id"]
    researcher.goto(f"/contracts/{contract}")
    (tmp_path / "no.key").write_text(content)
    sign(researcher, tmp_path / "no.key")
    expect(researcher.locator(".verdict[data-state=unsound]")).to_contain_text("It cannot sign:")


def test_two_of_a_committee_vote_with_keys_that_stay_with_them(space: Space, browser: Browser, tmp_path: Path) -> None:
    contract = space.agree(space.datasets["csv"])
    wanted = {"purpose": {"id": "P05", "flags": ["vulnerable"]}, "columns": ["score", "age"]}
    review = space.ask(contract, **wanted).json()["review"]
    space.enrol(HOSPITAL, "reviewer", name="other reviewer")
    files = space.parties[HOSPITAL].files
    for name, reason in (("reviewer", "well founded"), ("other reviewer", "und gut begr\u00fcndet \u2713")):
        with window(browser, space.url) as context:
            page = signed_in(context, space.agent(HOSPITAL, name))
            page.get_by_role("link", name="Look at it").first.click()
            page.goto(f"/reviews/{review}")
            page.get_by_label("Approve", exact=True).check()
            page.get_by_label("Why; both sides read it").fill(reason)
            page.get_by_role("checkbox", name="score").uncheck()
            page.get_by_role("combobox", name="age").select_option("band:10")
            key = page.get_by_label("Your key file")
            key.set_input_files(files["officer"])
            page.get_by_role("button", name="Sign and vote").click()
            expect(page.locator(".verdict[data-state=unsound]")).to_contain_text("another agent")
            key.set_input_files(files[name])
            page.get_by_role("button", name="Sign and vote").click()
            expect(page.get_by_role("heading", name="Votes")).to_be_visible()
            expect(page.get_by_text(reason)).to_be_visible()
    assert space.ask(contract, **wanted).status_code == 403  # the score was not approved
    rows = space.read(contract, purpose=wanted["purpose"], columns=["age"])
    assert all("-" in row["age"] for row in rows)


def test_a_dataset_is_registered_by_keyboard_alone(space: Space, provider: Page) -> None:
    """From the file to the registered dataset without a mouse."""
    provider.goto("/datasets/new?path=visits.csv")
    provider.get_by_role("combobox", name="Form").focus()
    provider.keyboard.press("Tab")
    expect(provider.get_by_role("button", name="Look at it")).to_be_focused()
    provider.keyboard.press("Enter")
    for label, text in (
        ("Title", "Typed, never clicked"),
        ("Licence of the source", "made by a test"),
        ("Health categories, by comma", "Infectious diseases"),
    ):
        provider.get_by_label(label, exact=True).focus()
        provider.keyboard.type(text)
    provider.locator("textarea[name=description]").focus()
    provider.keyboard.type("By hand.")
    provider.get_by_label("Persons in it").focus()
    provider.keyboard.type("150")
    provider.get_by_label("Where it comes from, a reference").focus()
    provider.keyboard.type("statement-7")
    provider.get_by_label("GRU: research only (DUO:0000042)").focus()
    provider.keyboard.press("Space")
    provider.get_by_label("everybody who is admitted").focus()
    provider.keyboard.press("Space")
    provider.get_by_role("button", name="Check it against the source and register it").focus()
    provider.keyboard.press("Enter")
    expect(provider.get_by_role("heading", level=1)).to_contain_text("Typed, never clicked")
