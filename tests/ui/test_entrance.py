"""Who gets into the pages, and who does not."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from gateway.db import Database
from gateway.identity import sessions
from gateway.ui.render import static_address
from tests.space import HOSPITAL, PHARMA, Space
from tests.ui.people import People, text_of, without_nonce


def test_a_link_lets_one_person_in_once(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer")
    link = officer.link()
    shown = officer.open(link)
    assert "officer" in text_of(shown)
    assert officer.open(link).status_code == 200  # looking uses nothing up
    entered = officer.browser.post(link)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert officer.open("/overview").status_code == 200
    stranger = people.stranger()
    assert stranger.post(link).status_code == 403
    assert stranger.get(link).status_code == 403


def test_of_many_who_open_a_link_at_once_one_is_let_in(space: Space, people: People):
    link = people.person(HOSPITAL, "officer").link()

    def enter(_number: int) -> int:
        return people.stranger().post(link).status_code

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(enter, range(8))) == {303: 1, 403: 7}


def test_a_link_that_was_used_and_one_that_never_was_look_the_same(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer")
    link = officer.link()
    officer.browser.post(link)
    stranger = people.stranger()
    used, never = stranger.get(link), stranger.get(f"/sign-in/{secrets.token_urlsafe(32)}")
    odd = stranger.get("/sign-in/x")
    assert used.status_code == never.status_code == odd.status_code == 403
    assert without_nonce(used).replace(link, "") == without_nonce(never).replace(never.request.url.path, "")


def test_links_and_sessions_end(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer")
    link = officer.link().rpartition("/")[2]
    with closing(Database(space.settings.database)) as db, db.reading() as session:
        assert sessions.link_owner(session, link, time.time()).agent == officer.agent.agent.agent
        with pytest.raises(sessions.LinkRefused):
            sessions.link_owner(session, link, time.time() + sessions.LINK_LIFE_S)
    officer.sign_in()
    secret = officer.browser.cookies["corridor-session"]
    with closing(Database(space.settings.database)) as db, db.reading() as session:
        assert sessions.caller(session, secret, time.time()) is not None
        assert sessions.caller(session, secret, time.time() + sessions.SESSION_LIFE_S) is None


@pytest.mark.parametrize("path", ["/", "/overview", "/entries", "/entries/x", "/entries/x/receipt"])
def test_nobody_sees_a_page_without_signing_in(space: Space, people: People, path: str):
    stranger = people.stranger()
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    stranger.cookies.set("corridor-session", secrets.token_urlsafe(32))
    assert stranger.get(path).status_code == 303


def test_the_cookie_is_for_this_gateway_and_no_script(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer")
    cookie = officer.browser.post(officer.link()).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


def test_signing_out_ends_the_session_everywhere(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer").sign_in()
    copied = people.stranger(dict(officer.browser.cookies))
    assert copied.get("/overview").status_code == 200
    assert officer.send("/sign-out").status_code == 303
    assert copied.get("/overview").status_code == 303


def test_a_form_from_elsewhere_is_refused(space: Space, people: People):
    officer, other = people.person(HOSPITAL, "officer").sign_in(), people.person(PHARMA, "officer").sign_in()
    assert officer.browser.post("/sign-out").status_code == 403
    assert officer.browser.post("/sign-out", data={"form_token": other.form_token()}).status_code == 403
    right = {"form_token": officer.form_token()}
    crossed = officer.browser.post("/sign-out", data=right, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403
    assert officer.open("/overview").url.path == "/overview"


def test_a_suspended_agent_is_out_at_the_next_click(space: Space, people: People):
    space.enrol(HOSPITAL, "officer", name="leaving")
    leaving = people.person(HOSPITAL, "leaving").sign_in()
    unused = leaving.link()
    assert leaving.open("/overview").url.path == "/overview"
    space.agent(HOSPITAL, "admin").post(f"/v1/agents/{leaving.agent.agent.agent}/suspend", {})
    assert leaving.open("/overview").url.path == "/sign-in"
    assert leaving.browser.post(unused).status_code == 403


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/\t/evil.example"]
)
def test_signing_in_leads_nowhere_else(space: Space, people: People, elsewhere: str):
    officer = people.person(HOSPITAL, "officer").sign_in()
    answer = officer.browser.get("/sign-in", params={"next": elsewhere})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    answer = officer.browser.post("/language", data={"language": "zh", "next": elsewhere})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_coming_and_going_are_entries_and_no_secret_is_kept(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer")
    link = officer.link()
    officer.browser.post(link)
    cookie = officer.browser.cookies["corridor-session"]
    officer.send("/sign-out")
    ours = [e for e in space.entries() if e["actor"]["user_id"] == officer.agent.agent.agent]
    kinds = [(e["event"]["type"], e["actor"]["auth_method"]) for e in ours]
    assert kinds[:3] == [("auth.logout", "link"), ("auth.login", "link"), ("auth.link_made", "private_key_jwt")]
    stored = b"".join(path.read_bytes() for path in space.settings.home.glob("corridor.sqlite3*"))
    assert link.rpartition("/")[2].encode() not in stored
    assert cookie.encode() not in stored


def test_so_many_links_may_wait_and_no_more(space: Space, people: People):
    space.enrol(HOSPITAL, "officer", name="eager")
    eager = people.person(HOSPITAL, "eager")
    for _ in range(sessions.MAX_LINKS):
        eager.link()
    body = {"client_assertion": eager.agent.assertion()}
    refused = space.call(eager.agent, "POST", "/v1/sign-in-links", json=body)
    assert refused.status_code == 409


def test_a_token_alone_begins_no_session(space: Space, people: People):
    """Who got hold of a token, good for minutes, gets no session of hours."""
    officer, other = (space.agent(HOSPITAL, role) for role in ("officer", "researcher"))
    used = officer.assertion()
    assert space.call(officer, "POST", "/v1/sign-in-links", json={"client_assertion": used}).status_code == 201
    for assertion in (used, other.assertion(), officer.token(), "", "x"):
        refused = space.call(officer, "POST", "/v1/sign-in-links", json={"client_assertion": assertion})
        assert refused.status_code in (400, 401, 422), assertion
        assert "sign-in/" not in refused.text
    assert space.call(officer, "POST", "/v1/sign-in-links", json={}).status_code == 422


def test_the_oldest_session_makes_room(space: Space, people: People):
    space.enrol(HOSPITAL, "officer", name="forgetful")
    begun = [people.person(HOSPITAL, "forgetful").sign_in() for _ in range(sessions.MAX_SESSIONS + 1)]
    inside = [one.open("/overview").url.path == "/overview" for one in begun]
    assert inside.count(False) == 1
    assert inside[-1]


def test_a_form_has_an_end(space: Space, people: People):
    officer = people.person(HOSPITAL, "officer").sign_in()
    answer = officer.browser.post("/language", data={"language": "zh", "next": "x" * 300_000})
    assert answer.status_code == 413


def test_files_of_the_pages_are_known_by_their_digest(space: Space, people: People):
    browser = people.stranger()
    right = browser.get(static_address("corridor.css"))
    assert right.headers["content-type"].startswith("text/css")
    assert "immutable" in right.headers["cache-control"]
    for wrong in ("/static/000000000000/corridor.css", "/static/x/..%2frender.py", "/static/x/render.py"):
        assert browser.get(wrong).status_code in (404, 422)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:1"},
    ],
)
def test_another_site_signs_nobody_in_with_a_link_of_its_own(space: Space, people: People, headers: dict[str, str]):
    victim = people.person(HOSPITAL, "officer").sign_in()
    link = people.person(PHARMA, "researcher").link()
    refused = victim.browser.post(link, headers=headers)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert "Hospital" in victim.open("/").text or "hospital" in victim.open("/").text
    # The link is as good as before, for whoever opens it here.
    assert people.stranger().post(link, headers={"sec-fetch-site": "same-origin"}).status_code == 303
