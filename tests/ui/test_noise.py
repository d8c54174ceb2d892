"""Whatever is sent to a page, by whomever: an answer for people, and never a bug of ours."""

from __future__ import annotations

import re

import httpx2
import pytest
from fastapi.routing import APIRoute

from gateway.app import PAGES
from gateway.ui.visit import PageRoute
from tests.space import HOSPITAL, NEVER_WAS, NO_ENTRY, OPERATOR, PHARMA, Space
from tests.ui.people import People, Person

ROUTES = sorted(
    {
        (method, route.path)
        for room in PAGES
        for route in room.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
)
WHO = [(HOSPITAL, "provider"), (HOSPITAL, "officer"), (PHARMA, "researcher"), (HOSPITAL, "admin"), (OPERATOR, OPERATOR)]
IDS = [NEVER_WAS, NO_ENTRY, "..", "%00", "%F0%9F%92%A3", "a" * 300, "-1", "did:web:x", "'%20OR%201=1%20--", "%E2%80%AE"]
TEXTS = ["", "-1", "9" * 40, "\u202eevil", "<b>", "a\x00b", "'; --", "NaN", "1e999", "١٢", "null", "{}", "x" * 5000]


@pytest.fixture(scope="module")
def known(space: Space) -> dict[str, str]:
    contract = space.agree(space.datasets["csv"])
    space.read(contract)
    entry = space.entries(type="access.decision")[0]["entry"]
    return {"dataset": space.datasets["csv"], "contract": contract, "entry": entry}


def fields_of(page: str) -> list[str]:
    """The fields of every form on a page."""
    return sorted(set(re.findall(r'name="([^"]+)"', page)) - {"form_token", "viewport", "color-scheme"})


def sound(answer: httpx2.Response) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, answer.text[:500]
    assert "Traceback" not in answer.text
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert "<b></b>" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("did", "role"), WHO)
def test_no_address_meets_a_bug(space: Space, people: People, known: dict[str, str], did: str, role: str) -> None:
    person = people.person(did, role).sign_in()
    token = person.form_token()
    assert token
    for method, template in ROUTES:
        if template in ("/sign-out",):
            continue
        for n, id in enumerate(IDS):
            path = re.sub(r"\{[^}]+\}", id, template)
            query = {name: TEXTS[(n + k) % len(TEXTS)] for k, name in enumerate(("text", "before", "code", "since"))}
            if method == "GET":
                sound(person.browser.get(path, params=query if n % 2 else None))
            else:
                sound(person.browser.post(path, data={"form_token": token, "entry": TEXTS[n]}))
            if "{" not in template and n > 4:
                break


def test_no_field_of_a_form_meets_a_bug(space: Space, people: People, known: dict[str, str]) -> None:
    dataset, contract = known["dataset"], known["contract"]
    forms = [
        (HOSPITAL, "provider", "/datasets/new", "/datasets/look"),
        (HOSPITAL, "provider", f"/datasets/{dataset}/offer", f"/datasets/{dataset}/offer"),
        (PHARMA, "researcher", f"/ask?contract={contract}", "/ask"),
        (HOSPITAL, "officer", "/alerts", "/alerts"),
        (HOSPITAL, "officer", "/rules/try", "/rules/try"),
        (HOSPITAL, "admin", "/agents", "/agents"),
        (OPERATOR, OPERATOR, "/organisations/new", "/organisations/new"),
    ]
    for did, role, shown, target in forms:
        person = people.person(did, role).sign_in()
        fields = fields_of(person.open(shown).text)
        assert fields, shown
        for text in TEXTS:
            given = {name: contract if name == "contract" else text for name in fields if name != "path"}
            sound(person.send(target, **given, path=text) if "path" in fields else person.send(target, **given))
    provider = people.person(HOSPITAL, "provider").sign_in()
    looked = provider.send("/datasets/look", path="visits.csv").text
    for text in TEXTS:
        given = {name: text for name in fields_of(looked) if name not in ("path", "kind")}
        sound(provider.send("/datasets/register", **given, path="visits.csv", kind="csv"))


def test_every_page_is_a_route_for_people(space: Space) -> None:
    """So that its failures are pages, its bodies bounded, and its forms of its own session."""
    for room in PAGES:
        for route in room.router.routes:
            assert isinstance(route, PageRoute) or getattr(route, "path", "") == "/static/{digest}/{name}"


def test_a_person_may_be_signed_in_twice(people: People, space: Space) -> None:
    first, second = (people.person(HOSPITAL, "officer").sign_in() for _ in range(2))
    assert isinstance(first, Person)
    assert first.send("/sign-out").status_code == 303
    assert second.open("/entries").status_code == 200
