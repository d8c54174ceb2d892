"""The data as it comes: Arrow batches in constant memory, or whole as what one works with; checked to the last byte."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from gateway.problems import Malformed, WrongState
from gateway.sdk.client import Client
from gateway.sdk.coming import Coming, into
from gateway.sdk.receipts import Receipt, Receipts
from gateway.sdk.refusals import BrokenOff, NotAsSent, NotInstalled, Refused

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl

FORMATS: Final = {".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".arrows": "arrow"}
_BUFFER: Final = 1 << 18
ENDING_S: Final = 5.0
"""The entry of a delivery's end is written once the last byte was taken; so long is waited for it."""


class AlreadyRead(WrongState):
    """Data comes once; it is not kept unless it was asked for whole."""

    slug, title = "already-read", "This answer was read already"


class Came(Protocol):
    """Told of every piece that comes: its size in bytes."""

    def __call__(self, size: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that came whole. `entry`: the grant's entry in the log."""

    path: Path
    bytes: int
    entry: str


class Answer:
    """What a request is answered with. Nothing is sent, and no use taken, before it is read for the first time.

    Read it once: whole (`arrow`, `pandas`, `polars`, `duckdb`; kept, so that any of them may follow), by `batches` in
    constant memory, or into a file (`save`). Where the connection breaks it is taken up where it broke off, which takes
    no use, for about a minute. What breaks off for good raises BrokenOff and hands out nothing more; `again` asks once
    more, which takes another use.

    Every reading may raise Refused (with reasons, remedies and what would pass), BrokenOff, and NotAsSent: the bytes
    that came are not those that the log says left.
    """

    def __init__(self, client: Client, body: Mapping[str, Any], receipts: Receipts, *, verify: bool) -> None:
        self._client, self._body, self._receipts, self._verify = client, dict(body), receipts, verify
        self._table: pa.Table | None = None
        self._coming: Coming | None = None

    def __repr__(self) -> str:
        state = "not asked yet" if self._coming is None else f"entry {self._coming.entry}"
        return f"<Answer to {self._body['action']} under {self._body['contract']}: {state}>"

    @property
    def entry(self) -> str:
        """The grant's entry in the log.

        Raises:
            WrongState: nothing was asked yet.
        """
        if self._coming is None or self._coming.entry is None:
            raise WrongState("Read the data first; before that nothing is asked.")
        return self._coming.entry

    @property
    def receipt(self) -> Receipt:
        """Proof that the grant is in the log: verified, and kept in the receipts' folder."""
        return self._receipts.of(self.entry)

    def again(self) -> Answer:
        """The same request, to be asked anew. It takes another use of the contract."""
        return Answer(self._client, self._body, self._receipts, verify=self._verify)

    # -- whole -------------------------------------------------------------------------------------------------------

    def arrow(self) -> pa.Table:
        """All of it in memory."""
        if self._table is None:
            with self._streamed() as reader:
                batches = list(reader)
                schema = reader.schema
            self._table = pa.Table.from_batches(batches, schema=schema)
        return self._table

    def pandas(self) -> pd.DataFrame:
        """A pandas DataFrame."""
        _needed("pandas")
        frame: pd.DataFrame = self.arrow().to_pandas()
        return frame

    def polars(self) -> pl.DataFrame:
        """A Polars DataFrame."""
        polars = _needed("polars")
        frame: pl.DataFrame = polars.from_arrow(self.arrow())
        return frame

    def duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation over it, to ask further questions in SQL."""
        duckdb = _needed("duckdb")
        table = self.arrow()
        return duckdb.from_arrow(table) if connection is None else connection.from_arrow(table)

    def _repr_html_(self) -> str:
        """How a notebook shows it: it reads nothing by being looked at."""
        shown = f"{self._body['action']} under {self._body['contract']}"
        what = "not asked yet" if self._table is None else f"{self._table.num_rows:,} rows"
        return f"<p>Answer to {shown}: {what}</p>"

    # -- as it comes -------------------------------------------------------------------------------------------------

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Batch by batch: memory stays at about one of them. Read to the end, or close the iterator."""
        if self._table is not None:
            yield from self._table.to_batches()
            return
        with self._streamed() as reader:
            yield from reader

    def save(self, path: str | Path, *, progress: bool | None = None) -> Saved:
        """Into a new file, as CSV, Parquet or an Arrow stream by its ending.

        One that breaks off leaves what came as `.part` beside it; asked for again within a day, it goes on there.

        `progress`: a bar of what has come; by default where somebody looks, in a terminal or a notebook.

        Raises:
            Malformed: another ending, or the file is there already, or a part of something else.
        """
        path = Path(path)
        if path.suffix not in FORMATS:
            raise Malformed(f"The file's ending says its form: {', '.join(FORMATS)}; not {path.suffix or 'none'}.")
        body = {**self._body, "format": FORMATS[path.suffix]}
        coming = self._begun(body)
        try:
            with _bar(path.name, progress) as came:
                into(path, coming, body, came, self._compare)
        except Malformed:  # nothing was asked yet
            self._coming = None
            raise
        return Saved(path, coming.size, self.entry)

    @contextmanager
    def _streamed(self) -> Iterator[pa.RecordBatchReader]:
        pieces = self._pieces({**self._body, "format": "arrow"})
        try:
            # Buffered: what reads a stream takes a short read for its end.
            yield pa.ipc.open_stream(io.BufferedReader(_Stream(pieces), _BUFFER))
            for _ in pieces:  # to the answer's own end, which the stream's end is not
                pass
        except (pa.ArrowInvalid, OSError) as error:
            raise BrokenOff("The data is not what an Arrow stream is; it broke off, or was changed.") from error
        finally:
            pieces.close()  # the connection is let go now

    def _pieces(self, body: Mapping[str, Any]) -> Generator[bytes, None, None]:
        """The bytes as they come; after the last one, what the log says of them is compared."""
        coming = self._begun(body)
        yield from coming.pieces()
        self._compare()

    def _begun(self, body: Mapping[str, Any]) -> Coming:
        if self._coming is not None:
            raise AlreadyRead("Keep what it gave you, or ask `again`, which takes another use.")
        self._coming = Coming(self._client, body)
        return self._coming

    def _compare(self) -> None:
        """What came with what the log says left; of an answer in several parts, its last one tells of the whole."""
        if self._coming is None or not self._verify:
            return
        end = _patiently(lambda: self._receipts.of_end(self.entry))
        left, came = (end.record["result"] or {}).get("output_digest"), f"sha256:{self._coming.sha256}"
        if left != came:
            raise NotAsSent(f"{came} came; the log says {left or 'nothing'} left (entry {end.index}).")


class _Stream(io.RawIOBase):
    """Pieces as a file that is read from the front."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _patiently(ask: Callable[[], Receipt]) -> Receipt:
    until = time.monotonic() + ENDING_S
    while True:
        try:
            return ask()
        except Refused as refused:
            if refused.code != "not-ended" or time.monotonic() > until:
                raise
            time.sleep(0.05)


def _needed(library: str) -> Any:
    """The library, or how to get it."""
    import importlib

    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise NotInstalled(f"This needs {library}: pip install 'corridor[{library}]'") from error


@contextmanager
def _bar(name: str, wanted: bool | None) -> Iterator[Came]:
    """Something that moves while data comes, where somebody looks."""
    shown = wanted if wanted is not None else sys.stderr.isatty() or "ipykernel" in sys.modules
    if not shown:
        yield lambda _size: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda size: bar.advance(task, size)
