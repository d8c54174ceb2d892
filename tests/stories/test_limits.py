"""What one organisation can use up is bounded, and what a caller sends does not stand in the log in its own words."""

from __future__ import annotations

import pytest

from gateway.contracts import lifecycle
from gateway.sdk.refusals import Refused
from tests.space import HOSPITAL, INSTITUTE, PHARMA, Space, wanted


def test_drafts_that_nothing_comes_of_are_limited(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "MAX_DRAFTS", 3)
    offer = space.offer(space.datasets["csv"], consumer=None)["id"]
    drafts = [space.accept(offer, consumer=INSTITUTE)["id"] for _ in range(3)]
    with pytest.raises(Refused) as told:
        space.accept(offer, consumer=INSTITUTE)
    assert told.value.code == "too-many-drafts"
    space.agent(INSTITUTE, "researcher").post(f"/v1/contracts/{drafts[0]}/decline", {})
    with pytest.raises(Refused):  # declining makes no room: each took a place of the status list
        space.accept(offer, consumer=INSTITUTE)
    assert space.accept(offer, consumer=PHARMA)["state"] == "AGREED"  # nobody else is kept from anything
    for did in (HOSPITAL, INSTITUTE):
        space.sign(drafts[1], did)
    assert space.accept(offer, consumer=INSTITUTE)["state"] == "AGREED"  # one was concluded


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Wang.Xiaoming-1980-03-02", False),
        ("13800138000", False),
        ("x" * 32, False),
        ("01a2191b-39cc-735b-9071-6b07be86249a", True),
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
    ],
)
def test_a_request_id_is_an_id_and_nobodys_words(space: Space, sent: str, kept: bool) -> None:
    contract = space.agree(space.datasets["csv"])
    headers = {"x-request-id": sent}
    answer = space.call(space.agent(PHARMA, "researcher"), "POST", "/v1/access", json=wanted(contract), headers=headers)
    assert (answer.headers["x-request-id"] == sent) is kept
    entry = space.entries(contract=contract, type="access.decision")[0]
    assert (entry["request"]["request_id"] == sent) is kept
    assert entry["request"]["request_id"] == answer.headers["x-request-id"]
