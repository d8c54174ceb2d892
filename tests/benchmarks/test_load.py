"""What the measuring itself promises: nothing is lost between asking and counting."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.child import cpu_s
from benchmarks.load import load, request


class Answering(threading.Thread):
    """A server that counts what it is asked, and answers each with `answer`."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(daemon=True)
        self.asked = 0
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                while asked := connection.recv(65536):
                    self.asked += asked.count(b"POST ")
                    connection.sendall(self._answer)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.join(timeout=5)


@pytest.fixture(params=["HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable"])
def answering(request: pytest.FixtureRequest) -> Iterator[Answering]:
    server = Answering(f"{request.param}\r\ntransfer-encoding: chunked\r\n\r\n2\r\n0\n\r\n0\r\n\r\n".encode())
    server.start()
    yield server
    server.close()


def test_every_answer_is_counted_once_and_by_its_status(answering: Answering) -> None:
    answers = load(answering.port, [request("/a", {}), request("/b", {})], connections=1, seconds=0.2, bundled=True)
    assert answers.good + sum(answers.other.values()) == answering.asked > 10
    assert answers.cut == 0
    assert not (answers.good and answers.other)
    assert 0 < answers.p50_ms <= answers.p99_ms < 200


def test_cpu_time_is_what_the_kernel_has_on_account() -> None:
    before, spent = cpu_s(os.getpid()), time.process_time()
    while time.process_time() - spent < 0.3:
        pass
    assert 0.25 < cpu_s(os.getpid()) - before < 3
