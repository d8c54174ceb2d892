"""The client alone: built as a wheel, installed with its own dependencies in a fresh environment, it does its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from gateway.sdk.agentfile import AgentFile
from tests.space import HOSPITAL, PHARMA, Space

pytestmark = pytest.mark.server  # installs from the package index: some minutes are for `make check`

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAM = """
import importlib.util, json, sys
for absent in ("fastapi", "sqlmodel", "sqlalchemy", "duckdb", "uvicorn", "regorus", "jinja2"):
    assert importlib.util.find_spec(absent) is None, absent
from gateway.sdk import Corridor
with Corridor(sys.argv[1], receipts="receipts") as space:
    contract = space.contract(sys.argv[2])
    answer = space.read(contract, ["score", "sex"])
    print(json.dumps([answer.arrow().num_rows, answer.receipt.index]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel and what it names, and nothing of ours besides."""
    folder = tmp_path_factory.mktemp("client")
    tools = ROOT / ".cache" / "tools"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, env=os.environ | {"PYTHONPATH": str(tools)})
    venv.create(folder / "venv", with_pip=True)
    own = folder / "venv" / "bin" / "python"
    install = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--require-hashes", "-r", str(ROOT / "requirements" / "client.txt")], check=True)
    (wheel,) = folder.glob("corridor-*.whl")
    subprocess.run([*install, "--no-deps", str(wheel)], check=True)
    subprocess.run([str(own), "-m", "pip", "check"], check=True)  # the list is all that the wheel asks for
    return own


def test_a_researcher_asks_with_the_client_alone(space: Space, python: Path, tmp_path: Path) -> None:
    contract = space.agree(space.datasets["csv"])
    key = space.parties[PHARMA].files["researcher"]
    command = [str(python), "-c", PROGRAM, str(key), contract]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows, index = json.loads(done.stdout)
    assert rows == 300
    assert 0 < index < space.log_size()


def test_the_command_line_speaks_with_the_client_alone(space: Space, python: Path, tmp_path: Path) -> None:
    corridor = python.with_name("corridor")
    key = space.parties[HOSPITAL].files["officer"]
    for command in (["audit", "list", "--as", key], ["dataset", "find", "--as", key], ["policy", "rules", "--as", key]):
        done = subprocess.run([corridor, "--json", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)
    receipt = tmp_path / "receipt.json"
    entry = space.entries(type="dataset.registered")[0]["entry"]
    done = subprocess.run([corridor, "audit", "receipt", entry, "--as", key, "--out", receipt], check=True)
    check = [corridor, "audit", "verify-receipt", receipt, "--key", space.vkey]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0
    for command in (["serve"], ["demo"], ["init"]):
        told = subprocess.run([corridor, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told.returncode != 0
        assert "corridor[server]" in told.stderr + told.stdout
        assert "Traceback" not in told.stderr
    assert AgentFile.load(key).participant == HOSPITAL


def test_what_the_client_needs_is_what_it_asks_for() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    client = {requirement.partition("==")[0] for requirement in asked["dependencies"]}
    assert not client & {r.partition("==")[0].partition("[")[0] for r in asked["optional-dependencies"]["server"]}
