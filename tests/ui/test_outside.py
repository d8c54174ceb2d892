"""Signing in by an account outside: connected by the agent itself, and every lie on the way back refused."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from gateway.identity.errors import OutsideRefused, ProviderAway, ProvidersMalformed
from gateway.identity.oidc import AT_A_TIME, Providers
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, data_space
from tests.ui.people import People, Person, text_of
from tests.ui.provider import CLIENT, Provider, provider, to_provider_and_back, written


@pytest.fixture(scope="module")
def outside() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture(autouse=True)
def honest(outside: Provider) -> Iterator[None]:
    outside.lies.clear()
    outside.subject, outside.amr = "somebody-outside", ["pwd"]
    yield
    outside.lies.clear()


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory, outside: Provider) -> Iterator[Space]:
    folder = tmp_path_factory.mktemp("outside")
    file = written(folder, outside)
    with data_space(folder, sign_in=file) as made:
        yield made


def connect(person: Person) -> httpx2.Response:
    answer = to_provider_and_back(person.browser, "/account/connect/park")
    assert answer.status_code == 200, text_of(answer)
    return person.send("/account/connect")


def sign_in(browser: httpx2.Client, agent: str | None = None, *, by: str = "park") -> httpx2.Response:
    """All of it; without `agent` as the first that is offered."""
    answer = to_provider_and_back(browser, f"/sign-in/with/{by}")
    if answer.status_code != 200:
        return answer
    page = browser.get("/sign-in/as")
    offered = re.findall(r'name="agent" value="([^"]+)"', page.text)
    chosen = agent or (offered[0] if offered else None)
    return page if chosen is None else browser.post("/sign-in/as", data={"agent": chosen})


def test_an_account_that_an_agent_connected_signs_it_in(space: Space, people: People, outside: Provider) -> None:
    officer = people.person(HOSPITAL, "officer").sign_in()
    assert "Ways to sign in" in officer.open("/").text
    assert "Institute" not in text_of(officer.open("/account"))
    assert connect(officer).headers["location"] == "/account"
    assert "Park account" in text_of(officer.open("/account"))
    assert connect(officer).status_code == 409
    browser = people.stranger()
    assert "Park account" in browser.get("/sign-in").text
    assert sign_in(browser).status_code == 303
    assert "Overview" in browser.get("/").text
    login = space.entries(type="auth.login", limit=1)[0]
    agent = officer.agent.agent.agent
    assert (login["actor"]["user_id"], login["actor"]["auth_method"]) == (agent, "oidc")
    outside.amr = ["pwd", "mfa"]
    assert sign_in(people.stranger()).status_code == 303
    assert space.entries(type="auth.login", limit=1)[0]["actor"]["auth_method"] == "oidc+mfa"
    # Not a word of who it is outside.
    assert "somebody-outside" not in json.dumps(space.entries())
    # Disconnected, nobody comes in by it any more, and who did is out.
    identity = re.search(r'name="identity" value="([0-9a-f]{64})"', officer.open("/account").text)
    assert identity is not None
    assert officer.send("/account/disconnect", identity=identity[1]).status_code == 303
    assert "Sign in" in browser.get("/", follow_redirects=True).text
    assert "not connected to any agent" in text_of(sign_in(people.stranger()))
    assert {e["event"]["type"] for e in space.entries(limit=20)} >= {"identity.connected", "identity.disconnected"}


def test_who_came_in_by_an_account_connects_no_other(space: Space, people: People, outside: Provider) -> None:
    """Else a session of hours that was stolen would become a way in for good."""
    outside.subject = "the owner"
    assert connect(people.person(HOSPITAL, "provider").sign_in()).status_code == 303
    browser = people.stranger()
    assert sign_in(browser, space.agent(HOSPITAL, "provider").agent.agent).status_code == 303
    outside.subject = "the thief"
    assert browser.get("/account/connect/park").status_code == 403
    assert "sign in by a one-time link" in text_of(browser.get("/account"))
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/account").text)
    assert token is not None
    assert browser.post("/account/connect", data={"form_token": token[1]}).status_code == 403


def test_what_one_person_proved_is_not_connected_by_the_next(space: Space, people: People, outside: Provider) -> None:
    """Two at one computer: the first goes away before pressing the button."""
    outside.subject = "the first"
    first = people.person(PHARMA, "provider").sign_in()
    to_provider_and_back(first.browser, "/account/connect/park")
    assert "You proved at this provider" in text_of(first.open("/account"))
    first.send("/sign-out")
    second = Person(first.browser, space.agent(HOSPITAL, "admin")).sign_in()
    assert "You proved at this provider" not in text_of(second.open("/account"))
    assert second.send("/account/connect").status_code == 403


def test_who_connects_says_at_the_provider_which_account(people: People, outside: Provider, space: Space) -> None:
    person = people.person(INSTITUTE, "provider").sign_in()
    asked = parse_qs(urlsplit(person.browser.get("/account/connect/park").headers["location"]).query)
    assert asked["prompt"] == ["login"]
    assert "prompt" not in parse_qs(urlsplit(people.stranger().get("/sign-in/with/park").headers["location"]).query)


def test_one_account_may_stand_for_several_agents(space: Space, people: People, outside: Provider) -> None:
    outside.subject = "several"
    agents = []
    for did, role in ((HOSPITAL, "provider"), (PHARMA, "researcher")):
        person = people.person(did, role).sign_in()
        assert connect(person).status_code == 303
        agents.append(person.agent.agent.agent)
    for agent in agents:
        browser = people.stranger()
        assert sign_in(browser, agent).status_code == 303
        assert browser.get("/").status_code == 200
    # Not as somebody else's, whatever the form says.
    other = space.agent(HOSPITAL, "admin").agent.agent
    assert sign_in(people.stranger(), other).status_code == 403


def test_who_is_suspended_does_not_come_in(space: Space, people: People, outside: Provider) -> None:
    outside.subject = "leaver"
    space.enrol(PHARMA, "officer", name="leaver")
    leaver = people.person(PHARMA, "leaver").sign_in()
    assert connect(leaver).status_code == 303
    agent, admin = leaver.agent.agent.agent, space.agent(PHARMA, "admin")
    admin.post(f"/v1/agents/{agent}/suspend", {})
    assert "not connected to any agent" in text_of(sign_in(people.stranger()))
    assert sign_in(people.stranger(), agent).status_code == 403
    admin.post(f"/v1/agents/{agent}/reinstate", {})
    assert sign_in(people.stranger()).status_code == 303
    # Erased, the account is forgotten with whom the handle stood for.
    admin.post(f"/v1/agents/{agent}/suspend", {})
    admin.post(f"/v1/agents/{agent}/erase", {})
    assert "not connected to any agent" in text_of(sign_in(people.stranger()))


def test_a_provider_speaks_for_whom_the_operator_says(space: Space, people: People, outside: Provider) -> None:
    outside.subject = "elsewhere"
    person = people.person(PHARMA, "officer").sign_in()
    to_provider_and_back(person.browser, "/account/connect/institute")
    assert person.send("/account/connect").status_code == 403
    own = people.person(INSTITUTE, "officer").sign_in()
    to_provider_and_back(own.browser, "/account/connect/institute")
    assert own.send("/account/connect").status_code == 303
    assert sign_in(people.stranger(), by="institute").status_code == 303
    # The same person by another provider is another identity as far as anybody here knows.
    assert "not connected to any agent" in text_of(sign_in(people.stranger()))
    assert people.stranger().get("/sign-in/with/nobody").status_code == 404


LIES: dict[str, dict[str, Any]] = {
    "a nonce of another sign-in": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "a nonce that is half a character": {"claims": {"nonce": "\ud800"}},
    "a token without end": {"claims": {"exp": float("inf")}},
    "a token for another client": {"claims": {"aud": "another"}},
    "a token for several, given to another": {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
    "a token for several, given to nobody": {"claims": {"aud": [CLIENT, "another"]}},
    "a token of another issuer": {"claims": {"iss": "http://127.0.0.1:1"}},
    "a token that is over": {"claims": {"exp": int(time.time()) - 120}},
    "a token of the future": {"claims": {"iat": int(time.time()) + 3600}},
    "a token that names no end": {"claims": {"exp": None}},
    "a token of nobody": {"claims": {"sub": None}},
    "a token of nobody in particular": {"claims": {"sub": ""}},
    "a token that is not signed": {"signed": "none"},
    "a token signed with its public key as a secret": {"signed": "with its public key as a secret"},
    "a token signed with another key": {"signed": "with another key"},
    "a token signed with a key of another kind": {"signed": "with a key of another kind"},
    "a token of a key nobody published": {"header": {"kid": "two"}},
    "an answer of another provider": {"back": {"iss": "http://127.0.0.1:1"}},
    "an answer that does not say whose it is": {"back": {"iss": None}},
    "a state of another browser": {"back": {"state": "another"}},
    "no state": {"back": {"state": None}},
    "a code nobody gave": {"back": {"code": "invented"}},
    "no code": {"back": {"code": None, "error": "access_denied"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_fit_lets_nobody_in(space: Space, people: People, outside: Provider, lie: str) -> None:
    outside.lies |= LIES[lie]
    browser = people.stranger()
    answer = to_provider_and_back(browser, "/sign-in/with/park")
    assert answer.status_code == 403, text_of(answer)
    assert "corridor-proved" not in browser.cookies
    assert browser.get("/sign-in/as").status_code == 403
    assert outside.subject not in answer.text


def test_a_failure_is_recorded_and_a_flood_of_them_is_not(space: Space, people: People, outside: Provider) -> None:
    before = space.log_size()
    outside.lies |= {"signed": "none"}
    for _ in range(8):
        assert to_provider_and_back(people.stranger(), "/sign-in/with/park").status_code == 403
    # The gate is of a minute: failures of the test before may have taken its places.
    assert space.log_size() - before <= 5
    failed = space.entries(type="auth.failure", limit=1)[0]
    assert (failed["actor"]["user_id"], failed["facts"]["provider"]) == ("unknown", "park")


def test_an_answer_works_in_the_browser_that_asked_and_once(space: Space, people: People, outside: Provider) -> None:
    thief, browser = people.stranger(), people.stranger()
    returned = httpx2.get(browser.get("/sign-in/with/park").headers["location"]).headers["location"]
    assert thief.get(returned).status_code == 403
    assert thief.get("/sign-in/with/park").status_code == 303  # a flow of its own does not help
    assert thief.get(returned).status_code == 403
    assert browser.get(returned).status_code == 200
    assert browser.get(returned).status_code == 403
    assert httpx2.get(returned).status_code == 403


def test_what_was_proved_is_for_one_thing_and_cannot_be_made(space: Space, people: People, outside: Provider) -> None:
    person = people.person(HOSPITAL, "reviewer").sign_in()
    to_provider_and_back(person.browser, "/sign-in/with/park")
    # Proved to sign in, not to connect: another site may have led here.
    assert person.send("/account/connect").status_code == 403
    assert "You proved at this provider" not in text_of(person.open("/account"))
    to_provider_and_back(person.browser, "/account/connect/park")
    assert person.browser.get("/sign-in/as").status_code == 403
    forged = people.stranger({"corridor-proved": "e30.e30.e30"})
    assert forged.get("/sign-in/as").status_code == 403
    # Nor does a token of the gateway's, which the same key signs.
    token = person.agent.token()
    assert people.stranger({"corridor-proved": token}).get("/sign-in/as").status_code == 403
    proved = person.browser.cookies["corridor-proved"]
    bearer = {"authorization": f"Bearer {proved}"}
    assert space.call(None, "GET", "/v1/me", headers=bearer).status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "W10=", "W1tbW1tbW10=", "[" * 3000, "eyJhIjogMX0=", "bnVsbA==", "é"])
def test_a_cookie_that_is_none_of_ours_begins_nothing(space: Space, people: People, cookie: str) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5000).decode()
    for value in (cookie, deep):
        browser = people.stranger()
        answer = browser.get(
            "/sign-in/with/park/back",
            params={"state": "s", "code": "c"},
            headers={"cookie": f"corridor-flow={value}".encode("latin-1")},
        )
        assert answer.status_code == 403, answer.text


def test_another_site_connects_and_signs_in_nobody(space: Space, people: People, outside: Provider) -> None:
    person = people.person(HOSPITAL, "admin").sign_in()
    to_provider_and_back(person.browser, "/account/connect/park")
    assert person.browser.post("/account/connect").status_code == 403
    stranger = people.stranger()
    to_provider_and_back(stranger, "/sign-in/with/park")
    sent = stranger.post("/sign-in/as", data={"agent": "a-0"}, headers={"sec-fetch-site": "cross-site"})
    assert sent.status_code == 403
    assert people.stranger().get("/account/connect/park").headers["location"].startswith("/sign-in")


def test_the_flow_is_asked_for_as_it_should_be(people: People, outside: Provider, space: Space) -> None:
    answer = people.stranger().get("/sign-in/with/park")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert (asked["response_type"], asked["scope"], asked["code_challenge_method"]) == ("code", "openid", "S256")
    assert asked["redirect_uri"] == f"{space.url}/sign-in/with/park/back"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    again = people.stranger().get("/sign-in/with/park").headers["location"]
    assert {asked["state"], asked["nonce"]}.isdisjoint(
        part for values in parse_qs(urlsplit(again).query).values() for part in values
    )


def begun(folder: Path, outside: Provider) -> tuple[Providers, dict[str, Any]]:
    """Providers that nobody asked yet, and what finishes a flow that was begun with them."""
    providers = Providers.read(written(folder, outside), plain=True)
    park, back = providers.get("park"), "http://here.example/back"
    assert park is not None
    flow, address = providers.begin(park, back=back)
    returned = parse_qs(urlsplit(httpx2.get(address).headers["location"]).query)
    said = {name: returned[name][0] for name in ("state", "code", "iss")}
    return providers, {"provider": park, "flow": flow, "back": back, "now": time.time(), **said}


@pytest.mark.parametrize("lie", [{"long": 400_000}, {"slow": 0.2}], ids=["without end", "trickling"])
def test_a_provider_that_answers_endlessly_is_left_alone_for_a_while(
    tmp_path: Path, outside: Provider, lie: dict[str, Any]
) -> None:
    providers, rest = begun(tmp_path, outside)
    outside.lies |= lie
    started = time.monotonic()
    with pytest.raises(ProviderAway, match="does not answer as it should"):
        providers.finish(**rest)
    assert time.monotonic() - started < 15
    outside.lies.clear()
    asked = len(outside.asked)
    with pytest.raises(ProviderAway, match="a moment ago"):
        providers.finish(**rest)
    assert len(outside.asked) == asked


def test_a_provider_that_leads_elsewhere_is_not_followed(tmp_path: Path, outside: Provider) -> None:
    providers, rest = begun(tmp_path, outside)
    outside.lies["redirect"] = f"{outside.issuer}/inside"
    with pytest.raises(OutsideRefused):
        providers.finish(**rest)
    assert "/inside" not in outside.asked


def test_what_a_stranger_makes_up_does_not_shut_out_others(tmp_path: Path, outside: Provider) -> None:
    """A provider that answers nonsense to nonsense is there all the same."""
    providers, rest = begun(tmp_path, outside)
    outside.lies["html"] = True
    with pytest.raises(OutsideRefused):
        providers.finish(**{**rest, "code": "made up"})
    outside.lies.clear()
    assert providers.finish(**rest).provider == "park"


def test_one_slow_provider_keeps_nobody_from_another(tmp_path: Path, outside: Provider) -> None:
    with provider() as slow:
        one = {"id": "slow", "name": "Slow", "issuer": slow.issuer, "client_id": CLIENT}
        two = {"id": "park", "name": "Park account", "issuer": outside.issuer, "client_id": CLIENT}
        file = tmp_path / "two.json"
        file.write_text(json.dumps({"providers": [one, two]}), encoding="utf-8")
        providers = Providers.read(file, plain=True)
        known, park = providers.get("slow"), providers.get("park")
        assert known is not None
        assert park is not None
        slow.lies["slow"] = 0.04
        with ThreadPoolExecutor(AT_A_TIME) as threads:
            waiting = [threads.submit(providers.begin, known, back="http://x.example/") for _ in range(AT_A_TIME)]
            time.sleep(0.5)
            assert providers.begin(park, back="http://x.example/")
            for each in waiting:
                each.exception()


def test_few_wait_for_a_provider_at_a_time(tmp_path: Path, outside: Provider) -> None:
    """Strangers may begin to sign in as often as they like; the threads that answer everybody are not theirs."""
    providers, rest = begun(tmp_path, outside)
    outside.lies["slow"] = 0.05
    with ThreadPoolExecutor(12) as threads:
        waiting = [threads.submit(providers.finish, **rest) for _ in range(12)]
        told = [type(one.exception()).__name__ + str(one.exception()) for one in waiting]
    assert sum("Many are signing in" in one or "a moment ago" in one for one in told) == 12 - AT_A_TIME


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": "http://inside.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": 7},
        {"jwks_uri": "https://["},
        {"token_endpoint": "https://id.example:99999/"},
    ],
)
def test_what_a_provider_publishes_of_itself_is_read(tmp_path: Path, outside: Provider, lie: dict[str, Any]) -> None:
    providers = Providers.read(written(tmp_path, outside), plain=True)
    park = providers.get("park")
    assert park is not None
    assert providers.begin(park, back="http://here.example/")
    outside.lies["discovery"] = lie
    fresh = Providers.read(written(tmp_path, outside), plain=True)
    with pytest.raises(ProviderAway, match="Park account"):
        fresh.begin(park, back="http://here.example/")


def test_a_key_that_the_provider_changed_is_found(
    tmp_path: Path, space: Space, people: People, outside: Provider
) -> None:
    """Its keys are read again when a token names one that is not known; but not for everybody's invention."""
    before = outside.asked.count("/jwks")
    outside.lies["header"] = {"kid": "invented"}
    for _ in range(5):
        assert to_provider_and_back(people.stranger(), "/sign-in/with/park").status_code == 403
    assert outside.asked.count("/jwks") - before <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://id.example"}, "https"),
        ({"issuer": "https://id.example/#x"}, "https"),
        ({"issuer": "https://id.example/?x=1"}, "https"),
        ({"issuer": "https://["}, "https"),
        ({"id": "Park"}, "providers.0.id"),
        ({"id": "institute"}, "one id"),
        ({"client_secret_file": "missing"}, "missing"),
        ({"client_secret": "in the file"}, "client_secret"),
        ({"name": ""}, "name"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, outside: Provider, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ProvidersMalformed, match=said):
        Providers.read(written(tmp_path, outside, **change), plain="issuer" not in change)
    with pytest.raises(ProvidersMalformed):
        Providers.read(tmp_path / "nothing.json", plain=True)


def test_plain_http_is_for_development_only(tmp_path: Path, outside: Provider) -> None:
    with pytest.raises(ProvidersMalformed, match="https"):
        Providers.read(written(tmp_path, outside), plain=False)
