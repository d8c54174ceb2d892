"""The SDK against a bare HTTP client: `python -m benchmarks.client [ROUNDS]`, five rounds of a stream of 80 MB.

The same data of the same gateway in turn: by httpx2 alone, into a file or read as Arrow, and by the SDK, which
also hashes them and compares what came with what the log says left. The middle ratio of rates counts.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pyarrow as pa
import pyarrow.parquet

from gateway.sdk import Corridor
from tests.space import PHARMA, Space, data_space, registration, token_of, visits, wanted

ROUNDS: Final = 5
COLUMNS: Final = ["note", "score", "ward"]


def furnished(space: Space) -> str:
    """Two million rows, under contract."""
    big = pa.concat_tables([visits(20_000)] * 100)
    pyarrow.parquet.write_table(big, space.source("many.parquet"))
    body = registration("parquet", source={"kind": "parquet", "path": "many.parquet"})
    return space.agree(space.publish(body)["id"])


class Pieces(io.RawIOBase):
    """What a bare client reads as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, data_space(Path(folder)) as space:
        contract = furnished(space)
        body = wanted(contract, columns=COLUMNS, format="arrow")
        headers = token_of(space.agent(PHARMA, "researcher"))
        with Corridor(space.parties[PHARMA].files["researcher"], receipts=Path(folder) / "receipts") as corridor:

            def bare() -> int:
                place = Path(folder) / "bare.arrow"
                asked = httpx2.stream("POST", f"{space.url}/v1/access", json=body, headers=headers, timeout=60)
                with asked as answer, place.open("wb") as file:
                    return sum(file.write(piece) for piece in answer.iter_raw())

            def bare_arrow() -> int:
                with httpx2.stream("POST", f"{space.url}/v1/access", json=body, headers=headers, timeout=60) as answer:
                    reader = pa.ipc.open_stream(io.BufferedReader(Pieces(answer.iter_raw()), 1 << 18))
                    return sum(batch.num_rows for batch in reader)

            def saved() -> int:
                place = Path(folder) / "saved.arrow"
                place.unlink(missing_ok=True)
                return corridor.read(contract, COLUMNS).save(place, progress=False).bytes

            def batches() -> int:
                return sum(batch.num_rows for batch in corridor.read(contract, COLUMNS).batches())

            pairs: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {
                "into a file / into a file by httpx2 alone": (saved, bare),
                "batches / Arrow by httpx2 alone": (batches, bare_arrow),
            }
            for name, (ours, theirs) in pairs.items():
                ratios = []
                for _ in range(rounds):
                    taken = []
                    for read in (theirs, ours):
                        begin = time.perf_counter()
                        assert read()
                        taken.append(time.perf_counter() - begin)
                    ratios.append(taken[0] / taken[1])
                print(f"{statistics.median(ratios):.2f}  {name}  ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
