"""What a shadow saw, at rest; and two processes on one database, of which one brings new rules."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.access.grants import Moved, grant
from gateway.access.ground import stated_purpose
from gateway.access.request import AccessRequest
from gateway.db import Database
from gateway.migrations.migrate import migrate
from gateway.policy import shadows
from gateway.policy.bundle import load_bundle
from gateway.policy.shadows import Counts, Otherwise
from gateway.policy.store import FOLDER, OPERATOR, activations, last_from_folder, note_activation
from gateway.runtime import Runtime
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.policy.engines import bundle, whole_bundle
from tests.space import PHARMA, data_space, token_of, wanted

RULE = "access/rules/core_data/core_data.rego"


def opened(address: str) -> Database:
    db = Database(address)
    with db.writing_connection() as connection, connection.begin():
        migrate(connection)
    return db


def writing(db: Database, change: Any) -> Any:
    from gateway.db import Tx

    with db.writing_connection() as connection, connection.begin():
        return change(Tx(connection))


def test_what_a_shadow_saw_is_added_up_and_the_newest_differences_are_kept(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "MOST_KEPT", 3)
    db = opened(database)
    shadow = writing(db, lambda tx: shadows.begin(tx, bundle(), "first", now=7))
    counts: Counts = Counter({("asked", "different", ""): 2, ("rule", "GEN-01", "new"): 2})
    for number in range(3):
        found = [Otherwise(f"entry-{2 * number + n}", "permit", "deny", (), ("GEN-01", "X-02")) for n in range(2)]
        assert writing(db, lambda tx, found=found: shadows.tally(tx, shadow, counts, found)) is True
    with db.reading_tx() as tx:
        assert shadows.running(tx) == (shadow, bundle().digest)
        kept = shadows.candidate(tx, shadow)
        seen = shadows.seen(tx, most=10)
    assert kept is not None
    assert kept.digest == bundle().digest
    assert seen is not None
    assert (seen.revision, seen.started_at, seen.ended_at) == ("first", 7, None)
    assert seen.counts == {("asked", "different", ""): 6, ("rule", "GEN-01", "new"): 6}
    assert [each.entry for each in seen.differences] == ["entry-5", "entry-4", "entry-3"]
    assert seen.differences[0].new == ("GEN-01", "X-02")
    db.close()


def test_of_a_shadow_that_ended_nothing_is_added_and_another_begins_with_nothing(database: str) -> None:
    db = opened(database)
    shadow = writing(db, lambda tx: shadows.begin(tx, bundle(), "first", now=7))
    counts: Counts = Counter({("asked", "same", ""): 1})
    assert writing(db, lambda tx: shadows.tally(tx, shadow, counts, ())) is True
    assert writing(db, lambda tx: shadows.end(tx, shadow, now=8, why="broke")) is True
    assert writing(db, lambda tx: shadows.end(tx, shadow, now=9, why=None)) is False
    assert writing(db, lambda tx: shadows.tally(tx, shadow, counts, ())) is False
    with db.reading_tx() as tx:
        assert shadows.running(tx) is None
        seen = shadows.seen(tx, most=10)
    assert seen is not None
    assert (seen.ended_at, seen.why, seen.counts) == (8, "broke", counts)
    writing(db, lambda tx: shadows.begin(tx, whole_bundle(), "second", now=10))
    with db.reading_tx() as tx:
        seen = shadows.seen(tx, most=10)
    assert seen is not None
    assert (seen.digest, seen.counts) == (whole_bundle().digest, {})
    db.close()


def test_activations_are_listed_and_the_folders_last_is_found(database: str) -> None:
    db = opened(database)
    with db.reading_tx() as tx:
        assert last_from_folder(tx) is None
    noted = [("a", FOLDER, None), ("b", OPERATOR, "gateway"), ("c", FOLDER, None), ("d", OPERATOR, "committee")]
    for now, (digest, origin, key) in enumerate(noted):

        def note(tx: Any, now: int = now, digest: str = digest, origin: str = origin, key: str | None = key) -> None:
            note_activation(tx, digest, origin, revision=digest, signed_by=key, now=now)

        writing(db, note)
    with db.reading_tx() as tx:
        assert last_from_folder(tx) == "c"
        found = activations(tx, most=3)
    assert [(each.digest, each.signed_by, each.activated_at) for each in found] == [
        ("d", "committee", 3),
        ("c", None, 2),
        ("b", "gateway", 1),
    ]
    db.close()


@pytest.mark.server
def test_every_process_goes_over_and_none_grants_under_what_another_replaced(tmp_path: Path, postgresql: str) -> None:
    """Two processes of one gateway; what is activated or shadowed in one is so in the other."""
    with data_space(tmp_path / "space", database_url=postgresql) as space:
        contract = space.agree(space.datasets["csv"])
        token = token_of(space.agent(PHARMA, "researcher"))["authorization"].removeprefix("Bearer ")
        folder = shutil.copytree(POLICIES, tmp_path / "rules")
        (folder / RULE).write_text("# A rule.\npackage access.rules\n\n" + NEVER)
        (folder / RULE).with_name("core_data_test.rego").write_text(
            "package access.rules_test.core_data\n\ntest_it if true\n"
        )

        async def other() -> None:
            runtime = Runtime(space.settings)
            await runtime.start()
            try:
                caller = await asyncio.to_thread(runtime.directory.verify, token)
                request = AccessRequest.model_validate(wanted(contract))
                archive = of_folder(folder, runtime.home.bundle_key)
                await asyncio.to_thread(space.operator.upload, "/v1/policy/shadow", archive)
                assert shadow_here(runtime) is None
                await asyncio.to_thread(runtime.shadow.follow)
                assert shadow_here(runtime) is not None
                old = await runtime.broker.decided(caller, request, stated_purpose(request), None)
                assert old.decision.result == "permit"
                await asyncio.to_thread(space.operator.upload, "/v1/policy/bundles", archive)
                recorded = await runtime.log.submit(
                    lambda tx: grant(tx, old, instance=runtime.instance, row_cap=None, clock=time.time)
                )
                assert isinstance(recorded.value, Moved)
                new = await runtime.broker.decided(caller, request, stated_purpose(request), None)
                assert (new.decision.result, new.decision.bundle) == ("deny", load_bundle(folder).digest)
                await asyncio.to_thread(space.operator.delete, "/v1/policy/shadow")
                await asyncio.to_thread(runtime.shadow.follow)
                assert shadow_here(runtime) is None
            finally:
                await runtime.close()

        asyncio.run(other())


NEVER = 'verdict["core_data"] := "ok" if input.dataset.core_data == true\n'


def shadow_here(runtime: Runtime) -> Any:
    return runtime.shadow._run
