"""Where an agent sits is the operator's word, not its participant's own."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.crypto.private import generate, public_jwk
from gateway.sdk.refusals import Refused
from tests.space import OVERSEAS, PHARMA, Space


def _agent(**members: Any) -> dict[str, Any]:
    key = public_jwk(generate("ES256"))
    return {"label": "elsewhere", "roles": ["researcher"], "location": "CN-BJ", "key": key, **members}


@pytest.mark.parametrize(
    ("participant", "members"),
    [
        (PHARMA, {"secure_environment": True}),
        (PHARMA, {"location": "DE"}),
        (OVERSEAS, {"location": "CN-BJ"}),
        (OVERSEAS, {"location": "DE", "secure_environment": True}),
    ],
)
def test_a_participant_cannot_place_its_agents_itself(space: Space, participant: str, members: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="vouches for no such site"):
        space.agent(participant, "admin").post("/v1/agents", _agent(**members))


def test_an_agent_sits_anywhere_in_its_participants_own_country(space: Space) -> None:
    assert space.agent(PHARMA, "admin").post("/v1/agents", _agent(location="CN-SH"))["location"] == "CN-SH"
