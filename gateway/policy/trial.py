"""A bundle in a child process of its own, with limits: to decide again, or to be tried before it decides anything.

Policy text can loop, eat memory, or crash the interpreter that runs it (a recursive function does). Text that is not
active here, or not any more, therefore never reaches an engine of the gateway's own process.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from gateway.policy.bundle import bundle_of
from gateway.policy.decision import Decision, parse_decision
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.problems import Problem

MEMORY_BYTES = 1024 * 1024 * 1024
START_S = 30.0
"""For a process to start and load the bundle, on a machine that has other work."""
ANSWER_S = 5.0
"""For the answers of one batch: a rule that takes longer hangs."""
TEST_S = 5.0
"""For one of a bundle's own tests."""
TESTS_S = 120.0
"""For all of them."""
BATCH = 64
REMEMBERED = 512
SHOWN = 5
"""Of the tests that fail, so many are named."""


class Trial:
    """Decides by one bundle. Use it as a context manager; it ends with its process, whatever becomes of that.

    Args:
        files: the bundle's files by path, as a folder would hold them.
        packs: the packs to turn on.
        background: whether its process gives way to every other.
        floor: whether it must have the rules that bundles have today; one that decided once need not.

    Raises:
        BundleInvalid: it is no bundle, or it could not be loaded within the limits.
    """

    def __init__(
        self, files: Mapping[str, bytes], packs: Iterable[str] = (), *, background: bool = False, floor: bool = True
    ) -> None:
        self._child = subprocess.Popen(  # noqa: S603  this module, by this interpreter
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._buffer = b""
        encoded = {path: base64.b64encode(content).decode("ascii") for path, content in files.items()}
        try:
            asked = {"packs": sorted(packs), "files": encoded, "nice": 15 * background, "floor": floor}
            self._write([json.dumps(asked).encode()])
            said = json.loads(self._line(START_S))
        except (PolicyUnavailable, ValueError) as error:
            self.close()
            raise BundleInvalid("The bundle could not be loaded within the limits of a trial.") from error
        if "digest" not in said:
            self.close()
            raise BundleInvalid(str(said["invalid"]))
        self.digest: str = said["digest"]
        self.rules: tuple[str, ...] = tuple(said["rules"])
        self.tests: tuple[str, ...] = tuple(said["tests"])
        self._untested: str | None = said["untested"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def test(self) -> None:
        """Run the bundle's own tests.

        Raises:
            BundleInvalid: one of them is not true, or does not end; or something that decides has none, or asks for
                more than its input.
        """
        if self._untested is not None:
            raise BundleInvalid(self._untested)
        self._send(b"tests\n")
        if (found := json.loads(self._line(ANSWER_S))) is not None:
            path, name = found
            raise BundleInvalid(
                f"{path} names {name}, which answers differently another time: no decision could be replayed."
            )
        until = time.monotonic() + TESTS_S
        failed = []
        for name in self.tests:
            try:
                passed = self._line(min(TEST_S, max(0.0, until - time.monotonic()))) == b"true"
            except PolicyUnavailable as problem:
                raise BundleInvalid(f"Its own test {name}: {problem.detail}") from problem
            failed += [] if passed else [name]
        if failed:
            more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
            raise BundleInvalid(f"Its own tests fail: {', '.join(failed[:SHOWN])}{more}.")

    def decide(self, documents: Sequence[bytes]) -> Iterator[Decision | None]:
        """The decision on each input, in order; None where the bundle gave no answer that is one.

        Raises:
            PolicyUnavailable: the child hung or died. Nothing more can be asked of it.
        """
        # Written by a thread: the next inputs are on their way while answers are read, and neither side can wait for
        # the other's full pipe.
        writer = threading.Thread(target=self._write_all, args=(documents,), daemon=True)
        writer.start()
        for _ in documents:
            line = self._line(ANSWER_S)
            yield None if line == b"null" else parse_decision(line)
        writer.join()

    def _write_all(self, documents: Sequence[bytes]) -> None:
        with contextlib.suppress(PolicyUnavailable):  # whoever reads is told by the answers that do not come
            for begin in range(0, len(documents), BATCH):
                self._write(documents[begin : begin + BATCH])

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # it died with something unread; that is over

    def _write(self, lines: Sequence[bytes]) -> None:
        self._send(b"%d\n" % len(lines) + b"\n".join(lines) + b"\n")

    def _send(self, content: bytes) -> None:
        if self._child.stdin is None:
            raise PolicyUnavailable("The trial has ended.")
        try:
            self._child.stdin.write(content)
            self._child.stdin.flush()
        except OSError as error:
            raise PolicyUnavailable("The bundle's process died.") from error

    def _line(self, limit_s: float) -> bytes:
        if self._child.stdout is None:
            raise PolicyUnavailable("The trial has ended.")
        until = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise PolicyUnavailable(f"The rules took longer than {limit_s:g} seconds.")
                piece = os.read(self._child.stdout.fileno(), 1 << 16)
                if not piece:
                    raise PolicyUnavailable("The bundle's process died: a rule crashed it, or took too much memory.")
                self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def _serve() -> None:
    """The child: a bundle first, then batches of inputs, or the word `tests`; a line of answer for each."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    batches = _batches()
    asked = json.loads((next(batches) or [])[0])
    os.nice(asked["nice"])
    files = {path: base64.b64decode(content) for path, content in asked["files"].items()}
    try:
        bundle = bundle_of(files, frozenset(asked["packs"]), floor=asked["floor"])
    except Problem as problem:
        _say([json.dumps({"invalid": problem.detail}).encode()])
        return
    answers = _answers(bundle)
    try:
        next(answers)
    except PolicyUnavailable as problem:
        cause = " ".join(str(problem.__cause__ or problem).partition("Stack backtrace")[0].split())[:300]
        _say([json.dumps({"invalid": f"It does not compile: {cause}"}).encode()])
        return
    tests, untested = _own_tests(bundle)
    said = {"digest": bundle.digest, "rules": bundle.rules, "tests": tests, "untested": untested}
    _say([json.dumps(said).encode()])
    for batch in batches:
        if batch is None:
            _test(bundle)
        else:
            _say(answers.send(batch))


def _own_tests(bundle: Any) -> tuple[tuple[str, ...], str | None]:
    """Its tests, or what has none."""
    from gateway.policy.owntests import tests_of

    try:
        return tests_of(bundle), None
    except BundleInvalid as problem:
        return (), problem.detail


def _test(bundle: Any) -> None:
    """Say what it names that no rule may, then of each test, as soon as it has run, whether it is true."""
    from gateway.policy.embedded import interpreter
    from gateway.policy.owntests import results
    from gateway.policy.repeatable import unrepeatable

    _say([json.dumps(unrepeatable(bundle)).encode()])
    for _, passed in results(bundle, interpreter(bundle)):
        _say([b"true" if passed else b"false"])


def _answers(bundle: Any) -> Any:
    """A generator: send it inputs, get their decisions, each as one line of JSON."""
    import asyncio

    import orjson

    from gateway.policy.decide import decide
    from gateway.policy.document import Document, validate
    from gateway.policy.embedded import EmbeddedEngine

    engine = EmbeddedEngine(bundle)
    engine.load()
    written: dict[int, tuple[Decision, bytes]] = {}

    def line(decision: Decision) -> bytes:
        # Equal answers are parsed to one object (see `parse_decision`), so most are written out already.
        known = written.get(id(decision))
        if known is None:
            if len(written) >= REMEMBERED:
                written.clear()
            known = written[id(decision)] = (decision, decision.as_bytes())
        return known[1]

    async def answer(data: bytes) -> bytes:
        value = orjson.loads(data)
        try:
            return line(await decide(engine, bundle.digest, Document(value, data, tuple(validate(value)))))
        except PolicyUnavailable:
            return b"null"

    async def answers(batch: list[bytes]) -> list[bytes]:
        return [await answer(data) for data in batch]

    given: list[bytes] = []
    with asyncio.Runner() as runner:
        while True:
            given = runner.run(answers((yield given)))


def _batches() -> Iterator[list[bytes] | None]:
    """Batches of lines; None where the word `tests` came."""
    while count := sys.stdin.buffer.readline():
        if count == b"tests\n":
            yield None
        else:
            yield [sys.stdin.buffer.readline().rstrip(b"\n") for _ in range(int(count))]


def _say(lines: list[bytes]) -> None:
    sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
