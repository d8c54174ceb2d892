"""The command line: each group does its work on a running space, speaks JSON to programs, and fails with a reason."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import show
from gateway.cli.main import main
from gateway.crypto.keyfile import save_private
from gateway.home import Home
from gateway.policy.archive import contents, opened, written
from gateway.policy.bundle import load_bundle
from gateway.policy.errors import BundleInvalid
from gateway.policy.signing import trusted_key
from gateway.settings import POLICIES
from tests.policy.archives import of_folder
from tests.space import COLUMNS, HOSPITAL, OPERATOR, PHARMA, Space, registration, terms


@dataclass(frozen=True)
class Ran:
    """What a command said."""

    stdout: str
    stderr: str


class Shell:
    """Runs `corridor` as somebody would, in a folder of its own; in this process, to be quick."""

    def __init__(
        self, folder: Path, space: Space, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self.space, self._patch, self._captured = folder, space, patch, captured
        patch.chdir(folder)
        for console in (show.out, show.err):
            patch.setattr(console, "width", 300)

    def run(self, *words: str, code: int = 0, who: tuple[str, str] | None = None) -> Ran:
        self._patch.setattr(sys, "argv", ["corridor", *words])
        self._patch.delenv("CORRIDOR_AGENT", raising=False)
        if who is not None:
            self._patch.setenv("CORRIDOR_AGENT", str(self.space.parties[who[0]].files[who[1]]))
        self._captured.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        made = Ran(*self._captured.readouterr())
        assert (ended.value.code or 0) == code, f"{words}: {ended.value.code}\n{made.stdout}\n{made.stderr}"
        return made

    def json(self, *words: str, who: tuple[str, str] | None = None) -> Any:
        return json.loads(self.run("--json", *words, who=who).stdout)

    def file(self, name: str, value: Any) -> str:
        (self.folder / name).write_text(json.dumps(value), encoding="utf-8")
        return name


@pytest.fixture
def shell(space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, space, monkeypatch, capsys)


PROVIDER, RESEARCHER = (HOSPITAL, "provider"), (PHARMA, "researcher")
OFFICER, ADMIN, OPERATORS = (PHARMA, "officer"), (PHARMA, "admin"), (OPERATOR, OPERATOR)


def test_a_contract_from_registration_to_a_verified_log(shell: Shell, space: Space) -> None:
    dataset = shell.json("dataset", "register", shell.file("d.json", registration()), who=PROVIDER)["id"]
    assert dataset in {d["id"] for d in shell.json("dataset", "find", "visits", who=RESEARCHER)}
    assert shell.json("dataset", "show", dataset, who=RESEARCHER)["rows"] == 300
    offer = shell.file("o.json", {"dataset": dataset, "consumer": PHARMA, "terms": terms(uses=5)})
    made = shell.json("offer", "make", offer, who=PROVIDER)["id"]
    assert made in {o["id"] for o in shell.json("offer", "list", who=RESEARCHER)}
    contract = shell.json("contract", "accept", made, who=RESEARCHER)["id"]
    assert contract in {c["id"] for c in shell.json("contract", "list", "--waiting", who=PROVIDER)}
    for did, who in ((HOSPITAL, PROVIDER), (PHARMA, RESEARCHER)):
        key = shell.folder / f"{who[1]}.key"
        save_private(key, space.parties[did].contract_key)
        signed = shell.json("contract", "sign", contract, "--key", str(key), "--yes", who=who)
    assert signed["state"] == "FINALIZED"
    assert shell.json("contract", "show", contract, who=RESEARCHER)["left"] == {"uses": 5}
    shell.run("contract", "fetch", contract, "--out", "c.jws", "--keys", "k.json", who=RESEARCHER)
    assert shell.json("contract", "verify", "c.jws", "--keys", "k.json")["id"] == contract

    asked = ["--purpose", "P05", *(word for c in COLUMNS[:3] for word in ("--column", c))]
    rows = shell.run("access", "read", contract, *asked, who=RESEARCHER).stdout.splitlines()
    assert len(rows) == 301
    written = shell.json("access", "read", contract, *asked, "--out", "r.csv", who=RESEARCHER)
    assert (shell.folder / "r.csv").read_text().splitlines() == rows
    counts = shell.run("access", "aggregate", contract, "--purpose", "P05", "--by", "sex", who=RESEARCHER).stdout
    assert counts.startswith('"sex","count","suppressed"')

    listed = shell.json("audit", "list", "--contract", contract, who=OFFICER)
    assert written["entry"] in {entry["id"] for entry in listed}
    assert shell.json("audit", "show", written["entry"], who=OFFICER)["record"]["event"]["outcome"] == "permit"
    behind = ["audit", "follow", "--contract", contract, "--after", str(listed[-1]["index"] - 1)]
    followed = shell.run("--json", *behind, "--count", str(len(listed)), who=OFFICER).stdout.splitlines()
    assert [json.loads(line)["id"] for line in followed] == [entry["id"] for entry in reversed(listed)]
    assert "contract." in shell.run(*behind, "--count", "1", who=OFFICER).stdout
    key = shell.json("audit", "key", who=OFFICER)["vkey"]
    assert key == space.vkey
    shell.run("audit", "export", "--out", "log.export", who=OFFICER)
    assert shell.json("audit", "verify", "log.export", "--key", key)["result"] == "valid"
    shell.run("audit", "receipt", written["entry"], "--out", "receipt.json", who=RESEARCHER)
    shell.run("audit", "verify-receipt", "receipt.json", "--key", key)
    data = bytearray((shell.folder / "log.export").read_bytes())
    data[data.index(b'"permit"') + 2] ^= 1
    (shell.folder / "bent.export").write_bytes(data)
    assert "bent.export" in shell.run("audit", "verify", "bent.export", "--key", key, code=1).stderr

    shell.run("contract", "revoke", contract, who=PROVIDER)
    refused = shell.run("access", "read", contract, *asked, who=RESEARCHER, code=1)
    assert "recorded as entry" in refused.stderr
    assert refused.stdout == ""
    shell.run("dataset", "withdraw", dataset, who=PROVIDER)
    assert dataset not in {d["id"] for d in shell.json("dataset", "find", who=RESEARCHER)}


def test_participants_and_agents_come_in_and_go_out(shell: Shell, space: Space) -> None:
    did = "did:web:cli.example"
    words = ["--id", did, "--name", "By hand", "--kind", "other", "--country", "CN", "--location", "CN-BJ"]
    shell.run("participant", "prepare", "own", *words)
    admitted = shell.json("participant", "admit", "own/admission.json", who=OPERATORS)
    assert did in {p["id"] for p in shell.json("participant", "list", who=RESEARCHER)}
    adopt = ["--handle", admitted["first_agent"], "--participant", did, "--key", "own/agent.key"]
    shell.run("agent", "adopt", "admin.json", *adopt, "--url", space.url, "--gateway", space.gateway)
    assert shell.json("agent", "me", "--as", "admin.json")["participant"] == did
    enrol = ["--label", "one", "--role", "researcher", "--location", "CN-BJ", "--as", "admin.json"]
    agent = shell.json("agent", "enrol", "one.json", *enrol)["id"]
    assert oct((shell.folder / "one.json").stat().st_mode & 0o777) == "0o600"
    assert agent in {a["id"] for a in shell.json("agent", "list", "--as", "admin.json")}
    shell.run("agent", "suspend", agent, "--as", "admin.json")
    shell.run("agent", "me", "--as", "one.json", code=1)
    assert shell.json("participant", "facts", did, who=OPERATORS)["security_officer"] is False
    changes = ("--set", "security_officer=true", "--set", "persons_held=12000000")
    assert shell.json("participant", "facts", did, *changes, who=OPERATORS)["persons_held"] == 12_000_000
    shell.run("participant", "suspend", did, who=OPERATORS)
    shell.run("agent", "me", "--as", "admin.json", code=1)
    shell.run("participant", "reinstate", did, who=OPERATORS)
    shell.run("agent", "me", "--as", "admin.json")


def test_keys_are_made_here_and_never_overwritten(shell: Shell) -> None:
    made = shell.json("keys", "new", "mine.key")
    public = json.loads((shell.folder / "mine.key.pub").read_text())
    assert "d" not in public
    assert shell.json("keys", "show", "mine.key") == public
    assert oct((shell.folder / "mine.key").stat().st_mode & 0o777) == "0o600"
    before = (shell.folder / "mine.key").read_bytes()
    shell.run("keys", "new", "mine.key", code=1)
    assert (shell.folder / "mine.key").read_bytes() == before
    assert made["alg"] == "Ed25519"


def test_the_gateways_own_keys_are_replaced_while_it_is_stopped(shell: Shell, space: Space) -> None:
    running = ["--home", str(space.settings.home)]
    assert "Stop it" in shell.run("keys", "rotate", "token", *running, code=1).stderr
    assert "pseudonym" in shell.run("keys", "rotate", "pseudonym", *running, code=1).stderr
    before = shell.json("init", "--home", "own", "--development")["log_key"]
    own = ["--home", "own"]
    for name in ("token", "countersign", "bundle"):
        made = shell.json("keys", "rotate", name, *own)
        assert made["thumbprint"] != made["replaces"]
        assert made["key"] == name
        assert "nothing to finish" in shell.run("keys", "rotate", name, *own, "--finish", code=1).stderr
    for name in ("alert", "log"):
        made = shell.json("keys", "rotate", name, *own)
        assert made.get("log_key") != before
        assert "--finish" in shell.run("keys", "rotate", name, *own, code=1).stderr
        assert shell.json("keys", "rotate", name, *own, "--finish")["entry"]
    assert "has been" in shell.run("keys", "rotate", "token", *own, "--compromised", "2999-01-01T00:00Z", code=1).stderr
    shell.run("keys", "rotate", "token", *own, "--compromised", "now")
    for words in (["--compromised", "yesterday"], ["--compromised", "2026-01-01T00:00:00"], ["--compromised", "now"]):
        shell.run("keys", "rotate", "alert", *own, *words, *(["--finish"] if "now" in words else []), code=2)
    assert "corridor init" in shell.run("keys", "rotate", "token", "--home", "nowhere", code=1).stderr
    assert not (shell.folder / "nowhere").exists()


def test_init_makes_a_gateway_once_and_policy_build_a_bundle(shell: Shell) -> None:
    made = shell.json("init", "--home", "home", "--development")
    assert (shell.folder / "home" / "operator.agent.json").exists()
    assert made["log_key"]
    assert "already" in shell.run("init", "--home", "home", code=1).stderr
    exposed = shell.run("serve", "--home", "home", "--host", "192.0.2.1", code=1)
    assert "Development keys" in exposed.stderr
    built = shell.json("policy", "build", "bundle")
    assert built["digest"].startswith("sha256:")
    assert "contract_purpose" in built["rules"]
    assert built["signed"] == "nobody"
    assert not (shell.folder / "bundle" / ".signatures.json").exists()
    assert shell.run("version").stdout.strip()


def test_a_bundle_is_signed_with_the_gateways_key_or_another(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.json("init", "--home", "signing", "--development")
    monkeypatch.setenv("CORRIDOR_HOME", str(shell.folder / "signing"))
    ours = trusted_key("ours", shell.run("policy", "key").stdout.encode())
    shell.json("policy", "build", "ours.tar.gz", "--sign")
    shell.json("keys", "new", "committee.key", "--alg", "ES256")
    theirs = trusted_key("theirs", (shell.folder / "committee.key.pub").read_bytes())
    shell.json("policy", "build", "theirs.tar.gz", "--key", "committee.key")
    for name, signer, stranger in (("ours", ours, theirs), ("theirs", theirs, ours)):
        archive = (shell.folder / f"{name}.tar.gz").read_bytes()
        assert opened(archive, [signer]).signed_by == name
        with pytest.raises(BundleInvalid):
            opened(archive, [stranger])
    shell.json("keys", "new", "edwards.key", "--alg", "Ed25519")
    assert "ES256" in shell.run("policy", "build", "no.tar.gz", "--key", "edwards.key", code=1).stderr
    assert "already" in shell.run("policy", "build", "ours.tar.gz", code=1).stderr
    shell.run("policy", "build", "both.tar.gz", "--sign", "--key", "committee.key", code=2)
    assert not (shell.folder / "both.tar.gz").exists()


def test_an_operator_activates_and_shadows_from_the_command_line(shell: Shell, space: Space) -> None:
    key = Home.load(space.settings.home, passphrase=None).bundle_key
    (shell.folder / "signed.tar.gz").write_bytes(of_folder(POLICIES, key))
    written(contents(load_bundle(POLICIES), key), shell.folder / "signed")
    for bundle in ("signed.tar.gz", "signed"):
        assert "none" in shell.json("policy", "activate", bundle, who=OPERATORS)["entry"]
    unsigned = shell.run("policy", "activate", str(POLICIES), who=OPERATORS, code=1)
    assert "not signed" in unsigned.stderr
    assert [each["active"] for each in shell.json("policy", "bundles", who=RESEARCHER)] == [True]
    shell.run("policy", "activate", "signed", who=RESEARCHER, code=1)
    assert shell.json("policy", "shadow", who=OPERATORS)["state"] == "off"
    assert shell.json("policy", "shadow", "signed", who=OPERATORS)["state"] == "running"
    shell.run("policy", "shadow", "signed", "--off", who=OPERATORS, code=2)
    assert shell.json("policy", "shadow", "--off", who=OPERATORS)["state"] == "ended"
    assert "No candidate" in shell.run("policy", "shadow", "--off", who=OPERATORS, code=1).stderr


def test_a_refusal_names_every_reason_and_what_would_pass(shell: Shell, space: Space) -> None:
    contract = space.agree(space.datasets["csv"])
    words = ["access", "read", contract, "--purpose", "P09", "--column", "sex"]
    told = shell.run(*words, "--out", "x.csv", who=RESEARCHER, code=1).stderr
    assert "→" in told
    assert not list(shell.folder.glob("x.csv*"))
    problem = json.loads(shell.run("--json", *words, who=RESEARCHER, code=1).stderr)
    assert problem["reasons"][0]["remedy"]
    assert problem["entry"]


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["access", "read"],
        ["access", "read", "x", "--purpose", "P05", "--nonsense"],
        ["access", "read", "x", "--purpose", "P05", "--column", "a", "--format", "xlsx"],
        ["audit", "list", "--limit", "0"],
        ["keys", "new", "a", "--alg", "RS1"],
    ],
)
def test_a_command_that_is_not_understood_exits_2(shell: Shell, words: list[str]) -> None:
    shell.run(*words, who=RESEARCHER, code=2)


def test_files_that_cannot_be_used_are_named(shell: Shell, space: Space) -> None:
    for words in (
        ["dataset", "register", "missing.json"],
        ["audit", "verify", "missing.export", "--key", space.vkey],
        ["contract", "verify", "missing.jws", "--keys", "missing.json"],
    ):
        assert "missing" in shell.run(*words, who=PROVIDER, code=1).stderr
    (shell.folder / "twice.json").write_text('{"a": 1, "a": 2}')
    assert "twice" in shell.run("dataset", "register", "twice.json", who=PROVIDER, code=1).stderr
    file = shell.folder / "open.json"
    file.write_bytes(space.parties[PHARMA].files["researcher"].read_bytes())
    file.chmod(0o644)
    assert "chmod 600" in shell.run("agent", "me", "--as", "open.json", code=1).stderr
