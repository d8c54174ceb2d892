"""People before a browser that runs no script: they open pages, follow addresses and send the forms they were shown."""

from __future__ import annotations

import re
from contextlib import ExitStack
from html import unescape
from urllib.parse import urlsplit

import httpx2

from gateway.sdk.client import Client
from tests.space import Space

_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]*)"')
_NONCE = re.compile(r'(nonce=")[^"]*|(\'nonce-)[^\']*')


class People:
    """Whoever opens a page in a test; their browsers are closed after it."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._open = ExitStack()

    def person(self, did: str, role: str) -> Person:
        return Person(self.stranger(), self._space.agent(did, role))

    def stranger(self, cookies: dict[str, str] | None = None) -> httpx2.Client:
        return self._open.enter_context(httpx2.Client(base_url=self._space.url, timeout=60, cookies=cookies))

    def close(self) -> None:
        self._open.close()


class Person:
    """Somebody who may sign in as an agent of a participant."""

    def __init__(self, browser: httpx2.Client, agent: Client) -> None:
        self.browser, self.agent = browser, agent

    def link(self) -> str:
        """The path of a new one-time link."""
        return urlsplit(self.agent.sign_in_link()["address"]).path

    def sign_in(self) -> Person:
        answer = self.browser.post(self.link())
        assert answer.status_code == 303, answer.text
        return self

    def open(self, path: str, /, **query: str) -> httpx2.Response:
        """A page; where it leads elsewhere, that is followed."""
        return self.browser.get(path, params=query or None, follow_redirects=True)

    def form_token(self) -> str:
        found = _TOKEN.search(self.open("/").text)
        return "" if found is None else found[1]

    def send(self, path: str, /, **fields: str | list[str]) -> httpx2.Response:
        """A form of a page of this session."""
        return self.browser.post(path, data={"form_token": self.form_token(), **fields})

    def upload(self, path: str, content: bytes, /, **fields: str | list[str]) -> httpx2.Response:
        """A form of a page of this session with a file that was chosen."""
        data = {"form_token": self.form_token(), **fields}
        return self.browser.post(path, data=data, files={"file": ("chosen", content)})


def text_of(page: httpx2.Response) -> str:
    """What a page says, without its markup."""
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", "<main" + main)).split())


def without_nonce(page: httpx2.Response) -> str:
    """A page's bytes but for what is new each time."""
    return _NONCE.sub("", page.text)
