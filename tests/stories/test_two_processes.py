"""Two gateways on one database: what one of them takes away is gone in the other, also under a delivery's feet."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from gateway.cli.demo import free_port, serving
from tests.space import data_space, token_of
from tests.stories.test_exports import AUTHORITY, BRANCH, allow
from tests.stories.test_revocation import (
    BIG_COLUMNS,
    BIG_ROWS,
    agree_big,
    end_of,
    publish_big,
    rest,
    wanted,
    write_big,
)

pytestmark = pytest.mark.server


def test_a_withdrawal_here_stops_a_stream_there(tmp_path: Path, postgresql: str) -> None:
    with data_space(tmp_path, database_url=postgresql) as space:
        space.admit(BRANCH, "pharma", overseas_entity=True)
        space.admit(AUTHORITY, "regulator", for_profit=False, public_body=True)
        space.operator.post("/v1/issuers", {"participant": AUTHORITY, "kinds": ["export"]})
        write_big(space)
        dataset = publish_big(space, persons=BIG_ROWS)
        contract = agree_big(space, dataset, consumer=BRANCH)
        approval = allow(space, "assessment", dataset)
        port = free_port()
        with serving(space.settings, port), httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as there:
            headers = token_of(space.agent(BRANCH, "researcher"))
            body = wanted(contract, columns=BIG_COLUMNS, format="arrow")
            # The other process has just read the ground, and remembers it for a while.
            small = there.post("/v1/access", json=wanted(contract, columns=["a"], limit=1), headers=headers)
            assert small.status_code == 200, small.text
            with there.stream("POST", "/v1/access", json=body, headers=headers) as response:
                assert response.status_code == 200, response.read()
                pieces = response.iter_raw()
                got = len(next(pieces))
                space.operator.post(f"/v1/approvals/{approval}/withdraw", {})
                got, whole = rest(pieces, got)
                entry = response.headers["corridor-entry"]
            assert not whole
            assert got < BIG_ROWS * 8 * len(BIG_COLUMNS) / 2
            assert "delivery-stopped" in end_of(space, entry)["event"]["reason"]
            refused = there.post("/v1/access", json=wanted(contract, columns=["a"]), headers=headers)
            assert {reason["code"] for reason in refused.json()["reasons"]} == {"XB-04"}
