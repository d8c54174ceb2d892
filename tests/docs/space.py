"""The data space that the pages speak of, as `make serve` makes it, and a shell beside it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docs.forked import SHIM
from tests.docs.pages import PLAYED, ROOT, Typed, blocks, typed

# What pages show and tests do not type, and why. Everything else in a shell block is typed.
NOT_TYPED = {
    'pip install "corridor[pandas]"        # or [polars], [duckdb], [keyring]; without any: Arrow': (
        "the project is no package of an index; tests/sdk/test_install.py installs what it would be"
    ),
    "make demo     # sets itself up, plays the whole story on real clinical data, says what happened": "sets up",
    "make test     # proves the promises below": "these are the tests",
    "make demo": "its answer is compared with that of `make serve`, which plays the same story",
    "corridor serve": "`make serve` runs the same application",
    "export CORRIDOR_DATABASE_URL=postgresql://corridor@database/corridor": "needs PostgreSQL",
    "export CORRIDOR_WITNESSES=witnesses.policy": "tests/stories/test_witnesses.py serves with such a file",
    "corridor policy build bundle": "typed in docs/policy.md",
    "opa check --strict my-policies": "needs OPA; run by test_the_example_of_a_rule_passes_opa",
    "opa test my-policies": "needs OPA; run by test_the_example_of_a_rule_passes_opa",
    "opa run --server --authentication=token --authorization=basic --bundle bundle --bundle authz": (
        "needs OPA; tests/test_house.py runs the one of docker-compose.yml"
    ),
    "export CORRIDOR_POLICY_ENGINE=opa CORRIDOR_OPA_URL=http://127.0.0.1:8181 CORRIDOR_OPA_TOKEN_FILE=opa.token": (
        "needs OPA"
    ),
    "umask 077 && for name in DB_PASSWORD OPA_TOKEN PASSPHRASE; do": "needs Docker",
    '  echo "CORRIDOR_$name=$(openssl rand -hex 32)"; done > .env': "needs Docker",
    'echo "CORRIDOR_SOURCES=/path/of/the/data" >> .env': "needs Docker",
    "docker compose run --rm gateway init": "needs Docker",
    "docker compose up --detach": "needs Docker",
}
_MARK = "--- answered"


class Space:
    """One running data space; pages are played in their order, each once."""

    def __init__(self, folder: Path, port: int, demo: str) -> None:
        self.folder, self.port, self.demo = folder, port, demo
        self.played: dict[str, list[tuple[Typed, str, int]]] = {}

    def play(self, page: str) -> list[tuple[Typed, str, int]]:
        """Every command of a page with its real answer and exit code; pages before it are played first."""
        for earlier in PLAYED[: PLAYED.index(page) + 1]:
            if earlier not in self.played:
                self.played[earlier] = self._type(earlier)
        return self.played[page]

    def _type(self, page: str) -> list[tuple[Typed, str, int]]:
        commands, script = [], [f"cd {shlex.quote(str(self.folder))}"]
        for block in blocks(page):
            if block.file:
                script.append(f"cat > {shlex.quote(block.file)} <<'END-OF-FILE'\n{self._here(block.text)}END-OF-FILE")
            if block.language == "console":
                for line in typed(block):
                    if line.command.strip() in NOT_TYPED:
                        continue
                    commands.append(line)
                    script.append(f"{self._here(line.command).strip()} 2>&1\n_code=$?; echo; echo {_MARK} $_code")
        environment = {
            "PATH": f"{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            ["bash", "--norc", "-s"],
            input="\n".join(script) + "\n",
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        parts = re.split(rf"\n{_MARK} (\d+)\n", self._there(done.stdout))
        assert len(parts) == 2 * len(commands) + 1, done.stdout + done.stderr
        return [(line, parts[2 * i], int(parts[2 * i + 1])) for i, line in enumerate(commands)]

    def _here(self, text: str) -> str:
        return text.replace("8080", str(self.port))

    def _there(self, text: str) -> str:
        return text.replace(str(self.port), "8080")


@contextmanager
def opened(folder: Path) -> Iterator[Space]:
    """`make serve` in a folder that looks like a fresh checkout after its set-up."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (programs / "python").chmod(0o755)
    shutil.copytree(ROOT / "policies", folder / "policies")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    port, door = _free_port(), str(folder / "door")
    start = "from gateway.cli.main import main; main()"
    gateway = subprocess.Popen(
        [sys.executable, "-u", "-c", start, "demo", "--serve", "--port", str(port)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    fork = subprocess.Popen(
        [sys.executable, "-m", "tests.docs.forked", door], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        shim = programs / "corridor"
        shim.write_text(SHIM.format(python=sys.executable, path=door), encoding="utf-8")
        shim.chmod(0o755)
        assert gateway.stdout is not None
        assert fork.stdout is not None
        demo = ""
        for line in gateway.stdout:
            if line.startswith("The data space runs at"):
                break
            demo += line
        else:
            raise AssertionError(f"make serve did not come up:\n{demo}")
        assert fork.stdout.readline() == "ready\n"
        yield Space(folder, port, demo.replace(str(port), "8080"))
    finally:
        gateway.terminate()  # whoever runs the tests in the background has switched Ctrl-C off
        fork.terminate()
        for process in (gateway, fork):
            assert process.stdout is not None
            process.stdout.close()
            process.wait(timeout=30)


def _free_port() -> int:
    """A free port of four digits, so that tables are as wide as in the pages."""
    for port in range(8100, 9990):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no port is free")
