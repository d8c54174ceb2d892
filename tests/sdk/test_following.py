"""Whoever follows the log misses nothing, however often the connection is cut."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from gateway.sdk import Refused, following
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import Client
from gateway.sdk.refusals import Unreachable
from tests.space import PHARMA, Space


class Cutter(threading.Thread):
    """A cable that breaks: passes bytes on both ways, and cuts a connection right after an entry has passed."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cuts = 0

    def run(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._up, args=(near, far), daemon=True).start()
            threading.Thread(target=self._down, args=(near, far), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        while piece := near.recv(65536):
            far.sendall(piece)

    def _down(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            while piece := far.recv(65536):
                near.sendall(piece)
                if b"event: entry" in piece:
                    self.cuts += 1
                    near.shutdown(socket.SHUT_RDWR)
                    return


@pytest.fixture
def cutter(space: Space) -> Iterator[Cutter]:
    made = Cutter(space.port)
    made.start()
    yield made
    made.close()


def test_a_cut_connection_is_taken_up_again_and_no_entry_is_missed_or_given_twice(
    space: Space, cutter: Cutter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "AGAIN_S", 0.1)
    contract = space.agree(space.datasets["csv"])
    made = [space.ask(contract, purpose={"id": "P06"}).json() for _ in range(3)]
    file = tmp_path / "through.json"
    file.touch(mode=0o600)
    known = json.loads(space.parties[PHARMA].files["officer"].read_text())
    file.write_text(json.dumps(known | {"url": f"http://127.0.0.1:{cutter.port}"}))
    with Client(AgentFile.load(file)) as officer:
        wanted = {"type": "access.decision", "contract": contract}
        entries = following.following(officer, made[0]["index"] - 1, **wanted)
        came = [entry["id"] for entry in islice(entries, 2)]
        later = threading.Timer(0.5, lambda: made.append(space.ask(contract, purpose={"id": "P06"}).json()))
        later.start()
        came += [entry["id"] for entry in islice(entries, 2)]
        later.join()
    assert came == [one["entry"] for one in made]
    assert cutter.cuts >= 1


def test_who_may_not_follow_is_told(space: Space) -> None:
    with pytest.raises(Refused):
        next(following.following(space.agent(PHARMA, "researcher")))


def test_a_gateway_that_is_not_there_is_said_at_once(tmp_path: Path, space: Space) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    file = tmp_path / "nobody.json"
    file.touch(mode=0o600)
    known = json.loads(space.parties[PHARMA].files["officer"].read_text())
    file.write_text(json.dumps(known | {"url": f"http://127.0.0.1:{nobody}"}))
    with Client(AgentFile.load(file)) as officer, pytest.raises(Unreachable):
        next(following.following(officer))
