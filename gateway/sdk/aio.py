"""The same for code that awaits: each call is carried out in a thread of its own, and the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, Unpack

import pyarrow as pa

from gateway.sdk.answer import Answer, Saved
from gateway.sdk.corridor import Corridor
from gateway.sdk.model import Contract, Dataset, Explanation, Found
from gateway.sdk.receipts import Receipt
from gateway.sdk.request import Action, Counted, Stated
from gateway.sdk.where import Condition

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(call: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(call, *args, **kwargs)

    return awaited


class AsyncAnswer:
    """An Answer whose every reading is awaited."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __repr__(self) -> str:
        return repr(self._answer)

    @property
    def entry(self) -> str:
        """The grant's entry in the log."""
        return self._answer.entry

    async def receipt(self) -> Receipt:
        """Proof that the grant is in the log."""
        return await asyncio.to_thread(lambda: self._answer.receipt)

    def again(self) -> AsyncAnswer:
        """The same request, to be asked anew; it takes another use."""
        return AsyncAnswer(self._answer.again())

    async def arrow(self) -> pa.Table:
        """All of it in memory."""
        return await asyncio.to_thread(self._answer.arrow)

    async def pandas(self) -> pd.DataFrame:
        """A pandas DataFrame."""
        return await asyncio.to_thread(self._answer.pandas)

    async def polars(self) -> pl.DataFrame:
        """A Polars DataFrame."""
        return await asyncio.to_thread(self._answer.polars)

    async def duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation over it."""
        return await asyncio.to_thread(self._answer.duckdb, connection)

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Batch by batch, in constant memory."""
        batches = self._answer.batches()
        try:
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                yield batch
        finally:
            await asyncio.to_thread(batches.close)

    async def save(self, path: str | Path, *, progress: bool | None = None) -> Saved:
        """Into a new file."""
        return await asyncio.to_thread(self._answer.save, path, progress=progress)


class AsyncCorridor:
    """`Corridor`, awaited: takes what it takes, and has what it has."""

    def __init__(self, key_file: str | Path | None = None, **options: Any) -> None:
        self._space = Corridor(key_file, **options)
        self.receipts = self._space.receipts

    def __repr__(self) -> str:
        return repr(self._space).replace("<Corridor", "<AsyncCorridor", 1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await asyncio.to_thread(self._space.close)

    async def find(
        self,
        text: str | None = None,
        *,
        purpose: str | None = None,
        category: str | None = None,
        provider: str | None = None,
    ) -> Found[Dataset]:
        """Every dataset you may find."""
        return await _awaited(self._space.find)(text, purpose=purpose, category=category, provider=provider)

    async def dataset(self, id: str) -> Dataset:
        """One dataset."""
        return await _awaited(self._space.dataset)(id)

    async def contracts(self, dataset: Dataset | str | None = None, *, in_force: bool = True) -> Found[Contract]:
        """What your organisation has agreed on."""
        return await _awaited(self._space.contracts)(dataset, in_force=in_force)

    async def contract(self, id: str) -> Contract:
        """One contract, with what is left of it now."""
        return await _awaited(self._space.contract)(id)

    async def read(
        self,
        contract: Contract | str,
        columns: Sequence[str],
        *,
        purpose: str | None = None,
        where: Condition | None = None,
        limit: int | None = None,
        mode: str | None = None,
        **stated: Unpack[Stated],
    ) -> AsyncAnswer:
        """Rows of these columns."""
        asked = _awaited(self._space.read)
        found = await asked(contract, columns, purpose=purpose, where=where, limit=limit, mode=mode, **stated)
        return AsyncAnswer(found)

    async def count(
        self,
        contract: Contract | str,
        by: Sequence[str],
        *,
        purpose: str | None = None,
        where: Condition | None = None,
        mode: str | None = None,
        of: Counted | None = None,
        **stated: Unpack[Stated],
    ) -> AsyncAnswer:
        """Counts by these columns."""
        asked = _awaited(self._space.count)
        return AsyncAnswer(await asked(contract, by, purpose=purpose, where=where, mode=mode, of=of, **stated))

    async def would(self, contract: Contract | str, action: Action = "read", **asked: Any) -> Explanation:
        """What would be answered, as `Corridor.would` has it."""
        return await _awaited(self._space.would)(contract, action, **asked)
