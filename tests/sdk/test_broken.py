"""Data that breaks off, or is not what was sent, is never handed out as whole; memory does not grow with it."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from gateway.problems import Malformed
from gateway.sdk import BrokenOff, Corridor, coming
from gateway.sdk.refusals import NotAsSent, Refused
from tests.space import PHARMA, Space, registration, visits

Changed = Callable[[bytes], bytes | None]
"""What becomes of the bytes of an answer so far; None: the connection is cut here."""


class Meddler(threading.Thread):
    """Somebody between researcher and gateway: passes on everything but the data, of which it makes something else.

    Like a proxy that saves bytes, it packs the data for a reader that takes it so.
    """

    def __init__(self, port: int, change: Changed) -> None:
        super().__init__(daemon=True)
        self._port, self._change = port, change
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as asked:
            while line := asked.readline():
                method, path, _ = line.decode().split()
                headers = http.client.parse_headers(asked)
                body = asked.read(int(headers.get("content-length") or 0))
                upstream = http.client.HTTPConnection("127.0.0.1", self._port)
                upstream.request(method, path, body, {n: v for n, v in headers.items() if n.lower() != "host"})
                answer = upstream.getresponse()
                content = answer.read()
                upstream.close()
                kept = {"content-type", "corridor-entry", "corridor-index"}
                told = [f"{n}: {v}" for n, v in answer.getheaders() if n.lower() in kept]
                changed = self._change(content) if path == "/v1/access" else content
                if changed and path == "/v1/access" and "gzip" in headers.get("accept-encoding", ""):
                    changed = gzip.compress(changed)
                    told.append("content-encoding: gzip")
                size = len(content) if changed is None else len(changed)
                head = [f"HTTP/1.1 {answer.status} x", *told, f"content-length: {size}", "", ""]
                connection.sendall("\r\n".join(head).encode() + (content[:-20] if changed is None else changed))
                if changed is None:
                    return


@contextmanager
def between(space: Space, key_file: Path, folder: Path, change: Changed) -> Iterator[Corridor]:
    meddler = Meddler(space.port, change)
    meddler.start()
    file = folder / "between.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(json.loads(key_file.read_text()) | {"url": f"http://127.0.0.1:{meddler.port}"}))
    try:
        with Corridor(file, receipts=folder / "receipts") as corridor:
            yield corridor
    finally:
        meddler.close()


def test_what_is_passed_on_as_it_is_holds(space: Space, key_file: Path, agreed: str, tmp_path: Path) -> None:
    with between(space, key_file, tmp_path, lambda data: data) as corridor:
        assert corridor.read(agreed, ["score"]).arrow().num_rows == 300


def test_data_that_breaks_off_is_not_handed_out(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "WAITS_S", (0.01,))
    with between(space, key_file, tmp_path, lambda _data: None) as corridor:
        with pytest.raises(BrokenOff):
            corridor.read(agreed, ["score"]).arrow()
        with pytest.raises(BrokenOff):
            list(corridor.read(agreed, ["score"]).batches())
        for name in ("cut.csv", "cut.parquet"):
            with pytest.raises(BrokenOff):
                corridor.read(agreed, ["score"]).save(tmp_path / name)
            assert not (tmp_path / name).exists()


class Cuts:
    """Cuts some of the answers with data, in the order given, and lets all that come later through."""

    def __init__(self, *cuts: bool) -> None:
        self._cuts = list(cuts)

    def __call__(self, data: bytes) -> bytes | None:
        return None if self._cuts and self._cuts.pop(0) else data


def uses(space: Space, contract: str) -> int:
    return int(space.agent(PHARMA, "researcher").get(f"/v1/contracts/{contract}")["used"]["uses"])


def test_a_broken_connection_is_nothing_a_reader_sees(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "WAITS_S", (0.01, 0.5, 1, 2))
    with Corridor(key_file, receipts=tmp_path / "all") as corridor:
        expected = corridor.read(agreed, ["score"]).arrow()
        corridor.read(agreed, ["score"]).save(tmp_path / "expected.csv")
    before = uses(space, agreed)
    cuts = Cuts(True, False, True, True, False, True)
    with between(space, key_file, tmp_path, cuts) as corridor:
        answer = corridor.read(agreed, ["score"])
        assert answer.arrow().equals(expected)
        # Its receipt is of the part that brought it to its end.
        assert answer.receipt.record["facts"]["resumes"]
        assert pa.Table.from_batches(corridor.read(agreed, ["score"]).batches()).equals(expected)
        saved = corridor.read(agreed, ["score"]).save(tmp_path / "cut.csv")
    assert saved.path.read_bytes() == (tmp_path / "expected.csv").read_bytes()
    assert saved.bytes == saved.path.stat().st_size
    assert sorted(path.name for path in tmp_path.glob("cut*")) == ["cut.csv"]
    assert uses(space, agreed) == before + 3


def test_another_run_goes_on_where_one_gave_up(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "WAITS_S", ())
    before, path = uses(space, agreed), tmp_path / "cut.csv"
    with between(space, key_file, tmp_path, lambda _data: None) as corridor, pytest.raises(BrokenOff):
        corridor.read(agreed, ["score"]).save(path)
    part, note = tmp_path / "cut.csv.part", tmp_path / "cut.csv.part.json"
    had = part.stat().st_size
    assert had > 0
    with Corridor(key_file, receipts=tmp_path / "again") as corridor:
        # Of something else it is not the beginning, and nothing is asked.
        answer = corridor.read(agreed, ["ward"])
        with pytest.raises(Malformed, match="not the beginning"):
            answer.save(path)
        assert part.stat().st_size == had
        assert uses(space, agreed) == before + 1
        # That answer is unread still.
        assert answer.save(tmp_path / "other.csv").bytes > 0
        saved = corridor.read(agreed, ["score"]).save(path)
        whole = corridor.read(agreed, ["score"]).save(tmp_path / "whole.csv")
    assert saved.path.read_bytes() == whole.path.read_bytes()
    assert not part.exists()
    assert not note.exists()
    assert uses(space, agreed) == before + 3


SAVED = """
import os, signal, sys
from gateway.sdk import Corridor, coming
taken = coming.Coming._came
def die_after(self, piece):
    taken(self, piece)
    if self.size > 2_000_000:
        os.kill(os.getpid(), signal.SIGKILL)
coming.Coming._came = die_after
with Corridor(sys.argv[1], receipts=sys.argv[2]) as corridor:
    corridor.read(sys.argv[3], ["note", "score", "ward"]).save(sys.argv[4])
"""


def test_a_reader_that_is_killed_goes_on_the_next_time(space: Space, key_file: Path, tmp_path: Path) -> None:
    parquet.write_table(pa.concat_tables([visits(20_000)] * 10), space.source("killed.parquet"))
    dataset = space.publish(registration("parquet", source={"kind": "parquet", "path": "killed.parquet"}))["id"]
    contract, path = space.agree(dataset, uses=1), tmp_path / "killed.arrow"
    command = [sys.executable, "-c", SAVED, str(key_file), str(tmp_path), contract, str(path)]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": "."}).returncode == -9
    had = (tmp_path / "killed.arrow.part").stat().st_size
    with Corridor(key_file, receipts=tmp_path / "again") as corridor:
        saved = corridor.read(contract, ["note", "score", "ward"]).save(path)
    assert 0 < had < saved.bytes
    with pa.ipc.open_stream(path) as whole:
        assert whole.read_all().num_rows == 200_000
    assert sorted(one.name for one in tmp_path.glob("killed*")) == ["killed.arrow"]
    assert uses(space, contract) == 1


def test_a_part_that_is_not_what_was_sent_is_let_go(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "WAITS_S", ())
    path = tmp_path / "cut.csv"
    with between(space, key_file, tmp_path, lambda _data: None) as corridor, pytest.raises(BrokenOff):
        corridor.read(agreed, ["score"]).save(path)
    part = tmp_path / "cut.csv.part"
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    with Corridor(key_file, receipts=tmp_path / "again") as corridor:
        with pytest.raises(Refused, match="other bytes") as told:
            corridor.read(agreed, ["score"]).save(path)
        assert told.value.code == "delivery-differs"
        assert not list(tmp_path.glob("cut*"))
        assert corridor.read(agreed, ["score"]).save(path).bytes > 0


@pytest.mark.parametrize("name", ["cut.csv", "cut.csv.part"])
def test_a_link_in_the_way_is_not_written_through(corridor: Corridor, agreed: str, tmp_path: Path, name: str) -> None:
    link, elsewhere = tmp_path / name, tmp_path / "elsewhere"
    link.symlink_to(elsewhere)
    with pytest.raises(Malformed, match="is there"):
        corridor.read(agreed, ["score"]).save(tmp_path / "cut.csv")
    # Nor is the link of somebody's taken away, whatever the note beside it says.
    assert link.is_symlink()
    assert not elsewhere.exists()


def test_a_part_that_is_a_link_is_not_gone_on_with(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "WAITS_S", ())
    path, part = tmp_path / "cut.csv", tmp_path / "cut.csv.part"
    with between(space, key_file, tmp_path, lambda _data: None) as corridor, pytest.raises(BrokenOff):
        corridor.read(agreed, ["score"]).save(path)
    elsewhere = part.rename(tmp_path / "elsewhere")
    had = elsewhere.read_bytes()
    part.symlink_to(elsewhere)
    with Corridor(key_file, receipts=tmp_path / "again") as corridor, pytest.raises(Malformed, match="no file"):
        corridor.read(agreed, ["score"]).save(path)
    assert elsewhere.read_bytes() == had


def test_the_note_beside_a_part_is_not_written_through_a_link(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "WAITS_S", ())
    note, elsewhere = tmp_path / "cut.csv.part.json", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    note.symlink_to(elsewhere)
    with between(space, key_file, tmp_path, lambda _data: None) as corridor, pytest.raises(BrokenOff):
        corridor.read(agreed, ["score"]).save(tmp_path / "cut.csv")
    assert elsewhere.read_text() == "mine"
    assert not note.is_symlink()
    assert "entry" in json.loads(note.read_bytes())


def short(data: bytes) -> bytes:
    """Cut, and made to look whole."""
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    """One bit of one value is another."""
    at = len(data) - 200
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def fewer_lines(data: bytes) -> bytes:
    """A CSV without its last row, which is as good a CSV."""
    return data.rstrip(b"\n").rpartition(b"\n")[0] + b"\n"


@pytest.mark.parametrize("change", [short, flipped, fewer_lines])
def test_data_that_is_not_what_left_is_found(
    space: Space, key_file: Path, agreed: str, tmp_path: Path, change: Changed
) -> None:
    with between(space, key_file, tmp_path, change) as corridor:
        with pytest.raises(NotAsSent, match="the log says"):
            corridor.read(agreed, ["score", "ward"]).save(tmp_path / "changed.csv")
        assert not (tmp_path / "changed.csv").exists()
        if change is not fewer_lines:
            with pytest.raises((NotAsSent, BrokenOff)):
                corridor.read(agreed, ["score", "ward"]).arrow()


def test_a_reader_that_stops_lets_the_connection_go(corridor: Corridor, agreed: str) -> None:
    for _ in range(3):
        batches = corridor.read(agreed, ["score"]).batches()
        next(batches)
        batches.close()  # type: ignore[attr-defined]  # what is tried
    assert corridor.read(agreed, ["score"]).arrow().num_rows == 300


MEASURED = """
import resource, sys
from gateway.sdk import Corridor
with Corridor(sys.argv[1], receipts=sys.argv[2]) as corridor:
    rows = 0
    corridor.read(sys.argv[3], ["score"], limit=1000).arrow()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for batch in corridor.read(sys.argv[3], ["note", "score", "ward"]).batches():
        rows += batch.num_rows
    print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_does_not_grow_with_what_comes(space: Space, key_file: Path, tmp_path: Path) -> None:
    """Two million rows, about 80 MB of Arrow, pass through a few dozen."""
    big = pa.concat_tables([visits(20_000)] * 100)
    parquet.write_table(big, space.source("many.parquet"))
    dataset = space.publish(registration("parquet", source={"kind": "parquet", "path": "many.parquet"}))["id"]
    contract = space.agree(dataset)
    command = [sys.executable, "-c", MEASURED, str(key_file), str(tmp_path), contract]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": "."})
    rows, grown = map(int, done.stdout.split())
    assert rows == 2_000_000
    assert grown < 60, f"{grown} MiB more at the peak"
