"""The pages in a real browser: for everybody, in both themes, at any width, without script, by keyboard, on paper."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from markupsafe import escape
from playwright.sync_api import Browser, Page, Route, expect

from gateway.audit.note import NoteSigner
from gateway.crypto.canonical import b64url_decode, b64url_encode
from gateway.crypto.keyrequest import sign_request
from gateway.crypto.private import generate
from gateway.ui.visit import LANGUAGE_COOKIE
from tests.space import HOSPITAL, OPERATOR, PHARMA, Space
from tests.ui.browser import NARROW, WIDE, ZOOMED, barriers, chromium, overflow, quiet, signed_in, window

pytestmark = pytest.mark.server


@dataclass(frozen=True)
class Shown:
    """A page and who looks at it. `{…}` in the address is an id of the space."""

    path: str
    role: str
    did: str = HOSPITAL


PAGES = [
    Shown("/", "officer"),
    Shown("/overview", "officer"),
    Shown("/overview?span=year", OPERATOR, OPERATOR),
    Shown("/entries", "officer"),
    Shown("/entries?outcome=deny", "officer"),
    Shown("/entries/{deny}", "officer"),
    Shown("/entries/{permit}", "officer"),
    Shown("/entries/never-was", "officer"),
    Shown("/entries", "researcher", PHARMA),
    Shown("/datasets", "researcher", PHARMA),
    Shown("/datasets?text=moonshine", "researcher", PHARMA),
    Shown("/datasets/{dataset}", "researcher", PHARMA),
    Shown("/datasets/{dataset}", "provider"),
    Shown("/datasets/{dataset}/withdraw", "provider"),
    Shown("/contracts", "researcher", PHARMA),
    Shown("/contracts/{contract}", "provider"),
    Shown("/contracts/{draft}", "provider"),
    Shown("/contracts/{contract}/revoke", "provider"),
    Shown("/ask?contract={contract}", "researcher", PHARMA),
    Shown("/receipts", "researcher", PHARMA),
    Shown("/rules", "researcher", PHARMA),
    Shown("/rules/contract_purpose", "officer"),
    Shown("/alerts", "officer"),
    Shown("/datasets/new", "provider"),
    Shown("/datasets/{dataset}/offer", "provider"),
    Shown("/reviews", "officer"),
    Shown("/reviews/{review}", "reviewer"),
    Shown("/reviews/{review}", "researcher", PHARMA),
    Shown("/approvals", "officer"),
    Shown("/rules/try", "officer"),
    Shown("/organisations", "officer"),
    Shown("/organisations/" + HOSPITAL, OPERATOR, OPERATOR),
    Shown("/organisations/" + HOSPITAL, "admin"),
    Shown("/organisations/" + HOSPITAL + "/keys/contract-1/compromised", "admin"),
    Shown("/organisations/new", OPERATOR, OPERATOR),
    Shown("/agents", "admin"),
    Shown("/health", OPERATOR, OPERATOR),
]


@pytest.fixture(scope="module")
def ids(space: Space) -> dict[str, str]:
    """What happened before anybody looks."""
    contract = space.agree(space.datasets["csv"])
    space.read(contract)
    assert space.ask(contract, purpose={"id": "P09", "commercial": True}).status_code == 403
    newest = {o: space.entries(type="access.decision", outcome=o)[0]["entry"] for o in ("permit", "deny")}
    told = {"address": "http://127.0.0.1:9/", "kinds": ["log.trouble"]}
    space.agent(HOSPITAL, "officer").post("/v1/alerts", told)
    draft = space.accept(space.offer(space.datasets["csv"])["id"])["id"]
    review = space.ask(contract, purpose={"id": "P05", "flags": ["vulnerable"]}).json()["review"]
    space.approve(HOSPITAL, "pia", datasets=[space.datasets["csv"]])
    key, kid, now = generate("Ed25519"), f"{HOSPITAL}#contract-2", int(time.time())
    request = sign_request(key, kid, gateway=space.gateway, iat=now, replaces=f"{HOSPITAL}#contract-1")
    space.agent(HOSPITAL, "admin").post("/v1/keys", json.loads(request))
    return {"contract": contract, "draft": draft, "review": review, "dataset": space.datasets["csv"], **newest}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def officer(space: Space, browser: Browser, ids: dict[str, str]) -> Iterator[Page]:
    with window(browser, space.url) as context:
        yield signed_in(context, space.agent(HOSPITAL, "officer"))


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "zh")])
@pytest.mark.parametrize("shown", PAGES, ids=lambda one: f"{one.path} as {one.role}")
def test_everybody_can_use_every_page(
    space: Space, browser: Browser, ids: dict[str, str], shown: Shown, theme: str, language: str
) -> None:
    with window(browser, space.url, color_scheme=theme, bypass_csp=True) as context:  # so that axe may look
        page = signed_in(context, space.agent(shown.did, shown.role))
        context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": space.url}])
        page.goto(shown.path.format(**ids))
        assert page.locator("html").get_attribute("lang") == language
        assert barriers(page) == []
        for size in (WIDE, ZOOMED, NARROW):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert overflow(page) <= 0, size


@pytest.mark.parametrize("shown", PAGES, ids=lambda one: f"{one.path} as {one.role}")
def test_no_page_breaks_its_own_security_policy(
    space: Space, browser: Browser, ids: dict[str, str], shown: Shown
) -> None:
    with window(browser, space.url) as context:
        page = signed_in(context, space.agent(shown.did, shown.role))
        address = shown.path.format(**ids)
        answer = context.request.get(address)
        if answer.ok:
            with quiet(page):
                page.goto(address)
                page.wait_for_load_state("networkidle")
        else:
            assert answer.status in (403, 404)  # a browser says so in its console too


def test_without_script_everything_is_there(space: Space, browser: Browser, ids: dict[str, str]) -> None:
    with window(browser, space.url, java_script_enabled=False) as context:
        page = signed_in(context, space.agent(HOSPITAL, "officer"))
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("img", name="Decisions over time, by outcome")).to_be_visible()
        page.get_by_role("link", name="GEN-03").click()
        page.get_by_role("row").filter(has_text="GEN-03").get_by_role("link").first.click()
        expect(page.get_by_text("The contract does not permit this purpose.", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Check it here")).to_be_hidden()
        expect(page.get_by_role("link", name="Keep the receipt")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_officer_gets_to_the_proof_by_keyboard_alone(officer: Page) -> None:
    officer.goto("/entries?outcome=deny")
    officer.keyboard.press("Tab")
    expect(officer.get_by_role("link", name="Skip to the content")).to_be_focused()
    officer.keyboard.press("Enter")
    for _ in range(20):  # past the filters
        officer.keyboard.press("Tab")
        if (officer.evaluate("document.activeElement.getAttribute('href')") or "").startswith("/entries/"):
            break
    officer.keyboard.press("Enter")
    officer.wait_for_url("**/entries/*")
    for _ in range(30):
        officer.keyboard.press("Tab")
        if officer.evaluate("document.activeElement.hasAttribute('data-proof')"):
            break
    officer.keyboard.press("Enter")
    expect(officer.locator(".verdict[data-state=sound]")).to_contain_text("This browser has checked it")


def test_times_are_the_readers_own(space: Space, browser: Browser, ids: dict[str, str]) -> None:
    with window(browser, space.url, timezone_id="Asia/Shanghai") as context:
        page = signed_in(context, space.agent(HOSPITAL, "officer"))
        page.goto("/entries?outcome=deny")
        time = page.locator("td.time time").first
        shown, utc = time.inner_text(), str(time.get_attribute("title"))
        assert "UTC" in utc
        hours = [int(text.rpartition(", ")[2].partition(":")[0]) for text in (shown, utc)]
        assert (hours[0] - hours[1]) % 24 == 8


def _flip(receipt: str, part: str) -> str:
    """The receipt with one thing changed."""
    document = json.loads(receipt)
    if part == "entry":
        entry = bytearray(b64url_decode(document["entry"]))
        entry[len(entry) // 2] ^= 1
        document["entry"] = b64url_encode(bytes(entry))
        return json.dumps(document)
    lines = document["proof"].split("\n")
    place = {
        "index": 1,
        "sibling": 2,
        "root": next(n for n, line in enumerate(lines) if line == "") + 3,
        "size": next(n for n, line in enumerate(lines) if line == "") + 2,
        "signature": next(n for n, line in enumerate(lines) if line.startswith("—")),
    }[part]
    line = lines[place]
    lines[place] = {
        "index": lambda: f"index {int(line.split()[1]) - 1}",
        "size": lambda: str(int(line) + 1),
        "sibling": lambda: ("A" if line[5] != "A" else "B").join((line[:5], line[6:])),
        "root": lambda: ("A" if line[5] != "A" else "B").join((line[:5], line[6:])),
        "signature": lambda: line[:-8] + ("A" if line[-8] != "A" else "B") + line[-7:],
    }[part]()
    return json.dumps({**document, "proof": "\n".join(lines)})


@pytest.mark.parametrize("part", ["entry", "index", "sibling", "size", "root", "signature"])
def test_the_browser_finds_a_receipt_that_was_changed(officer: Page, ids: dict[str, str], part: str) -> None:
    def change(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=_flip(answer.text(), part))

    officer.route("**/receipt", change)
    officer.goto(f"/entries/{ids['deny']}")
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict")).to_have_attribute("data-state", "unsound")


def test_the_browser_finds_a_page_that_shows_another_entry(officer: Page, ids: dict[str, str]) -> None:
    def another(route: Route) -> None:
        route.continue_(url=route.request.url.replace(ids["deny"], ids["permit"]))

    officer.route(f"**/{ids['deny']}/receipt", another)
    officer.goto(f"/entries/{ids['deny']}")
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict[data-state=unsound]")).to_contain_text("shows something else")


def test_the_browser_remembers_the_logs_key(officer: Page, ids: dict[str, str]) -> None:
    officer.goto(f"/entries/{ids['deny']}")
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict[data-state=sound]")).to_contain_text("remembered from now on")
    officer.evaluate("for (const name of Object.keys(localStorage)) localStorage[name] = 'another'")
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict[data-state=unsound]")).to_contain_text("another key")


def test_the_browser_goes_on_with_the_key_it_knows_while_another_replaces_it(
    officer: Page, ids: dict[str, str], space: Space
) -> None:
    """The page as it is while both sign: the first key named is new to this browser, the second one it remembers."""
    other = NoteSigner(space.vkey.partition("+")[0], Ed25519PrivateKey.generate()).verifier

    def named(route: Route) -> None:
        answer = route.fetch()
        page = answer.text().replace(
            f'data-vkeys="{escape(space.vkey)}"', f'data-vkeys="{escape(f"{other} {space.vkey}")}"'
        )
        assert str(escape(str(other))) in page
        route.fulfill(response=answer, body=page)

    officer.goto(f"/entries/{ids['deny']}")
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict[data-state=sound]")).to_contain_text("remembered from now on")
    officer.route(f"**/entries/{ids['deny']}", named)
    officer.reload()
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict[data-state=sound]")).not_to_contain_text("remembered from now on")
    # A browser that meets the new key first takes it, and finds that it has not signed this log.
    officer.evaluate("localStorage.clear()")
    officer.get_by_role("button", name="Check it here").click()
    expect(officer.locator(".verdict[data-state=unsound]")).to_contain_text("not signed by the log's key")


def test_on_paper_there_is_the_matter_and_no_buttons(officer: Page, ids: dict[str, str]) -> None:
    officer.goto(f"/entries/{ids['permit']}")
    officer.emulate_media(media="print")
    expect(officer.get_by_role("navigation", name="Rooms")).to_be_hidden()
    expect(officer.get_by_role("heading", name="What came of it")).to_be_visible()
    assert len(officer.pdf()) > 1000
