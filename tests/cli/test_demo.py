"""The demo tells no lies: it plays every step, and fails when any one of them does not hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.verify import verify_export
from gateway.cli.demo import free_port, serving
from gateway.cli.realdata import prepare
from gateway.cli.story import HOSPITAL, INSTITUTE, NEVER_WAS, PHARMA, Story
from gateway.problems import Problem
from gateway.sdk.client import Client
from gateway.sdk.refusals import Refused
from gateway.settings import Settings

CORRIDOR = [sys.executable, "-c", "from gateway.cli.main import main; main()"]
ROOT = Path(__file__).resolve().parents[2]
FAILURES = (AssertionError, Problem, KeyError, OSError)


def titles() -> list[str]:
    return [step.title for step in Story.steps(Story.__new__(Story))]


def test_it_prints_every_numbered_step_and_exits_0(tmp_path: Path) -> None:
    made = subprocess.run(
        [*CORRIDOR, "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    numbered = re.findall(r"^ ?(\d+) (.+)$", made.stdout, re.MULTILINE)
    assert numbered == [(str(n), title) for n, title in enumerate(titles(), 1)]
    assert "Traceback" not in made.stderr
    assert list(tmp_path.iterdir()) == []


def changed(client: Client, method: str, when: Callable[..., bool], answer: Callable[[Any], Any]) -> None:
    """From now on the client believes another answer of the gateway where `when` says so."""
    true = getattr(client, method)

    def other(*args: Any, **kwargs: Any) -> Any:
        given = true(*args, **kwargs)
        return answer(given) if when(*args, **kwargs) else given

    setattr(client, method, other)


def on(path: str) -> Callable[..., bool]:
    return lambda asked, *_args, **_kwargs: path in asked


def _not_ready(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(story._operator, "get", on("/readyz"), lambda a: a | {"status": "not ready"})


def _one_missing(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(story._operator, "get", on("/v1/participants"), lambda a: [p for p in a if p["id"] != INSTITUTE])


def _rows_lost(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(story._agent(HOSPITAL, "provider"), "post", on("/v1/datasets"), lambda a: a | {"rows": a["rows"] - 1})


def _found_nothing(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(story._agent(PHARMA, "researcher"), "get", on("/v1/datasets"), lambda _a: [])


def _nothing_waits(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(story._agent(HOSPITAL, "provider"), "get", on("/v1/contracts"), lambda _a: [])


def _true_key(story: Story, patch: pytest.MonkeyPatch) -> None:
    """The forgery is none: the hospital's own signature."""
    party = story.parties[HOSPITAL]
    true = party.sign
    patch.setattr(party, "sign", lambda draft, *, key=None: true(draft))


def _still_a_draft(story: Story, patch: pytest.MonkeyPatch) -> None:
    for did, role in ((HOSPITAL, "provider"), (PHARMA, "researcher")):
        changed(story._agent(did, role), "post", on("/signatures"), lambda a: a | {"state": "AGREED"})


def _data(story: Story, patch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]) -> None:
    ask = story._ask

    def other(did: str, body: dict[str, Any]) -> tuple[bytes, str]:
        data, entry = ask(did, body)
        return change(data), entry

    patch.setattr(story, "_ask", other)


def _identifiers_bare(story: Story, patch: pytest.MonkeyPatch) -> None:
    _data(story, patch, lambda data: data.replace(b'"p-', b'"1'))


def _small_cell_shown(story: Story, patch: pytest.MonkeyPatch) -> None:
    _data(story, patch, lambda data: re.sub(rb",,true", b",7,false", data, count=1))


def _granted_purpose(story: Story, patch: pytest.MonkeyPatch) -> None:
    request = story._request
    patch.setattr(story, "_request", lambda *a, **k: _Stubborn(request(*a, **k)))


class _Stubborn(dict[str, Any]):
    """A request whose purpose stays the granted one, whatever is asked for on top."""

    def __or__(self, other: Any) -> Any:
        return dict(self)


def _at_home(story: Story, patch: pytest.MonkeyPatch) -> None:
    """The contract abroad is one at home, and the request is permitted."""
    patch.setattr(story, "_agree", lambda *_a: {"id": story.ids["contract"]})
    ask = story._ask
    patch.setattr(story, "_ask", lambda _did, body: ask(PHARMA, body))


def _told_apart(story: Story, patch: pytest.MonkeyPatch) -> None:
    """The gateway's answer about the real contract differs from that about none."""
    ask = story._ask

    def other(did: str, body: dict[str, Any]) -> tuple[bytes, str]:
        try:
            return ask(did, body)
        except Refused as refused:
            if body["contract"] != NEVER_WAS:
                refused.members["hint"] = "yours it is not"
            raise

    patch.setattr(story, "_ask", other)


def _use_left(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(
        story._agent(PHARMA, "researcher"), "get", on("/v1/contracts/"), lambda a: a | {"left": a["left"] | {"uses": 1}}
    )


def _cut_short(story: Story, patch: pytest.MonkeyPatch) -> None:
    _data(story, patch, lambda data: data[:-4])


def _decided_by_one(story: Story, patch: pytest.MonkeyPatch) -> None:
    """The first vote alone is said to approve."""
    changed(story._agent(HOSPITAL, "reviewer"), "post", on("/votes"), lambda a: a | {"state": "approved"})


def _not_revoked(story: Story, patch: pytest.MonkeyPatch) -> None:
    """The revocation does not reach the gateway."""
    client = story._agent(HOSPITAL, "provider")
    true = client.post
    patch.setattr(client, "post", lambda path, body: None if path.endswith("/revoke") else true(path, body))


def _receipt_bent(story: Story, patch: pytest.MonkeyPatch) -> None:
    client = story._agent(PHARMA, "researcher")
    changed(client, "raw", on("/v1/receipts/"), lambda a: a[:200] + bytes([a[200] ^ 1]) + a[201:])


def _entry_gone(story: Story, patch: pytest.MonkeyPatch) -> None:
    changed(
        story._operator, "raw", on("/v1/audit/export"), lambda a: b"\n".join(a.split(b"\n")[:8] + a.split(b"\n")[9:])
    )


def _otherwise(story: Story, patch: pytest.MonkeyPatch) -> None:
    """One decision comes out otherwise than it was recorded."""
    report = story._report

    def other(*asked: Any) -> dict[str, Any]:
        found = report(*asked)
        return found | {"identical": found["identical"] - 1}

    patch.setattr(story, "_report", other)


def _blind(story: Story, patch: pytest.MonkeyPatch) -> None:
    """The verifier finds nothing wrong with anything."""
    whole = (story.folder / "log.export").read_bytes()
    patch.setattr("gateway.cli.story.verify_export", lambda _data, key: verify_export(whole, key))


# Each step of the story, and what would make its promise false without the step raising by itself.
SABOTAGED: dict[str, Callable[[Story, pytest.MonkeyPatch], None]] = {
    "initialised": _not_ready,
    "admit": _one_missing,
    "publish": _rows_lost,
    "find": _found_nothing,
    "offer": _nothing_waits,
    "forge": _true_key,
    "sign": _still_a_draft,
    "read": _identifiers_bare,
    "aggregate": _small_cell_shown,
    "wrong_purpose": _granted_purpose,
    "abroad": _at_home,
    "stranger": _told_apart,
    "spent": _use_left,
    "stream": _cut_short,
    "decide": _decided_by_one,
    "revoke": _not_revoked,
    "receipt": _receipt_bent,
    "review": _entry_gone,
    "again": _otherwise,
    "flip": _blind,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return prepare(tmp_path_factory.mktemp("data"))


@pytest.fixture
def story(data: list[Any], tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path, Settings(home=tmp_path / "gateway"), free_port(), say=lambda _line: None)
    made.prepare(data)
    with serving(made.settings, made.port):
        yield made
        for client in [made._operator, *(c for party in made.parties.values() for c in party.agents.values())]:
            client.close()


def test_every_step_is_sabotaged_here() -> None:
    names = [step.play.__name__ for step in Story.steps(Story.__new__(Story))]
    assert names == list(SABOTAGED)


@pytest.mark.parametrize("name", SABOTAGED)
def test_a_step_whose_promise_is_false_fails(story: Story, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in story.steps():
        if step.play.__name__ == name:
            SABOTAGED[name](story, monkeypatch)
            with pytest.raises(FAILURES):
                getattr(story, name)()
            return
        step.play()


def test_a_failed_step_makes_the_exit_code_1_and_is_named(tmp_path: Path) -> None:
    """The whole command, with one answer of the gateway bent."""
    bent = (
        "from gateway.sdk.client import Client\n"
        "get = Client.get\n"
        "Client.get = lambda self, path, **q: [] if path == '/v1/datasets' else get(self, path, **q)\n"
        "from gateway.cli.main import main\n"
        "main()\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", bent, "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 1
    assert "step 4" in made.stderr
    assert json.dumps(titles()[3])[1:-1] in made.stderr
    assert titles()[4] not in made.stdout
