"""Without the policy engine nothing is granted; when it comes back, the gateway goes on by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from gateway.cli.demo import free_port
from gateway.policy.archive import contents, written
from gateway.policy.bundle import load_bundle
from gateway.settings import POLICIES
from tests.space import Space, data_space


@pytest.fixture
def without(tmp_path: Path) -> Iterator[tuple[Space, int]]:
    """A data space whose OPA server is not there, and the port where it should be."""
    port = free_port()
    with data_space(tmp_path, policy_engine="opa", opa_url=f"http://127.0.0.1:{port}") as space:
        yield space, port


def test_no_access_is_granted_and_nothing_is_taken(without: tuple[Space, int]) -> None:
    space, _port = without
    contract = space.agree(space.datasets["csv"], uses=5, rows=500)
    response = space.ask(contract)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"]
    assert "corridor-entry" not in response.headers
    assert "entry" not in response.json()
    assert space.entries(type="access.decision") == []
    assert space.left(contract) == {"uses": 5, "rows": 500}


def test_the_gateway_says_that_it_is_alive_and_not_ready(without: tuple[Space, int]) -> None:
    space, _port = without
    assert space.http.get("/healthz").status_code == 200
    ready = space.http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["policy"] != "ready"
    assert ready.json()["log"] == "ready"


def test_a_server_that_holds_other_rules_or_speaks_nonsense_grants_nothing(tmp_path: Path) -> None:
    """Whatever answers there: what is no decision of the active bundle is none."""
    import http.server
    import threading

    answers = [b"{}", b"not json", b'{"result": {"result": "permit"}}', _permit("sha256:" + "0" * 64)]

    class Liar(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", str(len(answers[0])))
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with data_space(tmp_path, policy_engine="opa", opa_url=url) as space:
            contract = space.agree(space.datasets["csv"], uses=5)
            while answers:
                assert space.ask(contract).status_code == 503, answers[0]
                if len(answers) == 1:
                    break
                answers.pop(0)
            assert space.left(contract) == {"uses": 5}
        server.shutdown()


def _permit(bundle: str) -> bytes:
    members = '"result": "permit", "reasons": [], "obligations": [], "limits": {"mode": "M5"}'
    return f'{{"result": {{{members}, "bundle": "{bundle}"}}}}'.encode()


@pytest.mark.server
def test_it_recovers_when_a_real_opa_comes_up(without: tuple[Space, int], tmp_path: Path) -> None:
    space, port = without
    contract = space.agree(space.datasets["csv"], uses=5)
    assert space.ask(contract).status_code == 503
    program = os.environ.get("CORRIDOR_OPA") or shutil.which("opa")
    assert program, "run this by make check, which brings OPA"
    written(contents(load_bundle(POLICIES), None), tmp_path / "bundle")
    server = subprocess.Popen(
        [
            program,
            "run",
            "--server",
            f"--addr=127.0.0.1:{port}",
            "--log-level=error",
            "--bundle",
            str(tmp_path / "bundle"),
        ]
    )
    try:
        deadline = time.monotonic() + 20
        while space.http.get("/readyz").status_code != 200:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert len(space.read(contract)) == 300
        assert space.left(contract) == {"uses": 4}
    finally:
        server.terminate()
        server.wait(timeout=10)
    assert space.ask(contract).status_code == 503
    assert httpx2.get(space.url + "/readyz").status_code == 503
    assert space.left(contract) == {"uses": 4}
