"""A key of the gateway's own is replaced whole or not at all, with an entry that says so, and never while it runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import ownkeys
from gateway.audit.reader import Filter, entries
from gateway.crypto.errors import KeyFileRefused
from gateway.crypto.keyfile import load_private, save_private
from gateway.crypto.keys import thumbprint
from gateway.crypto.private import generate
from gateway.db import Database
from gateway.founding import initialise
from gateway.home import Home, key_folder
from gateway.ownkeys import NAMES, OVERLAP, Name, OwnKeyDiffers
from gateway.problems import WrongState
from gateway.rotation import GatewayRuns, finish, rotate
from gateway.runtime import DEAD_AFTER_S, Runtime
from gateway.settings import Settings


def made(folder: Path, **settings: object) -> Settings:
    given = Settings.model_validate({"home": folder / "gateway", **settings})
    initialise(given, public_url="http://127.0.0.1:8080", did=None, location="CN-BJ", development=True)
    return given


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A gateway that is copied, never changed."""
    return made(tmp_path_factory.mktemp("founded"))


@pytest.fixture
def settings(founded: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(founded.home, tmp_path / "gateway")
    return Settings(home=tmp_path / "gateway")


def home_of(settings: Settings) -> Home:
    return Home.load(settings.home, passphrase=settings.passphrase())


def recorded(settings: Settings, kind: str = "key.replaced") -> list[dict[str, object]]:
    """Facts of the entries of a type, oldest first."""
    db = Database(settings.database)
    try:
        with db.reading_tx() as tx:
            found = entries(tx, seen_by=None, filter=Filter(type=kind))
            return [entry.record()["facts"] for entry in reversed(found)]
    finally:
        db.close()


@contextmanager
def started(settings: Settings) -> Iterator[Runtime]:
    """A gateway that has started; starting may raise."""
    runtime = Runtime(settings)
    with asyncio.Runner() as runner:
        try:
            runner.run(runtime.start())
        except BaseException:
            runtime.log.close()
            runtime.forget()
            raise
        try:
            yield runtime
        finally:
            runner.run(runtime.close())


@pytest.mark.parametrize("name", NAMES)
def test_one_key_is_replaced_and_the_log_says_by_which(settings: Settings, name: Name) -> None:
    before = home_of(settings)
    done = rotate(settings, name)
    after = home_of(settings)
    assert after.thumbprints[name] == done.thumbprint != before.thumbprints[name] == done.former
    assert {each: after.thumbprints[each] for each in NAMES if each != name} == {
        each: before.thumbprints[each] for each in NAMES if each != name
    }
    assert after.pseudonym_root == before.pseudonym_root
    (facts,) = recorded(settings)
    assert (facts["key"], facts["old_thumbprint"], facts["new_thumbprint"]) == (
        name,
        f"sha-256:{done.former}",
        f"sha-256:{done.thumbprint}",
    )
    assert (facts["old_kid"], facts["new_kid"]) == (f"{before.did}#{done.former}", done.kid)
    (former,) = ownkeys.former(after.keys)
    assert (former.name, former.state, thumbprint(former.jwk)) == (name, "retired", done.former)
    assert not set(former.jwk) & {"d", "k"}
    with started(settings) as runtime:
        assert runtime.home.thumbprints == after.thumbprints


def test_a_sealed_home_stays_sealed(tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("a long passphrase\n")
    settings = made(tmp_path, passphrase_file=phrase)
    for name in ("countersign", "alert"):
        rotate(settings, name)  # type: ignore[arg-type]  # a literal in a tuple is read as any text
    for path in sorted(key_folder(settings.home).glob("*.json")):
        if path.name != ownkeys.FORMER:
            with pytest.raises(KeyFileRefused, match="sealed"):
                load_private(path)
    with started(settings):
        pass


@pytest.mark.parametrize("name", ["countersign", "alert", "log"])
def test_whatever_is_killed_leaves_one_key_and_a_log_that_names_it(
    founded: Settings, tmp_path: Path, name: Name
) -> None:
    tried = kills(founded, name, tmp_path)
    old = home_of(founded).thumbprints[name]
    outcomes = []
    for step in range(1, tried + 1):
        settings = Settings(home=tmp_path / str(step))
        with started(settings) as runtime:
            now = runtime.home.thumbprints[name]
        replaced = recorded(settings)
        assert [facts["new_thumbprint"] for facts in replaced] == ([] if now == old else [f"sha-256:{now}"])
        assert [thumbprint(each.jwk) for each in ownkeys.former(runtime.home.keys)] == ([] if now == old else [old])
        assert not ownkeys.upcoming(runtime.home.keys, name).exists()
        assert ownkeys.still_signing(runtime.home.keys, name).exists() == (now != old and name in OVERLAP)
        outcomes.append(now != old)
    # Some died before the entry, some after it, and what came later never had less done.
    assert outcomes == sorted(outcomes)
    assert len(set(outcomes)) == 2
    assert outcomes.count(True) > 2
    # What was left by any of them can be replaced again.
    settings = Settings(home=tmp_path / str(outcomes.index(True)))
    rotate(settings, name)
    assert len(recorded(settings)) == 1


@pytest.mark.server
def test_on_postgresql_whatever_is_killed_leaves_the_key_that_the_log_names(tmp_path: Path, postgresql: str) -> None:
    settings = made(tmp_path, database_url=postgresql)
    now = home_of(settings).thumbprints["countersign"]
    replaced = 0
    for step in range(1, 100):
        command = [sys.executable, "-m", "tests.state.rotation_kills", str(settings.home), "countersign", str(step)]
        environment = {**os.environ, "CORRIDOR_DATABASE_URL": postgresql}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert ended.returncode in (0, 1), ended.stderr
        with started(settings) as runtime:
            before, now = now, runtime.home.thumbprints["countersign"]
        replaced += now != before
        facts = recorded(settings)
        assert len(facts) == replaced
        assert not facts or facts[-1]["new_thumbprint"] == f"sha-256:{now}"
        if ended.returncode == 1:
            break
    assert 1 < replaced < step


def test_whatever_is_killed_as_a_former_key_ends_leaves_it_signing_or_gone(founded: Settings, tmp_path: Path) -> None:
    shutil.copytree(founded.home, tmp_path / "rotated")
    rotated = Settings(home=tmp_path / "rotated")
    rotate(rotated, "alert")
    tried = kills(rotated, "alert", tmp_path, "--finish")
    outcomes = []
    for step in range(1, tried + 1):
        settings = Settings(home=tmp_path / str(step))
        with started(settings) as runtime:
            signing = len(runtime.home.alert_keys)
        assert len(recorded(settings, "key.revoked")) == 2 - signing
        outcomes.append(signing)
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {1, 2}


def kills(settings: Settings, name: Name, folder: Path, *more: str) -> int:
    command = [sys.executable, "-m", "tests.state.rotation_kills", settings.home, name, folder, *more]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


def test_nothing_is_replaced_while_the_gateway_runs(settings: Settings) -> None:
    before = home_of(settings)
    with started(settings), pytest.raises(GatewayRuns, match="Stop it"):
        rotate(settings, "token")
    assert home_of(settings).thumbprints == before.thumbprints
    assert recorded(settings) == []


@pytest.mark.server
def test_on_postgresql_a_process_that_was_heard_from_counts_as_alive(tmp_path: Path, postgresql: str) -> None:
    settings = made(tmp_path, database_url=postgresql)
    with started(settings), pytest.raises(GatewayRuns, match="heard from"):
        rotate(settings, "token")
    rotate(settings, "token")  # who ended in order need not be waited for
    dead = Runtime(settings)
    dead.log.start()
    dead._heartbeat(int(time.time()))
    dead.log.close()
    dead.forget()
    with pytest.raises(GatewayRuns, match="heard from"):
        rotate(settings, "token")
    rotate(settings, "token", clock=lambda: time.time() + DEAD_AFTER_S + 5)


@pytest.mark.server
def test_on_postgresql_a_process_that_started_meanwhile_does_not_go_on_with_the_old_key(
    tmp_path: Path, postgresql: str
) -> None:
    settings = made(tmp_path, database_url=postgresql)
    early = Runtime(settings)  # it has read its keys, and has not yet said that it is there
    rotate(settings, "countersign")
    with asyncio.Runner() as runner, pytest.raises(OwnKeyDiffers, match="countersign"):
        runner.run(early.start())
    early.forget()


def test_an_older_home_does_not_start(settings: Settings) -> None:
    older = load_private(ownkeys.present(key_folder(settings.home), "token"))
    rotate(settings, "token")
    path = ownkeys.present(key_folder(settings.home), "token")
    path.unlink()
    save_private(path, older)
    with pytest.raises(OwnKeyDiffers, match="older copy"), started(settings):
        pass
    with pytest.raises(OwnKeyDiffers, match="older copy"):
        rotate(settings, "token")


def test_a_key_that_somebody_lays_beside_is_dropped(settings: Settings) -> None:
    before = home_of(settings)
    save_private(ownkeys.upcoming(before.keys, "countersign"), generate("Ed25519"))
    with started(settings) as runtime:
        assert runtime.home.thumbprints == before.thumbprints
    assert not ownkeys.upcoming(before.keys, "countersign").exists()


def test_what_is_finished_was_begun(settings: Settings) -> None:
    with pytest.raises(WrongState, match="nothing to finish"):
        finish(settings, "alert")
    rotate(settings, "alert")
    with pytest.raises(WrongState, match="still signs"):
        rotate(settings, "alert")
    finish(settings, "alert")
    with pytest.raises(WrongState, match="nothing to finish"):
        finish(settings, "alert")
    assert len(home_of(settings).alert_keys) == 1


def test_a_compromised_key_signs_beside_no_other(settings: Settings) -> None:
    rotate(settings, "alert", compromised_since=int(time.time()) - 60)
    assert len(home_of(settings).alert_keys) == 1
    with pytest.raises(WrongState, match="has been"):
        rotate(settings, "alert", compromised_since=int(time.time()) + 3600)
