"""Several gateway processes on one PostgreSQL: one log, one standing, nothing granted under what is over."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from gateway.audit import state
from gateway.audit.log import Log, Outcome
from gateway.audit.reader import party_entries
from gateway.db import Tx
from tests.audit.harness.logs import entry, judge, make_log, one, running
from tests.audit.small_log import HOSPITAL, PHARMA

pytestmark = pytest.mark.server
EACH = 150


def _append(url: str, name: str, ready: Any, answers: Any) -> None:
    with running(url) as log:
        ready.wait(30)
        got = [log.record(one(f"urn:uuid:{name}-{n}")) for n in range(EACH)]
        answers.put([(answer.indices[0], answer.ids[0]) for answer in got])


def test_two_processes_append_to_one_log_without_a_gap_or_a_fork(postgresql: str) -> None:
    make_log(postgresql)
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_append, args=(postgresql, name, ready, answers)) for name in ("a", "b")]
    for process in processes:
        process.start()
    acknowledged = dict(answers.get(timeout=60) + answers.get(timeout=60))
    for process in processes:
        process.join(30)
    assert sorted(acknowledged) == list(range(2 * EACH))
    with running(postgresql) as log:
        records = judge(log.db)
        with log.db.reading_tx() as tx:
            for party in (HOSPITAL, PHARMA):
                numbers = [opening.seq for _, opening in party_entries(tx, party, size=2 * EACH)]
                assert numbers == list(range(1, 2 * EACH + 1))
    assert {index: records[index]["id"] for index in acknowledged} == acknowledged
    whose = "".join(record["objects"][0]["id"].split(":")[2][0] for record in records)
    assert "ab" in whose  # they took turns
    assert "ba" in whose


@pytest.fixture
def pair(postgresql: str) -> Any:
    """Two logs with a connection each, as two processes have them."""
    make_log(postgresql)
    with running(postgresql) as first, running(postgresql) as second:
        yield first, second


def test_what_one_process_changes_stands_in_the_others_next_batch(pair: tuple[Log, Log]) -> None:
    first, second = pair
    before = second.standing

    def revoke(tx: Tx) -> Outcome:
        state.bump_epoch(tx)
        return Outcome((entry("urn:uuid:revoked"),))

    first.record(revoke)
    first.record(lambda tx: state.activate_bundle(tx, "sha256:new") or Outcome(()))
    assert second.standing == before  # good enough to decide under, until it writes
    seen = second.record(lambda tx: Outcome((), value=state.standing(tx)))
    assert seen.value == second.standing == first.standing
    assert second.standing.epoch == before.epoch + 2
    assert second.standing.bundle == "sha256:new"


def test_batches_of_two_writers_take_turns_on_the_head(pair: tuple[Log, Log]) -> None:
    indices = [log.record(one()).indices[0] for log in pair * 20]
    assert indices == list(range(40))
    judge(pair[0].db)
