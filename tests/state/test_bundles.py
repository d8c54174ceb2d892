"""Which rules decide: the last ones that passed their trial, in every process, from one commit on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gateway.policy.trial as trials
from gateway.access.ground import stated_purpose
from gateway.access.request import AccessRequest
from gateway.audit import state
from gateway.audit.log import Outcome
from gateway.db import Tx
from gateway.policy.bundle import load_bundle
from gateway.policy.decision import Decision
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.store import keep_bundle, kept_bundle
from gateway.runtime import Runtime
from gateway.settings import POLICIES, Settings
from tests.space import PHARMA, Space, data_space, token_of, wanted

RULE = "access/rules/core_data/core_data.rego"
LOOPS = (
    'verdict["core_data"] := "ok" if {\n\tcount([1 |\n\t\tsome i in numbers.range(1, 30000)\n'
    "\t\tsome j in numbers.range(1, 30000)\n\t\ti + j == 0\n\t]) == 0\n}"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """A space whose gateway is down again, with one decision in its log."""
    with data_space(tmp_path_factory.mktemp("made")) as space:
        space.datasets["contract"] = space.agree(space.datasets["csv"])
        assert space.ask(space.datasets["contract"]).status_code == 200
        token_of(space.agent(PHARMA, "researcher"))
    return space


@pytest.fixture
def home(made: Space, tmp_path: Path) -> Path:
    return shutil.copytree(made.settings.home, tmp_path / "gateway")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policies that a test may break."""
    return shutil.copytree(POLICIES, tmp_path / "policies")


def running(settings: Settings, work: Callable[[Runtime], Any]) -> Any:
    async def run() -> Any:
        runtime = Runtime(settings)
        await runtime.start()
        try:
            return await work(runtime)
        finally:
            await runtime.close()

    return asyncio.run(run())


async def asked(made: Space, runtime: Runtime) -> Decision:
    token = token_of(made.agent(PHARMA, "researcher"))["authorization"].removeprefix("Bearer ")
    caller = await asyncio.to_thread(runtime.directory.verify, token)
    request = AccessRequest.model_validate(wanted(made.datasets["contract"]))
    return (await runtime.broker.decided(caller, request, stated_purpose(request), None)).decision


def published(runtime: Runtime) -> int:
    with runtime.db.reading_tx() as tx:
        return int(tx.execute("SELECT count(*) FROM log_entry WHERE type = 'policy.published'").fetchone()[0])


def rewritten(folder: Path, text: str) -> None:
    (folder / RULE).write_text(f"# A rule.\npackage access.rules\n\n{text}\n")


def test_other_rules_decide_from_the_next_start_on_and_it_is_an_entry(made: Space, home: Path, folder: Path) -> None:
    rewritten(folder, 'verdict["core_data"] := "ok" if input.dataset.core_data == true')
    digest = load_bundle(folder).digest

    async def work(runtime: Runtime) -> None:
        assert runtime.log.standing.bundle == digest
        assert published(runtime) == 1
        decision = await asked(made, runtime)
        assert (decision.result, decision.bundle) == ("deny", digest)

    running(Settings(home=home, policies=folder), work)


@pytest.mark.parametrize("broken", ["missing", "does not compile", "no package", "loops", "never answers"])
def test_rules_that_fail_their_trial_are_not_activated_and_the_old_ones_go_on(
    made: Space, home: Path, folder: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_bundle(POLICIES).digest
    if broken == "missing":
        shutil.rmtree(folder / "access/rules/core_data")
    elif broken == "no package":
        (folder / RULE).write_text("nothing\n")
    elif broken == "does not compile":
        rewritten(folder, 'verdict["core_data"] := "ok" if {')
    elif broken == "loops":
        monkeypatch.setattr(trials, "ANSWER_S", 1.0)
        rewritten(folder, LOOPS)
    else:
        text = (folder / "access/decision/decision.rego").read_text()
        (folder / "access/decision/decision.rego").write_text(
            text.replace("decision := answer if {", "decision := answer if {\n\tinput.nowhere")
        )

    async def work(runtime: Runtime) -> None:
        assert runtime.log.standing.bundle == before
        assert published(runtime) == 0
        decision = await asked(made, runtime)
        assert (decision.result, decision.bundle) == ("permit", before)

    running(Settings(home=home, policies=folder), work)


def test_without_rules_that_decided_before_a_broken_folder_keeps_the_gateway_down(home: Path, folder: Path) -> None:
    running(Settings(home=home), forgotten)
    rewritten(folder, 'verdict["core_data"] := "ok" if {')
    (folder / RULE).write_text("nothing\n")
    runtime = Runtime(Settings(home=home, policies=folder))
    with pytest.raises(BundleInvalid, match="core_data"):
        runtime.look_first()
    runtime.db.close()
    with pytest.raises(BundleInvalid, match="core_data"):
        running(Settings(home=home, policies=folder), forgotten)


async def forgotten(runtime: Runtime) -> None:
    def forget(tx: Tx) -> Outcome:
        tx.execute("DELETE FROM policy_bundle")
        return Outcome(())

    await runtime.log.submit(forget)


def test_a_running_process_follows_what_another_activated(made: Space, home: Path, folder: Path) -> None:
    rewritten(folder, 'verdict["core_data"] := "ok" if input.dataset.core_data == true')
    other = load_bundle(folder)

    def activate(tx: Tx) -> Outcome:
        keep_bundle(tx, other, now=0)
        state.activate_bundle(tx, other.digest)
        return Outcome(())

    async def work(runtime: Runtime) -> None:
        assert (await asked(made, runtime)).result == "permit"
        await runtime.log.submit(activate)
        decision = await asked(made, runtime)
        assert (decision.result, decision.bundle) == ("deny", other.digest)
        assert runtime.policies.current.bundle.rules == other.rules

    running(Settings(home=home), work)


def test_rules_that_are_not_kept_decide_nothing(made: Space, home: Path) -> None:
    def activate(tx: Tx) -> Outcome:
        state.activate_bundle(tx, "sha256:" + "00" * 32)
        return Outcome(())

    async def work(runtime: Runtime) -> None:
        await runtime.log.submit(activate)
        with pytest.raises(PolicyUnavailable):
            await asked(made, runtime)

    running(Settings(home=home), work)


def test_a_kept_bundle_that_was_changed_is_not_used(home: Path) -> None:
    digest = load_bundle(POLICIES).digest

    def bend(tx: Tx) -> Outcome:
        bundle = load_bundle(POLICIES)
        files = {**bundle.files, RULE: bundle.files[RULE] + b"\n"}
        object.__setattr__(bundle, "files", files)
        tx.execute("DELETE FROM policy_bundle")
        keep_bundle(tx, bundle, now=0)
        return Outcome(())

    async def work(runtime: Runtime) -> None:
        await runtime.log.submit(bend)
        with runtime.db.reading_tx() as tx, pytest.raises(BundleInvalid, match="another"):
            kept_bundle(tx, digest)

    running(Settings(home=home), work)
