"""The pictures in docs/images, made of the demo's data space: `python -m tests.ui.screenshots` (needs Chromium)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import Client
from tests.docs.pages import ROOT
from tests.docs.space import opened
from tests.ui.browser import chromium, signed_in, window

IMAGES = ROOT / "docs" / "images"
WIDTH = 1200
QUALITY = 60


@dataclass(frozen=True)
class Picture:
    """What is shown, by whom it is opened, and the way there."""

    name: str
    agent: str
    go: Callable[[Page], None]
    height: int = 760


def _dataset(page: Page) -> None:
    page.goto("/datasets")
    page.get_by_role("link", name="COVID-19 tests of a children's hospital, 2020").click()


def _refused(page: Page) -> None:
    page.goto("/entries?code=GEN-03")
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Check it here").click()
    page.locator(".verdict[data-state=sound]").wait_for()
    page.evaluate("scrollTo(0, 0)")


def _register(page: Page) -> None:
    page.goto("/datasets/new?path=covid_testing.csv")
    page.get_by_role("button", name="Look at it").click()


def _review(page: Page) -> None:
    page.goto("/reviews")
    page.locator("tbody a").first.click()


PICTURES = (
    Picture("dataset", "pharma-researcher", _dataset),
    Picture("register", "hospital-provider", _register, 1000),
    Picture("overview", "hospital-officer", lambda page: void(page.goto("/overview")), 1000),
    Picture("refused", "hospital-officer", _refused, 1480),
    Picture("review", "hospital-reviewer", _review),
)


def void(_answer: object) -> None:
    """What a way there answers is of no use to a picture."""


def take(folder: Path) -> list[Path]:
    """All of them, into a folder."""
    taken = []
    with tempfile.TemporaryDirectory() as checkout, opened(Path(checkout)) as space, chromium() as browser:
        base = f"http://127.0.0.1:{space.port}"
        for picture in PICTURES:
            key = AgentFile.load(space.folder / ".corridor" / "demo" / "agents" / f"{picture.agent}.json")
            with (
                window(browser, base, size=(WIDTH, picture.height), color_scheme="light") as context,
                Client(key) as client,
            ):
                page = signed_in(context, client)
                picture.go(page)
                path = folder / f"{picture.name}.jpg"
                page.screenshot(path=path, type="jpeg", quality=QUALITY)
                taken.append(path)
    return taken


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for made in take(IMAGES):
        sys.stdout.write(f"{made.relative_to(ROOT)}: {made.stat().st_size // 1024} KiB\n")
