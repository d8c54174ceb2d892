"""Contract keys on the pages: what waits for the operator, what a lost key stops, contracts put aside."""

from __future__ import annotations

import json
import re
import time

from gateway.crypto.keyrequest import sign_request
from gateway.crypto.private import generate
from tests.space import HOSPITAL, INSTITUTE, OPERATOR, OVERSEAS, PHARMA, Space
from tests.ui.people import People, text_of


def bring(space: Space, did: str, name: str) -> str:
    """A key that no other endorses; its thumbprint."""
    key, kid = generate("Ed25519"), f"{did}#{name}"
    used = space.parties[did].kid
    request = sign_request(key, kid, gateway=space.gateway, iat=int(time.time()), replaces=used)
    admin = space.agent(did, "admin")
    admin.post("/v1/keys", json.loads(request))
    (waiting,) = [one for one in admin.get("/v1/keys/waiting") if one["kid"] == kid]
    return str(waiting["thumbprint"])


def test_the_operator_lets_a_key_in_that_waits(space: Space, people: People) -> None:
    thumbprint = bring(space, INSTITUTE, "contract-2")
    page = f"/organisations/{INSTITUTE}"
    operator = people.person(OPERATOR, OPERATOR).sign_in()
    admin = people.person(INSTITUTE, "admin").sign_in()
    stranger = people.person(PHARMA, "admin").sign_in()
    assert "A key to let in" in text_of(operator.open("/"))
    assert "A key to let in" not in text_of(admin.open("/"))
    for person in (operator, admin):
        assert thumbprint in text_of(person.open(page))
    assert thumbprint not in stranger.open(page).text
    for person in (admin, stranger):
        assert "put it in use" not in text_of(person.open(page))
        assert person.send(f"{page}/keys/contract-2/approve").status_code == 403
    assert operator.send(f"{page}/keys/contract-2/approve").status_code == 303
    said = text_of(stranger.open(page))
    assert f"{thumbprint} in use" in said
    assert "retired" in said
    assert operator.send(f"{page}/keys/contract-2/refuse").status_code == 409
    bring(space, OVERSEAS, "contract-2")
    assert operator.send(f"/organisations/{OVERSEAS}/keys/contract-2/refuse").status_code == 303
    assert "Nothing waits for you" in text_of(operator.open("/"))


def test_what_a_lost_key_stops_is_shown_before_it_is_taken_out(space: Space, people: People) -> None:
    contract = space.agree(space.datasets["csv"])
    name = space.parties[PHARMA].key_name
    page = f"/organisations/{PHARMA}/keys/{name}/compromised"
    admin = people.person(PHARMA, "admin").sign_in()
    provider = people.person(HOSPITAL, "provider").sign_in()
    assert "Contracts in force and drafts that were signed with it: 1" in text_of(admin.open(page))
    for who in (provider, people.person(PHARMA, "officer").sign_in()):
        assert who.open(page).status_code == 403
        assert who.send(page).status_code == 403
    assert people.person(HOSPITAL, "admin").sign_in().open(page).status_code == 404
    assert admin.open(f"/organisations/{PHARMA}/keys/never-was/compromised").status_code == 404
    for wrong, why in (
        ("yesterday", "as the page does"),
        ("2126-01-01T00:00", "future"),
        ("0001-01-01T00:00", "after 1970"),
        ("1969-12-31T23:59", "after 1970"),
        ("2026-W01", "as the page does"),
        ("2026-01-01", "as the page does"),
    ):
        answer = admin.send(page, since=wrong)
        assert answer.status_code == 422
        assert why in text_of(answer)
    assert space.agent(PHARMA, "admin").get(f"/v1/contracts/{contract}")["state"] == "FINALIZED"
    # A minute ago is before the contract was accepted: it stops.
    moment = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 60))
    assert admin.send(page, since=moment).status_code == 303
    said = text_of(provider.open(f"/contracts/{contract}"))
    assert "Nothing is granted under it until its suspension is taken back." in said
    assert f"{PHARMA}#{name}" in said
    assert "compromised" in text_of(provider.open(f"/organisations/{PHARMA}"))
    space.new_key(PHARMA)


def test_a_provider_puts_a_contract_aside_and_takes_it_up_again(space: Space, people: People) -> None:
    contract = space.agree(space.datasets["csv"])
    page = f"/contracts/{contract}"
    provider = people.person(HOSPITAL, "provider").sign_in()
    consumer = people.person(PHARMA, "admin").sign_in()
    assert "Suspend it" not in text_of(consumer.open(page))
    assert consumer.send(f"{page}/suspend").status_code == 409
    assert provider.send(f"{page}/suspend").status_code == 303
    assert "Take it up again" in text_of(provider.open(page))
    assert "Take it up again" not in text_of(consumer.open(page))
    assert consumer.send(f"{page}/reinstate").status_code == 409
    assert space.ask(contract).status_code == 403
    assert provider.send(f"{page}/reinstate").status_code == 303
    assert space.ask(contract).status_code == 200


def test_a_provider_lifts_its_own_suspension_while_the_operator_holds_another(space: Space, people: People) -> None:
    contract = space.agree(space.datasets["csv"])
    page = f"/contracts/{contract}"
    provider = people.person(HOSPITAL, "provider").sign_in()
    space.operator.post(f"/v1/contracts/{contract}/suspend", {})
    held = text_of(provider.open(page))
    assert "Suspend it" in held
    assert "Take it up again" not in held
    assert "Lift our suspension" not in held
    assert provider.send(f"{page}/reinstate").status_code == 409
    assert provider.send(f"{page}/suspend").status_code == 303
    both = text_of(provider.open(page))
    assert "Lift our suspension" in both
    assert "Suspend it" not in both
    assert provider.send(f"{page}/reinstate").status_code == 303
    assert "Suspend it" in text_of(provider.open(page))
    assert space.ask(contract).status_code == 403
    space.operator.post(f"/v1/contracts/{contract}/reinstate", {})
    assert space.ask(contract).status_code == 200


def test_an_organisation_whose_did_names_a_port_has_a_page(space: Space, people: People) -> None:
    did = "did:web:clinic.example%3A8443"
    party = space.admit(did, "hospital")
    operator = people.person(OPERATOR, OPERATOR).sign_in()
    address = re.search(r'<a href="(/organisations/[^"]+clinic[^"]+)"', operator.open("/organisations").text)
    assert address is not None
    page = operator.open(address[1])
    assert did in text_of(page)
    forms = re.findall(r'action="(/organisations/[^"]+)"', page.text)
    assert [form.rpartition("/")[2] for form in forms] == ["suspend"]
    for verb, state in (("suspend", "suspended"), ("reinstate", "active")):
        answer = operator.send(f"{address[1]}/{verb}")
        assert answer.status_code == 303
        assert did in text_of(operator.open(answer.headers["location"]))
        assert next(one for one in space.operator.get("/v1/participants") if one["id"] == did)["state"] == state
    name = party.key_name
    assert party.kid in text_of(operator.open(f"{address[1]}/keys/{name}/compromised"))
    assert operator.send(f"{address[1]}/keys/{name}/compromised").headers["location"] == address[1]


def test_the_page_signs_with_the_key_in_use(space: Space, people: People) -> None:
    draft = space.accept(space.offer(space.datasets["csv"], consumer=INSTITUTE)["id"], consumer=INSTITUTE)["id"]
    kid = next(
        key["kid"]
        for key in space.agent(INSTITUTE, "admin").get(f"/v1/participants/{INSTITUTE}/keys")
        if key["state"] == "active"
    )
    assert f'value="{kid}"' in people.person(INSTITUTE, "admin").sign_in().open(f"/contracts/{draft}").text
