"""A real Chromium, and what is looked for in every page it shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from gateway.sdk.client import Client

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW, ZOOMED = (1280, 900), (390, 844), (640, 450)
"""A desk, a telephone, and the desk at 200 % (WCAG 2.2, 1.4.4)."""


@contextmanager
def chromium() -> Iterator[Browser]:
    found = os.environ.get("CORRIDOR_CHROMIUM")
    assert found, "run this by make check, which brings the browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, base: str, **options: Any) -> Iterator[BrowserContext]:
    """A window of its own, with its own cookies."""
    size = options.pop("size", WIDE)
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(base_url=base, viewport=viewport, locale="en-GB", **options)
    context.set_default_timeout(15_000)
    yield context
    context.close()


def signed_in(context: BrowserContext, agent: Client) -> Page:
    """A page of the window, signed in by a link as people do."""
    page = context.new_page()
    page.goto(agent.sign_in_link()["address"])
    page.get_by_role("button", name="Sign in as this agent").click()
    page.wait_for_url("**/")
    return page


@contextmanager
def quiet(page: Page) -> Iterator[None]:
    """Nothing is complained about in the console, and nothing breaks: scripts, styles, the security policy."""
    said: list[str] = []

    def hear(message: Any) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    def broke(error: Any) -> None:
        said.append(str(error))

    page.on("console", hear)
    page.on("pageerror", broke)
    yield
    page.remove_listener("console", hear)
    page.remove_listener("pageerror", broke)
    assert said == []


def barriers(page: Page) -> list[str]:
    """What axe finds that keeps somebody from using the page, by WCAG 2.2 A and AA and its own best practice."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
