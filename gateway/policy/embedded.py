"""The policy in process: Microsoft's Rego interpreter, without a service beside the gateway."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import orjson
import regorus

from gateway.policy.bundle import Bundle
from gateway.policy.engine import ENTRYPOINT, MAX_ANSWER_BYTES
from gateway.policy.errors import PolicyUnavailable

_RULE = "data." + ENTRYPOINT.replace("/", ".")
_UNDEFINED = '"<undefined>"'
# Interpreters whose owner let go of them on another thread: freeing them there panics.
_ORPHANS: list[Any] = []


def interpreter(bundle: Bundle) -> Any:
    """An interpreter that holds a bundle. It is the calling thread's own."""
    engine = regorus.Engine()
    for path, text in bundle.modules.items():
        engine.add_policy(path, text)
    engine.add_data_json(orjson.dumps(bundle.data).decode())
    return engine


class EmbeddedEngine:
    """Evaluates on the thread that asks first, which is the event loop's, and on no other.

    The interpreter belongs to the thread that made it and holds the interpreter lock while it works (a fraction of a
    millisecond), so a thread pool would gain nothing: scale by processes. The engine is made at the first question.
    """

    name = "embedded"

    def __init__(self, bundle: Bundle) -> None:
        self._bundle: Bundle | None = bundle
        self._digest = bundle.digest
        self._engine: Any = None
        self._thread: int | None = None

    @property
    def digest(self) -> str:
        return self._digest

    def load(self) -> None:
        """Make the interpreter now. Raises PolicyUnavailable, its cause what the interpreter said of the text."""
        self._thread = threading.get_ident()
        try:
            self._engine = self._made()
        except (RuntimeError, ValueError) as error:
            raise PolicyUnavailable("The policy's text does not load.") from error

    async def evaluate(self, document: bytes) -> bytes:
        if self._thread is None:
            self._thread = threading.get_ident()
        if self._thread != threading.get_ident():
            # Asked from elsewhere the interpreter panics; better to say so before.
            raise PolicyUnavailable("The embedded policy engine was asked from another thread than its own.")
        answer = self._guarded(document)
        if answer == _UNDEFINED or len(answer) > MAX_ANSWER_BYTES:
            raise PolicyUnavailable("The policy gave no answer; nothing was released.")
        return answer.encode()

    def _guarded(self, document: bytes) -> str:
        try:
            if self._engine is None:
                self._engine = self._made()
            # Never set_input with Python objects: deep ones crash the process. Deep JSON is a clean error.
            self._engine.set_input_json(document.decode())
            return str(self._engine.eval_rule_as_json(_RULE))
        except (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, PolicyUnavailable):
            raise
        except BaseException as error:
            # A panic of the interpreter is a BaseException and may leave it in any state: the next question gets a
            # new one.
            self._engine = None
            raise PolicyUnavailable("The embedded policy engine failed; nothing was released.") from error

    def _made(self) -> Any:
        if self._bundle is None:
            raise PolicyUnavailable("The embedded policy engine is closed.")
        return interpreter(self._bundle)

    async def close(self) -> None:
        self._drop()
        self._bundle = None

    def _drop(self) -> None:
        """Let the interpreter go. It may be freed on its own thread only; elsewhere it is kept for ever."""
        engine, self._engine = self._engine, None
        if engine is not None and self._thread != threading.get_ident():
            _ORPHANS.append(engine)

    def __del__(self) -> None:
        self._drop()
