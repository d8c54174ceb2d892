"""Signing in by a real provider, a certified one, in a real browser: there, back, and only as who connected it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.cli.demo import free_port
from gateway.ui.visit import LANGUAGE_COOKIE
from tests.space import HOSPITAL, PHARMA, Space, data_space
from tests.ui.browser import NARROW, WIDE, barriers, chromium, overflow, signed_in, window

pytestmark = pytest.mark.server

SECRET = "a secret of these tests and of nothing else"


@contextmanager
def certified(port: int, back: str) -> Iterator[None]:
    module = os.environ.get("CORRIDOR_OIDC_PROVIDER")
    assert module, "run this by make check, which brings the provider"
    command = ["node", str(Path(__file__).with_name("provider.mjs")), module, str(port), back, SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        try:
            assert running.stdout is not None
            assert b"ready" in running.stdout.readline()
            yield
        finally:
            running.kill()


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    folder, port = tmp_path_factory.mktemp("provider"), free_port()
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    one = {"id": "park", "name": "BioPark account", "issuer": f"http://127.0.0.1:{port}", "client_id": "corridor"}
    file = folder / "providers.json"
    file.write_text(json.dumps({"providers": [one | {"client_secret_file": "secret"}]}), encoding="utf-8")
    with (
        data_space(folder, sign_in=file) as made,
        certified(port, f"{made.url}/sign-in/with/park/back"),
    ):
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def at_the_provider(page: Page, name: str) -> None:
    """Sign in there, and let it tell the gateway."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("whatever")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def connect(page: Page, name: str) -> None:
    page.get_by_role("link", name="Ways to sign in").click()
    page.get_by_role("link", name="BioPark account").click()
    at_the_provider(page, name)
    page.get_by_role("button", name="Connect it to this agent").click()
    expect(page.get_by_role("heading", name="Connected accounts")).to_be_visible()


def test_a_person_connects_an_account_and_signs_in_with_it(space: Space, browser: Browser) -> None:
    agent = space.agent(HOSPITAL, "officer")
    with window(browser, space.url) as context:
        connect(signed_in(context, agent), "data-officer")
    # Another day, another browser: no key file at hand.
    with window(browser, space.url) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("link", name="BioPark account").click()
        at_the_provider(page, "data-officer")
        page.get_by_role("button", name="Sign in as this agent").click()
        expect(page.get_by_role("link", name="Overview")).to_be_visible()
        login = space.entries(type="auth.login", limit=1)[0]
        assert (login["actor"]["user_id"], login["actor"]["auth_method"]) == (agent.agent.agent, "oidc")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_who_has_connected_nothing_is_told_what_to_do(space: Space, browser: Browser) -> None:
    with window(browser, space.url) as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_role("link", name="BioPark account").click()
        at_the_provider(page, "nobody-here")
        expect(page.get_by_text("not connected to any agent")).to_be_visible()


def test_who_turns_back_at_the_provider_changes_nothing(space: Space, browser: Browser) -> None:
    with window(browser, space.url) as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_role("link", name="BioPark account").click()
        page.get_by_role("link", name="Cancel").click()
        expect(page.get_by_text("stopped it")).to_be_visible()
        assert page.goto("/sign-in/as").status == 403


def test_without_script_it_works_the_same(space: Space, browser: Browser) -> None:
    agent = space.agent(PHARMA, "researcher")
    with window(browser, space.url) as context:
        connect(signed_in(context, agent), "chemist")
    with window(browser, space.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_role("link", name="BioPark account").click()
        at_the_provider(page, "chemist")
        page.get_by_role("button", name="Sign in as this agent").click()
        expect(page.get_by_role("link", name="My requests")).to_be_visible()


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "zh")])
def test_everybody_can_use_the_pages_of_it(space: Space, browser: Browser, theme: str, language: str) -> None:
    cookie = {"name": LANGUAGE_COOKIE, "value": language, "url": space.url}

    def look(page: Page, path: str) -> None:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == language
        assert barriers(page) == [], path
        for size in (WIDE, NARROW):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert overflow(page) <= 0, (path, size)

    with window(browser, space.url, color_scheme=theme, bypass_csp=True) as context:  # so that axe may look
        stranger = context.new_page()
        stranger.goto("/sign-in/with/park")
        at_the_provider(stranger, "chemist")
        stranger.wait_for_url("**/sign-in/as")
        context.add_cookies([cookie])
        for path in ("/sign-in/as", "/sign-in"):
            look(stranger, path)
    with window(browser, space.url, color_scheme=theme, bypass_csp=True) as context:
        page = signed_in(context, space.agent(PHARMA, "researcher"))
        context.add_cookies([cookie])
        look(page, "/account")
