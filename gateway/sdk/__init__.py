"""For clients: ask the gateway, and check what it says without asking it. Needs no part of the server.

from gateway.sdk import Corridor, col

with Corridor("researcher.json") as space:
    (contract,) = space.contracts()
    frame = space.read(contract, ["age", "result"], where=col("result") == "positive").pandas()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.sdk.aio import AsyncCorridor as AsyncCorridor
    from gateway.sdk.answer import Answer as Answer
    from gateway.sdk.corridor import Corridor as Corridor
    from gateway.sdk.model import Contract as Contract
    from gateway.sdk.model import Dataset as Dataset
    from gateway.sdk.model import Explanation as Explanation
    from gateway.sdk.refusals import BrokenOff as BrokenOff
    from gateway.sdk.refusals import Refused as Refused
    from gateway.sdk.refusals import Unreachable as Unreachable
    from gateway.sdk.where import col as col

_PLACES = {
    "Answer": "answer",
    "AsyncCorridor": "aio",
    "BrokenOff": "refusals",
    "Contract": "model",
    "Corridor": "corridor",
    "Dataset": "model",
    "Explanation": "model",
    "Refused": "refusals",
    "Unreachable": "refusals",
    "col": "where",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Each is loaded when it is first asked for (PEP 562): checking a contract does not load Arrow."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
