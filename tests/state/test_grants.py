"""Grants at their commit: what the decision stood on may have moved since, in this process or in another."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from gateway.access.errors import ContractExhausted
from gateway.access.grants import Asked, End, Granted, Moved, grant, settle
from gateway.access.ground import stated_purpose
from gateway.access.request import AccessRequest
from gateway.audit import state
from gateway.audit.log import Log, Outcome
from gateway.contracts import in_force
from gateway.db import Tx
from gateway.runtime import Runtime
from gateway.settings import Settings
from tests.audit.harness.logs import entry
from tests.space import PHARMA, Space, data_space, token_of, wanted

USES = 5


def agreed(folder: Path, database: str | None) -> Space:
    """A data space with a contract in force, whose own gateway is down again."""
    with data_space(folder, database_url=database) as made:
        made.datasets["contract"] = made.agree(made.datasets["csv"], uses=USES, rows=1000)
        token_of(made.agent(PHARMA, "researcher"))
    return made


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """One on SQLite, to make copies of."""
    return agreed(tmp_path_factory.mktemp("embedded"), None)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def space(request: pytest.FixtureRequest, tmp_path: Path) -> Space:
    if request.param == "postgresql":
        return agreed(tmp_path, request.getfixturevalue("postgresql"))
    own = copy(request.getfixturevalue("embedded"))
    shutil.copytree(own.settings.home, tmp_path / "gateway")
    own.settings = Settings(home=tmp_path / "gateway")
    return own


def decided(space: Space, work: Callable[[Runtime, Asked], Any]) -> Any:
    """What `work` makes of a request that was permitted, in a gateway of this process, once the space's own is down."""

    async def run() -> Any:
        runtime = Runtime(space.settings)
        await runtime.start()
        try:
            token = token_of(space.agent(PHARMA, "researcher"))["authorization"].removeprefix("Bearer ")
            caller = await asyncio.to_thread(runtime.directory.verify, token)
            request = AccessRequest.model_validate(wanted(space.datasets["contract"]))
            asked = await runtime.broker.decided(caller, request, stated_purpose(request), None)
            assert asked.decision.result == "permit"
            return await asyncio.to_thread(work, runtime, asked)
        finally:
            await runtime.close()

    return asyncio.run(run())


def taking(asked: Asked, *, row_cap: int | None = 100) -> Callable[[Tx], Outcome]:
    return lambda tx: grant(tx, asked, instance="this one", row_cap=row_cap, clock=time.time)


def usage(log: Log, asked: Asked) -> tuple[int, int]:
    with log.db.reading_tx() as tx:
        sql = "SELECT uses, rows_taken FROM contract_usage WHERE contract = ?"
        return tuple(tx.execute(sql, (asked.ground.contract.id,)).fetchone())


def size(log: Log) -> int:
    with log.db.reading_tx() as tx:
        return int(tx.execute("SELECT size FROM log_head").fetchone()[0])


def bump(tx: Tx) -> Outcome:
    state.bump_epoch(tx)
    return Outcome((entry("urn:uuid:revoked"),))


def other_bundle(tx: Tx) -> Outcome:
    state.activate_bundle(tx, "sha256:another")
    return Outcome((entry("urn:uuid:published"),))


def revoke(asked: Asked) -> Callable[[Tx], Outcome]:
    contract = asked.ground.contract
    return lambda tx: in_force.revoke(tx, contract.id, contract.provider, asked.deed)


def test_a_decision_that_stands_is_granted_and_takes_a_use(space: Space) -> None:
    def work(runtime: Runtime, asked: Asked) -> None:
        before = size(runtime.log)
        granted = runtime.log.record(taking(asked))
        assert granted.value == Granted(granted.ids[0], 100)
        assert granted.indices == (before,)
        assert usage(runtime.log, asked) == (1, 100)
        end = End(complete=True, rows=30, bytes=10, sha256="ab" * 32)
        settled = runtime.log.record(lambda tx: settle(tx, granted.ids[0], end, asked.deed))
        assert len(settled.ids) == 1
        assert usage(runtime.log, asked) == (1, 30)
        again = runtime.log.record(lambda tx: settle(tx, granted.ids[0], end, asked.deed))
        assert again.ids == ()
        assert usage(runtime.log, asked) == (1, 30)

    decided(space, work)


@pytest.mark.parametrize("moving", [bump, other_bundle], ids=["the epoch", "the bundle"])
def test_a_decision_under_what_no_longer_stands_is_never_granted(space: Space, moving: Any) -> None:
    def work(runtime: Runtime, asked: Asked) -> None:
        runtime.log.record(moving)
        before = size(runtime.log)
        answer = runtime.log.record(taking(asked))
        assert answer.value == Moved(runtime.log.standing)
        assert runtime.log.standing != asked.ground.standing
        assert answer.ids == ()
        assert size(runtime.log) == before
        assert usage(runtime.log, asked) == (0, 0)
        with runtime.db.reading_tx() as tx:
            assert tx.execute("SELECT count(*) FROM delivery").fetchone()[0] == 0
            assert tx.execute("SELECT count(*) FROM decision_input").fetchone()[0] == 0

    decided(space, work)


@pytest.mark.server
def test_a_revocation_in_one_process_stops_grants_in_every_other(postgresql: str, tmp_path: Path) -> None:
    with data_space(tmp_path, database_url=postgresql) as made:
        made.datasets["contract"] = made.agree(made.datasets["csv"])  # without an end of uses
        token_of(made.agent(PHARMA, "researcher"))

    def work(runtime: Runtime, asked: Asked) -> None:
        other = Log(type(runtime.db)(postgresql), signer=runtime.home.log, clock=runtime.clock)
        other.start()
        granted: list[int] = []
        moved = threading.Event()

        def ask() -> None:
            while True:
                answer = runtime.log.record(taking(asked, row_cap=None))
                if isinstance(answer.value, Moved):
                    moved.set()
                    return
                granted.append(answer.indices[0])

        try:
            with ThreadPoolExecutor(4) as pool:
                asking = [pool.submit(ask) for _ in range(4)]
                while len(granted) < 40:
                    threading.Event().wait(0.001)
                revoked = other.record(revoke(asked)).indices[0]
                assert moved.wait(20)
                for future in asking:
                    future.result(20)
        finally:
            other.close()
            other.db.close()
        assert max(granted) < revoked
        assert usage(runtime.log, asked)[0] == len(granted)

    decided(made, work)


def test_no_grant_commits_once_a_revocation_is_acknowledged(space: Space) -> None:
    def work(runtime: Runtime, asked: Asked) -> None:
        done = runtime.log.record(revoke(asked))
        answers = [runtime.log.record(taking(asked)).value for _ in range(3)]
        assert all(isinstance(answer, Moved) for answer in answers)
        assert size(runtime.log) == done.size

    decided(space, work)


def test_exactly_as_many_uses_as_the_contract_has_are_taken_by_callers_at_once(space: Space) -> None:
    def work(runtime: Runtime, asked: Asked) -> None:
        def take(_number: int) -> bool:
            try:
                return isinstance(runtime.log.record(taking(asked, row_cap=1)).value, Granted)
            except ContractExhausted as exhausted:
                refusals.append(exhausted.members)
                return False

        refusals: list[dict[str, Any]] = []
        before = size(runtime.log)
        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(take, range(40))) == USES
        assert {refusal["spent"] for refusal in refusals} == {"uses"}
        assert len({refusal["entry"] for refusal in refusals}) == 40 - USES
        assert usage(runtime.log, asked) == (USES, USES)
        assert size(runtime.log) == before + 40  # the refusals are recorded too

    decided(space, work)


def test_rows_that_running_deliveries_have_reserved_are_not_promised_again(space: Space) -> None:
    def work(runtime: Runtime, asked: Asked) -> None:
        first = runtime.log.record(taking(asked, row_cap=900))
        second = runtime.log.record(taking(asked, row_cap=900))
        assert (first.value.rows, second.value.rows) == (900, 100)
        with pytest.raises(ContractExhausted, match="rows"):
            runtime.log.record(taking(asked, row_cap=900))
        end = End(complete=False, rows=0, bytes=0, sha256="", refund=True)
        runtime.log.record(lambda tx: settle(tx, first.ids[0], end, asked.deed))
        assert usage(runtime.log, asked) == (1, 100)
        assert runtime.log.record(taking(asked, row_cap=500)).value.rows == 500

    decided(space, work)
