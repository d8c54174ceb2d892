"""Which rules decide: the last ones that passed their trial, in every process, from one commit on."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gateway.policy.trial as trials
from gateway.access.errors import AccessDenied
from gateway.access.grants import Moved, grant
from gateway.access.ground import stated_purpose
from gateway.access.request import AccessRequest
from gateway.audit import state
from gateway.audit.log import Outcome
from gateway.crypto.keys import screen
from gateway.crypto.pem import to_pem
from gateway.crypto.private import generate, public_jwk
from gateway.db import Tx
from gateway.founding import initialise
from gateway.home import Home
from gateway.policy.archive import contents, packed
from gateway.policy.bundle import load_bundle
from gateway.policy.decision import Decision
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.lifecycle import Activated
from gateway.policy.signing import SIGNATURES, sign_files
from gateway.policy.store import activations, keep_bundle, kept_bundle
from gateway.runtime import Runtime
from gateway.settings import POLICIES, Settings
from tests.policy.archives import of_folder
from tests.space import PHARMA, Space, data_space, token_of, wanted

RULE = "access/rules/core_data/core_data.rego"
LOOPS = (
    'verdict["core_data"] := "ok" if {\n\tcount([1 |\n\t\tsome i in numbers.range(1, 30000)\n'
    "\t\tsome j in numbers.range(1, 30000)\n\t\ti + j == 0\n\t]) == 0\n}"
)


ALWAYS = 'verdict["core_data"] := "ok"'
NEVER = 'verdict["core_data"] := "ok" if input.dataset.core_data == true'


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


def rewritten(folder: Path, text: str, test: str = "true") -> None:
    """The rule with another body, and a test that is content with it."""
    (folder / RULE).write_text(f"# A rule.\npackage access.rules\n\n{text}\n")
    own = (folder / RULE).with_name("core_data_test.rego")
    own.write_text(f"package access.rules_test.core_data\n\ntest_it if {test}\n")


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_other_rules_decide_from_the_next_start_on_and_it_is_an_entry(made: Space, home: Path, folder: Path) -> None:
    rewritten(folder, 'verdict["core_data"] := "ok" if input.dataset.core_data == true')
    digest = load_bundle(folder).digest

    async def work(runtime: Runtime) -> None:
        assert runtime.log.standing.bundle == digest
        assert published(runtime) == 1
        decision = await asked(made, runtime)
        assert (decision.result, decision.bundle) == ("deny", digest)

    running(Settings(home=home, policies=folder), work)


@pytest.mark.parametrize(
    "broken", ["missing", "does not compile", "no package", "loops", "never answers", "fails its test", "no test"]
)
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
    elif broken == "fails its test":
        rewritten(folder, ALWAYS, "false")
    elif broken == "no test":
        (folder / RULE).with_name("core_data_test.rego").unlink()
        rewrite(folder / RULE, "out of reach", "far away")
    elif broken == "loops":
        monkeypatch.setattr(trials, "ANSWER_S", 1.0)
        rewritten(folder, LOOPS)
    else:
        text = (folder / "access/decision/decision.rego").read_text()
        (folder / "access/decision/decision.rego").write_text(
            text.replace("decision := answer if {", "decision := answer if {\n\tinput.nowhere")
        )
        own = "package access.decision_test\n\ntest_it if true\n"
        (folder / "access/decision/decision_test.rego").write_text(own)

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


# -- while the gateway runs ----------------------------------------------------------------------------------------


def signed(runtime: Runtime, folder: Path) -> bytes:
    return of_folder(folder, runtime.home.bundle_key)


def activated(runtime: Runtime, archive: bytes) -> Activated:
    return runtime.lifecycle.activate(runtime.opened(archive), runtime.deed())


def test_rules_that_an_operator_activates_decide_at_once_and_after_a_restart(
    made: Space, home: Path, folder: Path
) -> None:
    """The folder still holds others. They came from there before, so a restart does not go back to them."""
    rewritten(folder, NEVER)
    digest = load_bundle(folder).digest

    async def work(runtime: Runtime) -> None:
        before = runtime.log.standing.bundle
        assert (await asked(made, runtime)).result == "permit"
        done = await asyncio.to_thread(activated, runtime, signed(runtime, folder))
        assert (done.digest, done.before) == (digest, before)
        assert (await asked(made, runtime)).bundle == digest
        assert published(runtime) == 1
        again = await asyncio.to_thread(activated, runtime, signed(runtime, folder))
        assert again.entry is None
        assert published(runtime) == 1

    async def later(runtime: Runtime) -> None:
        assert runtime.log.standing.bundle == digest
        assert (await asked(made, runtime)).bundle == digest
        assert published(runtime) == 1

    running(Settings(home=home), work)
    running(Settings(home=home), later)
    running(Settings(home=home), later)


def test_a_folder_that_changed_since_decides_again_from_the_next_start_on(
    made: Space, home: Path, folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    rewritten(folder, NEVER)
    rewritten(other, ALWAYS)

    async def work(runtime: Runtime) -> None:
        await asyncio.to_thread(activated, runtime, signed(runtime, folder))

    async def later(runtime: Runtime) -> None:
        assert (await asked(made, runtime)).bundle == load_bundle(other).digest

    running(Settings(home=home), work)
    running(Settings(home=home, policies=other), later)


def test_the_folder_with_what_an_operator_activated_is_not_activated_once_more(
    made: Space, home: Path, folder: Path, tmp_path: Path
) -> None:
    """First over the API, then put into the folder: from then on it is the one that came from there last."""
    other = shutil.copytree(folder, tmp_path / "other")
    rewritten(folder, NEVER)
    rewritten(other, ALWAYS)

    async def first(runtime: Runtime) -> None:
        await asyncio.to_thread(activated, runtime, signed(runtime, folder))

    async def second(runtime: Runtime) -> None:
        assert published(runtime) == 1
        await asyncio.to_thread(activated, runtime, signed(runtime, other))

    async def third(runtime: Runtime) -> None:
        assert (await asked(made, runtime)).bundle == load_bundle(other).digest

    running(Settings(home=home), first)
    running(Settings(home=home, policies=folder), second)
    running(Settings(home=home, policies=folder), third)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("flipped byte", "not the file that was signed"),
        ("another key", "trusted"),
        ("unsigned", "not signed"),
        ("missing rule", "has no access/rules/core_data"),
        ("does not compile", "compile: .*core_data.rego"),
        ("loops", "longer|own test"),
        ("crashes", "died"),
        ("fails its test", "own tests fail: access.rules_test.core_data.test_it"),
        ("no test", "core_data has no tests"),
    ],
)
def test_what_may_not_decide_is_not_activated_and_nothing_changes(
    made: Space, home: Path, folder: Path, broken: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(folder, NEVER)
    if broken == "missing rule":
        read = contents(load_bundle(folder), None)
        files = {path: content for path, content in read.items() if "rules/core_data/" not in path}
    else:
        if broken == "does not compile":
            rewritten(folder, 'verdict["core_data"] := "ok" if {')
        elif broken == "loops":
            monkeypatch.setattr(trials, "ANSWER_S", 1.0)
            rewritten(folder, LOOPS)
        elif broken == "crashes":
            rewritten(folder, 'core_data_f(x) := core_data_f(x + 1)\n\nverdict["core_data"] := "ok" if core_data_f(1)')
        elif broken == "fails its test":
            rewritten(folder, NEVER, "false")
        elif broken == "no test":
            (folder / RULE).with_name("core_data_test.rego").unlink()
        files = contents(load_bundle(folder), None)

    async def work(runtime: Runtime) -> None:
        before = runtime.log.standing.bundle
        key = generate("ES256") if broken == "another key" else runtime.home.bundle_key
        whole = files if broken == "unsigned" else {**files, SIGNATURES: sign_files(files, key)}
        if broken == "flipped byte":
            flipped = bytearray(whole[RULE])
            flipped[-5] ^= 1
            whole[RULE] = bytes(flipped)
        with pytest.raises(BundleInvalid, match=told):
            await asyncio.to_thread(activated, runtime, packed(whole))
        assert runtime.log.standing.bundle == before
        assert published(runtime) == 0
        decision = await asked(made, runtime)
        assert (decision.result, decision.bundle) == ("permit", before)

    # What OPA finds, and what is found without it, are tested apart.
    running(Settings(home=home, opa=None), work)


def test_a_key_that_the_operator_names_counts(made: Space, home: Path, folder: Path, tmp_path: Path) -> None:
    rewritten(folder, ALWAYS)
    committee = generate("ES256")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "committee.pem").write_text(to_pem(screen(public_jwk(committee), purpose="bundle")))

    async def work(runtime: Runtime) -> None:
        done = await asyncio.to_thread(activated, runtime, of_folder(folder, committee))
        assert done.entry is not None
        with runtime.db.reading_tx() as tx:
            assert activations(tx, most=1)[0].signed_by == "committee"

    running(Settings(home=home, bundle_keys=tmp_path / "keys"), work)


@pytest.mark.parametrize("named", ["no folder", "no key in it"])
def test_keys_that_cannot_be_read_stop_an_activation(home: Path, folder: Path, tmp_path: Path, named: str) -> None:
    if named == "no key in it":
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "notes.txt").write_text("no key")

    async def work(runtime: Runtime) -> None:
        with pytest.raises((BundleInvalid, PolicyUnavailable), match=r"notes|BUNDLE_KEYS"):
            await asyncio.to_thread(activated, runtime, signed(runtime, folder))

    running(Settings(home=home, bundle_keys=tmp_path / "keys"), work)


def test_where_opa_cannot_be_run_new_rules_are_not_activated_and_the_old_ones_go_on(
    made: Space, home: Path, folder: Path, tmp_path: Path
) -> None:
    rewritten(folder, ALWAYS)

    async def work(runtime: Runtime) -> None:
        assert (await asked(made, runtime)).bundle == load_bundle(POLICIES).digest
        with pytest.raises(PolicyUnavailable, match="CORRIDOR_OPA"):
            await asyncio.to_thread(activated, runtime, signed(runtime, folder))
        assert published(runtime) == 0

    running(Settings(home=home, policies=folder, opa=tmp_path / "no-opa"), work)


def test_no_grant_commits_under_the_bundle_that_was_just_replaced(made: Space, home: Path, folder: Path) -> None:
    """Decided before the activation, committed after it: decided again, under the new one."""
    rewritten(folder, NEVER)

    async def work(runtime: Runtime) -> None:
        token = token_of(made.agent(PHARMA, "researcher"))["authorization"].removeprefix("Bearer ")
        caller = await asyncio.to_thread(runtime.directory.verify, token)
        request = AccessRequest.model_validate(wanted(made.datasets["contract"]))
        old = await runtime.broker.decided(caller, request, stated_purpose(request), None)
        assert old.decision.result == "permit"
        await asyncio.to_thread(activated, runtime, signed(runtime, folder))
        recorded = await runtime.log.submit(
            lambda tx: grant(tx, old, instance=runtime.instance, row_cap=None, clock=time.time)
        )
        assert isinstance(recorded.value, Moved)
        with pytest.raises(AccessDenied):
            await runtime.broker.access(caller, request)

    running(Settings(home=home), work)


def test_a_home_of_an_earlier_version_gets_a_key_for_bundles_and_keeps_it(home: Path) -> None:
    (home / "keys" / "bundle.json").unlink()
    first = Home.load(home, passphrase=None).bundle_key
    assert Home.load(home, passphrase=None).bundle_key == first
    assert (home / "keys" / "bundle.json").stat().st_mode & 0o777 == 0o600


def test_init_does_not_begin_with_rules_that_may_not_decide(tmp_path: Path, folder: Path) -> None:
    rewritten(folder, ALWAYS, "false")
    settings = Settings(home=tmp_path / "new", policies=folder)
    with pytest.raises(BundleInvalid, match="own tests"):
        initialise(settings, public_url="http://127.0.0.1:1", did=None, location="CN-BJ", development=True)
    assert not (tmp_path / "new").exists()
