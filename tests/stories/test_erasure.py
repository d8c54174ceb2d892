"""What may have to be erased is kept off the log: it goes, and every entry and proof stays."""

from __future__ import annotations

import pytest

from gateway.access.retention import AT_ONCE, YEAR_S, erase_old_inputs
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Source
from gateway.audit.log import Log, Outcome
from gateway.db import Tx
from gateway.ids import uuid7_floor
from gateway.sdk.refusals import Refused
from tests.audit.harness.logs import make_log, running
from tests.space import HOSPITAL, PHARMA, Space

NOW = 1_900_000_000.0


def test_whom_a_handle_stands_for_is_erased_and_the_log_is_as_it_was(space: Space) -> None:
    admin = space.agent(PHARMA, "admin")
    leaving = space.enrol(PHARMA, "researcher", name="leaving")
    handle = leaving.agent.agent
    contract = space.agree(space.datasets["csv"])
    body = {"contract": contract, "action": "read", "mode": "M5", "purpose": {"id": "P05"}, "columns": ["sex"]}
    entry = space.call(leaving, "POST", "/v1/access", json=body).headers["corridor-entry"]
    before = space.operator.get(f"/v1/audit/entries/{entry}")
    with pytest.raises(Refused) as told:
        admin.post(f"/v1/agents/{handle}/erase", {})
    assert told.value.code == "wrong-state"
    admin.post(f"/v1/agents/{handle}/suspend", {})
    admin.post(f"/v1/agents/{handle}/erase", {})
    [shown] = [agent for agent in admin.get("/v1/agents") if agent["id"] == handle]
    assert (shown["label"], shown["state"]) == ("", "erased")
    assert space.operator.get(f"/v1/audit/entries/{entry}") == before
    assert space.entries(type="record.erased")[0]["facts"] == {"kind": "agent-label"}
    # Nobody comes back under it.
    with pytest.raises(Refused):
        admin.post(f"/v1/agents/{handle}/reinstate", {})
    assert space.call(None, "GET", "/v1/me", headers={"authorization": f"Bearer {leaving._token}"}).status_code == 401


def test_nobody_erases_anothers(space: Space) -> None:
    handle = space.agent(HOSPITAL, "officer").agent.agent
    with pytest.raises(Refused) as told:
        space.agent(PHARMA, "admin").post(f"/v1/agents/{handle}/erase", {})
    assert told.value.code == "not-found"


def keep(log: Log, at: float, count: int = 1) -> None:
    """So many inputs of decisions made at this moment."""
    begin = int(uuid7_floor(at).replace("-", ""), 16)

    def change(tx: Tx) -> Outcome:
        for n in range(count):
            digits = f"{begin + n:032x}"
            entry = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
            tx.execute("INSERT INTO decision_input (entry, salt, document) VALUES (?, ?, ?)", (entry, b"s", b"{}"))
        return Outcome(())

    log.record(change)


def left(log: Log) -> int:
    with log.db.reading_tx() as tx:
        return int(tx.execute("SELECT count(*) FROM decision_input").fetchone()[0])


def erased(log: Log, years: int = 3) -> int:
    deed = Deed(Actor("gateway", HOSPITAL), Source("here"), NOW)
    return int(log.record(lambda tx: erase_old_inputs(tx, deed, years=years, operator=HOSPITAL)).value)


def test_inputs_go_when_their_time_is_over_and_not_a_second_before(database: str) -> None:
    make_log(database)
    with running(database) as log:
        limit = NOW - 3 * YEAR_S
        keep(log, limit - 1)
        keep(log, limit)
        size = log.record(lambda _tx: Outcome(())).size
        assert erased(log) == 1
        assert left(log) == 1
        assert log.record(lambda _tx: Outcome(())).size == size + 1
        # Nothing old is left: nothing is done, and nothing written.
        assert erased(log) == 0
        assert log.record(lambda _tx: Outcome(())).size == size + 1
        assert erased(log, years=2) == 1


def test_many_go_a_part_at_a_time(database: str) -> None:
    make_log(database)
    with running(database) as log:
        keep(log, NOW - 10 * YEAR_S, AT_ONCE + 5)
        keep(log, NOW)
        assert [erased(log) for _ in range(3)] == [AT_ONCE, 5, 0]
        assert left(log) == 1
