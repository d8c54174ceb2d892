"""What every policy engine does, wherever it runs."""

from __future__ import annotations

from typing import Protocol

ENTRYPOINT = "access/decision/decision"
"""The one rule that is asked, as a path (package `access.decision`, rule `decision`)."""

MAX_ANSWER_BYTES = 1024 * 1024


class Engine(Protocol):
    """Answers the entrypoint's value for one input.

    `digest` is the bundle the engine is meant to hold; what it does hold is said in each answer. An engine gives the
    same answer as any other for the same bundle and input, or raises PolicyUnavailable: never a guess.
    """

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    async def evaluate(self, document: bytes) -> bytes:
        """The decision as JSON, at most MAX_ANSWER_BYTES, for an input document as `document.as_bytes` gives it."""
        ...

    async def close(self) -> None:
        """Let go of connections and memory. Closing twice is harmless; evaluating afterwards is PolicyUnavailable."""
        ...
