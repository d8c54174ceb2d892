"""New rules for a running gateway: activated, or tried beside the active ones on live requests."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import gateway.policy.shadow as shadows
import gateway.policy.trial as trials
from gateway.cli.demo import free_port
from gateway.crypto.keys import screen
from gateway.crypto.pem import to_pem
from gateway.crypto.private import generate, public_jwk
from gateway.home import Home
from gateway.policy.archive import MAX_ARCHIVE_BYTES, contents, written
from gateway.policy.bundle import load_bundle
from gateway.sdk.refusals import Refused
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.policy.engines import opa, opa_server
from tests.space import PHARMA, Space, data_space

RULE = "access/rules/core_data/core_data.rego"
NEVER = 'verdict["core_data"] := "ok" if input.dataset.core_data == true'


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    with data_space(tmp_path / "space", opa=None) as made:
        yield made


def rules(tmp_path: Path, text: str = NEVER) -> Path:
    """The policies with another body of one rule, whose test is content with it."""
    folder = shutil.copytree(POLICIES, tmp_path / f"rules-{len(list(tmp_path.iterdir()))}")
    (folder / RULE).write_text(f"# A rule.\npackage access.rules\n\n{text}\n")
    own = (folder / RULE).with_name("core_data_test.rego")
    own.write_text("package access.rules_test.core_data_test\n\ntest_it if true\n")
    return folder


def signed(space: Space, folder: Path) -> bytes:
    return of_folder(folder, Home.load(space.settings.home, passphrase=None).bundle_key)


def refused(call: Callable[[], Any]) -> Refused:
    with pytest.raises(Refused) as told:
        call()
    return told.value


def test_a_bundle_is_activated_while_requests_run_and_each_sees_one_of_the_two(space: Space, tmp_path: Path) -> None:
    contract = space.agree(space.datasets["csv"])
    before = load_bundle(POLICIES).digest
    archive, after = signed(space, rules(tmp_path)), load_bundle(rules(tmp_path)).digest
    with ThreadPoolExecutor(3) as pool:
        done = pool.submit(space.operator.upload, "/v1/policy/bundles", archive)
        answers = []
        while not done.done() or len(answers) < 8:
            answers.append(space.ask(contract).status_code)
        assert done.result()["before"] == before
        answers += [space.ask(contract).status_code for _ in range(3)]
    assert set(answers) == {200, 403}
    assert answers == sorted(answers)  # permitted under the old rules, then refused under the new ones
    entries = space.entries()
    turned = next(entry["index"] for entry in entries if entry["event"]["type"] == "policy.published")
    for entry in entries:
        if entry["event"]["type"] == "access.decision":
            under = entry["decision"]["policy_bundle"]
            assert under == (after if entry["index"] > turned else before)
    listed = space.agent(PHARMA, "researcher").get("/v1/policy/bundles")
    assert [(each["digest"], each["active"], each["origin"], each["signed_by"]) for each in listed] == [
        (after, True, "operator", "gateway"),
        (before, False, "folder", None),
    ]


def test_what_is_no_signed_bundle_is_refused_with_a_reason_and_nothing_changes(space: Space, tmp_path: Path) -> None:
    before, size = space.operator.get("/v1/policy/bundles"), space.log_size()
    folder = rules(tmp_path)
    flipped = bytearray(signed(space, folder))
    flipped[len(flipped) // 2] ^= 1
    for path in ("/v1/policy/bundles", "/v1/policy/shadow"):
        for body in (b"", b"x", bytes(flipped), of_folder(folder), of_folder(folder, generate("ES256"))):
            told = refused(lambda path=path, body=body: space.operator.upload(path, body))
            assert told.code == "bundle-invalid", told
            assert told.members["status"] == 422
        large = refused(lambda path=path: space.operator.upload(path, bytes(MAX_ARCHIVE_BYTES + 1)))
        assert large.code == "too-large"
        broken = signed(space, rules(tmp_path, 'verdict["core_data"] := "ok" if {'))
        named = refused(lambda path=path, broken=broken: space.operator.upload(path, broken))
        assert named.code == "bundle-invalid"
        assert "core_data.rego" in named.detail
    assert space.operator.get("/v1/policy/bundles") == before
    assert space.log_size() == size
    assert space.operator.get("/v1/policy/shadow")["state"] == "off"


def eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.1)
    return found


def seen(space: Space, total: int) -> dict[str, Any]:
    """What the shadow saw, once it has dealt with so many decisions."""

    def look() -> Any:
        found = space.operator.get("/v1/policy/shadow")
        return found if sum(found[n] for n in ("same", "different", "unanswered", "dropped")) >= total else None

    found: dict[str, Any] = eventually(look)
    return found


def test_a_shadow_sees_what_it_would_have_said_and_nobody_is_answered_by_it(space: Space, tmp_path: Path) -> None:
    contract = space.agree(space.datasets["csv"])
    folder = rules(tmp_path)
    begun = space.operator.upload("/v1/policy/shadow", signed(space, folder))
    assert (begun["state"], begun["digest"]) == ("running", load_bundle(folder).digest)
    permitted = space.ask(contract)
    assert permitted.status_code == 200
    denied = space.ask(contract, purpose={"id": "P09"})
    assert denied.status_code == 403
    assert not [r for r in denied.json()["reasons"] if r["rule"] == "core_data"]
    found = seen(space, 2)
    assert (found["same"], found["different"], found["dropped"]) == (0, 2, 0)
    assert {(each["before"], each["after"]): each["count"] for each in found["results"]} == {
        ("permit", "deny"): 1,
        ("deny", "deny"): 1,
    }
    assert found["rules"] == [{"code": "RULE-SILENT", "change": "new", "count": 2}]
    assert {each["entry"] for each in found["differences"]} == {
        permitted.headers["corridor-entry"],
        denied.json()["entry"],
    }
    ended = space.operator.delete("/v1/policy/shadow")
    assert (ended["state"], ended["different"], ended["why"]) == ("ended", 2, None)
    assert space.ask(contract).status_code == 200
    assert refused(lambda: space.operator.delete("/v1/policy/shadow")).code == "wrong-state"
    time.sleep(1)
    assert space.operator.get("/v1/policy/shadow")["different"] == 2
    types = [entry["event"]["type"] for entry in space.entries()]
    assert (types.count("policy.shadow_started"), types.count("policy.shadow_ended")) == (1, 1)
    assert {entry["decision"]["policy_bundle"] for entry in space.entries(type="access.decision")} == {
        load_bundle(POLICIES).digest
    }


def test_the_same_rules_as_a_shadow_say_the_same(space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    space.operator.upload("/v1/policy/shadow", signed(space, POLICIES))
    for _ in range(3):
        assert space.ask(contract).status_code == 200
    found = seen(space, 3)
    assert (found["same"], found["different"]) == (3, 0)


def test_another_shadow_takes_the_place_of_the_first(space: Space, tmp_path: Path) -> None:
    contract = space.agree(space.datasets["csv"])
    space.operator.upload("/v1/policy/shadow", signed(space, rules(tmp_path)))
    space.ask(contract)
    seen(space, 1)
    again = space.operator.upload("/v1/policy/shadow", signed(space, POLICIES))
    assert (again["different"], again["digest"]) == (0, load_bundle(POLICIES).digest)
    types = [entry["event"]["type"] for entry in space.entries()]
    assert types[:2] == ["policy.shadow_started", "policy.shadow_ended"]


# Neither its tests nor its trial show it: it breaks on exactly seven columns, which nobody asked for before.
SOUND = 'verdict["core_data"] := "ok" if {\n\tcount(input.dataset.columns) != 7\n} else := "ok" if {\n\t'
LOOPS = (
    SOUND + "count([1 |\n\t\tsome i in numbers.range(1, 30000)\n"
    "\t\tsome j in numbers.range(1, 30000)\n\t\ti + j == 0\n\t]) == 0\n}"
)
CRASHES = f"core_data_f(x) := core_data_f(x + 1)\n\n{SOUND}core_data_f(1)\n}}"


@pytest.mark.parametrize("text", [LOOPS, CRASHES], ids=["hangs", "dies"])
def test_a_candidate_that_hangs_or_dies_is_ended_and_callers_do_not_notice(
    space: Space, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.operator.upload("/v1/policy/shadow", signed(space, rules(tmp_path, text)))
    monkeypatch.setattr(trials, "ANSWER_S", 0.5)
    contract = space.agree(space.datasets["csv"])

    def ended() -> Any:
        started = time.monotonic()
        assert space.ask(contract).status_code == 200
        assert time.monotonic() - started < 5
        found = space.operator.get("/v1/policy/shadow")
        return found if found["state"] == "ended" else None

    found = eventually(ended)
    assert found["why"]
    assert found["unanswered"] > 0
    entry = space.entries(type="policy.shadow_ended")[0]
    assert (entry["event"]["outcome"], entry["event"]["reason"][:13]) == ("failure", "shadow-failed")


def test_more_than_the_candidate_can_take_is_dropped_and_counted(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "QUEUE", 1)
    monkeypatch.setattr(shadows, "BATCH", 1)
    slow = (
        SOUND + "count([1 |\n\t\tsome i in numbers.range(1, 800)\n"
        "\t\tsome j in numbers.range(1, 800)\n\t\ti + j == 0\n\t]) == 0\n}"
    )
    space.operator.upload("/v1/policy/shadow", signed(space, rules(tmp_path, slow)))
    contract = space.agree(space.datasets["csv"])
    answers = [space.ask(contract).status_code for _ in range(12)]
    assert answers == [200] * 12
    found = seen(space, 12)
    assert found["dropped"] > 0
    assert found["same"] + found["dropped"] == 12


@pytest.mark.server
def test_with_an_opa_server_nothing_is_granted_until_it_has_the_active_bundle(tmp_path: Path) -> None:
    """Activated first and loaded after: in between every request is refused, under either bundle."""
    folder = rules(tmp_path, 'verdict["core_data"] := "ok"')
    old, new = load_bundle(POLICIES), load_bundle(folder)
    written(contents(old, None), tmp_path / "old")
    port = free_port()
    options = {"policy_engine": "opa", "opa_url": f"http://127.0.0.1:{port}", "opa": Path(opa())}
    with data_space(tmp_path / "space", **options) as space:
        key = Home.load(space.settings.home, passphrase=None).bundle_key
        (tmp_path / "new.tar.gz").write_bytes(of_folder(folder, key))
        (tmp_path / "key.pem").write_text(to_pem(screen(public_jwk(key), purpose="bundle")))
        contract = space.agree(space.datasets["csv"], uses=5)
        with opa_server(tmp_path / "old", port=port):
            assert space.ask(contract).status_code == 200
            space.operator.upload("/v1/policy/bundles", (tmp_path / "new.tar.gz").read_bytes())
            assert space.ask(contract).status_code == 503
            assert space.http.get("/readyz").status_code == 503
        verified = ("--verification-key", str(tmp_path / "key.pem"), "--signing-alg", "ES256")
        with opa_server(tmp_path / "new.tar.gz", *verified, port=port):
            assert space.ask(contract).status_code == 200
        under = [entry["decision"]["policy_bundle"] for entry in space.entries(type="access.decision")]
        assert under == [new.digest, old.digest]
        assert space.left(contract)["uses"] == 3
