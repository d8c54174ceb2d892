"""One view for all: witnesses in processes of their own, tiles for any client, and a gateway that is never set back."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import LogSetBack, PolicyFileMalformed
from gateway.audit.note import parse_vkey
from gateway.audit.reader import head
from gateway.audit.receipt import verify_receipt
from gateway.audit.verify import verify_export
from gateway.audit.witnesses import WitnessPolicy, parse_policy
from gateway.cli import demo
from gateway.cli.demo import free_port
from gateway.rotation import finish, rotate
from gateway.runtime import Runtime
from gateway.settings import Settings
from tests.audit.small_log import OTHER_KEY, mth
from tests.space import PHARMA, Space
from tests.witness.running import corridor, make, policy, process
from tests.witness.running import serving as running

LIMIT_S = 2


class Watched:
    """A data space whose log two of three witnesses must have seen; all of it can be stopped and started."""

    def __init__(self, folder: Path, **settings: object) -> None:
        file = folder / "witnesses.policy"
        file.write_text("quorum none\n")
        self.settings = Settings.model_validate(
            {"home": folder / "gateway", "witnesses": file, "witness_limit_s": LIMIT_S, **settings}
        )
        self.space = Space(folder, self.settings, free_port())
        self.key = parse_vkey(self.space.vkey)
        self.witnesses = [make(folder, name, self.key) for name in ("north", "south", "west")]
        file.write_text(policy(2, *self.witnesses, log=self.key))
        self.policy: WitnessPolicy = parse_policy(file.read_text())
        self.file = file

    @contextmanager
    def serving(self) -> Iterator[Space]:
        with demo.serving(self.settings, self.space.port):
            yield self.space

    def checkpoint(self) -> tuple[str, Checkpoint]:
        note = httpx2.get(f"{self.space.url}/log/checkpoint").text
        return note, open_checkpoint(note, self.key)

    def wait_for_quorum(self, size: int) -> Checkpoint:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            note, checkpoint = self.checkpoint()
            if checkpoint.size >= size and self.policy.satisfied(one.key for one in self.policy.present(note)):
                return checkpoint
            time.sleep(0.1)
        raise AssertionError(f"no quorum over {size} entries")

    def start_refused(self) -> str:
        """What `corridor serve` says when it does not start."""
        home = {"CORRIDOR_HOME": str(self.settings.home), "CORRIDOR_WITNESSES": str(self.file)}
        ended = corridor("serve", "--port", str(self.space.port), **home)
        said, _ = ended.communicate(timeout=60)
        assert ended.returncode == 1, said
        return said

    @property
    def database(self) -> Path:
        return self.settings.home / "corridor.sqlite3"

    def copy(self, to: Path) -> None:
        shutil.copytree(self.settings.home, to)

    def restore(self, saved: Path) -> None:
        """The database of an earlier copy, in place of the present one."""
        for path in self.settings.home.glob("corridor.sqlite3*"):
            path.unlink()
        for path in saved.glob("corridor.sqlite3*"):
            shutil.copy(path, self.settings.home / path.name)


@contextmanager
def watching(folder: Path, **settings: object) -> Iterator[Watched]:
    made = Watched(folder, **settings)
    try:
        yield made
    finally:
        made.space.http.close()
        for party in made.space.parties.values():
            for client in party.agents.values():
                client.close()


@contextmanager
def looked_at(settings: Settings) -> Iterator[Runtime]:
    """A gateway that is put together and not started."""
    made = Runtime(settings)
    try:
        yield made
    finally:
        made.forget()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with watching(tmp_path) as made:
        yield made


def look(space: Space, until: int) -> int:
    """Let the log grow to so many entries: each look at it is one. Its size then."""
    while (size := space.log_size()) < until:
        space.operator.get("/v1/audit/entries", limit=1)
    return size


def test_receipts_exports_and_checkpoint_carry_what_witnesses_signed(watched: Watched, tmp_path: Path) -> None:
    north, south, _ = watched.witnesses
    with process(north), process(south), watched.serving() as space:
        space.populate()
        contract = space.agree(space.datasets["csv"])
        space.read(contract)
        officer = space.agent(PHARMA, "officer")
        entry = officer.get("/v1/audit/entries", contract=contract)["entries"][0]["id"]
        watched.wait_for_quorum(space.log_size())
        receipt = space.agent(PHARMA, "researcher").raw(f"/v1/receipts/{entry}")
        verified = verify_receipt(receipt, watched.key, watched.policy)
        assert {one.key.name for one in verified.witnesses} == {"north.example/witness", "south.example/witness"}
        export = officer.raw("/v1/audit/export")
        report = verify_export(export, watched.key, witnesses=watched.policy)
        assert report.valid, report.findings
        # Everything up to the export itself is in it: it waited for its witnesses, who are near.
        assert b'"type":"audit.exported"' in export
        assert httpx2.get(f"{space.url}/readyz").json()["witnesses"] == "ready"
        metrics = httpx2.get(f"{space.url}/metrics").text
        assert 'corridor_witness_answers_total{answer="cosignature",witness="north"}' in metrics

    # And offline, on the command line.
    files = {"receipt": receipt, "export": export}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for command, name in (("verify-receipt", "receipt"), ("verify", "export")):
        ended = corridor(
            "--json",
            "audit",
            command,
            str(tmp_path / name),
            "--key",
            watched.space.vkey,
            "--witnesses",
            str(watched.file),
        )
        said, _ = ended.communicate(timeout=60)
        assert ended.returncode == 0, said
        assert set(json.loads(said)["cosigned_by"]) == {"north.example/witness", "south.example/witness"}
    stricter = tmp_path / "all.policy"
    stricter.write_text(policy("all", *watched.witnesses))
    ended = corridor(
        "audit", "verify-receipt", str(tmp_path / "receipt"), "--key", watched.space.vkey, "--witnesses", str(stricter)
    )
    said, _ = ended.communicate(timeout=60)
    assert ended.returncode == 1
    assert "2 of 3 witnesses" in said


def test_without_its_witnesses_the_gateway_works_and_says_so(watched: Watched) -> None:
    with watched.serving() as space:
        space.populate()
        contract = space.agree(space.datasets["csv"])
        space.read(contract)
        deadline = time.monotonic() + 20
        while (ready := httpx2.get(f"{space.url}/readyz")).json()["witnesses"] != "behind":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert ready.status_code == 200
        space.read(contract)
        # There is no quorum, so the newest checkpoint is all there is.
        note, checkpoint = watched.checkpoint()
        assert checkpoint.size == space.log_size()
        assert watched.policy.present(note) == ()
        receipt = space.agent(PHARMA, "researcher").raw(f"/v1/receipts/{space.ask(contract).headers['corridor-entry']}")
        assert verify_receipt(receipt, watched.key).witnesses == ()


def test_where_witnesses_are_required_nothing_is_released_without_them(tmp_path: Path) -> None:
    with watching(tmp_path, witnesses_required=True) as watched, watched.serving() as space:
        north, south, _ = watched.witnesses
        space.populate()
        contract = space.agree(space.datasets["csv"])
        deadline = time.monotonic() + 30
        while (refused := space.ask(contract)).status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert refused.status_code == 503
        assert refused.json()["type"].endswith("/witnesses-behind")
        assert "corridor-entry" not in refused.headers
        ready = httpx2.get(f"{space.url}/readyz")
        assert (ready.status_code, ready.json()["witnesses"]) == (503, "witnesses-behind")
        with running(north), running(south):
            while (answer := space.ask(contract)).status_code != 200:
                assert time.monotonic() < deadline + 60, answer.text
                time.sleep(0.3)


def test_a_restored_backup_is_refused_at_the_start(watched: Watched, tmp_path: Path) -> None:
    north, south, _ = watched.witnesses
    saved = tmp_path / "saved"
    with running(north), running(south):
        with watched.serving() as space:
            size = watched.wait_for_quorum(look(space, 10)).size
        watched.copy(saved)
        with watched.serving() as space:
            newer = watched.wait_for_quorum(look(space, 20)).size
        present = tmp_path / "present"
        watched.copy(present)

        watched.restore(saved)
        said = watched.start_refused()
        assert "The audit log is not the one that was signed before" in said
        assert f"of {newer}: an older database" in said
        assert "checkpoint.pinned" in said

        # Whoever sets the home back as well meets the witnesses.
        shutil.copy(saved / "checkpoint.pinned", watched.settings.home / "checkpoint.pinned")
        refused = pytest.raises(LogSetBack, match=f"A checkpoint that a witness holds is of {newer}")
        with looked_at(watched.settings) as runtime, refused:
            runtime.look_first()

        # Nothing was written while it was refused: the right database goes on.
        watched.restore(present)
        with watched.serving() as space:
            assert watched.wait_for_quorum(newer).size >= newer > size


def test_a_forked_log_is_refused_at_the_start(watched: Watched, tmp_path: Path) -> None:
    """The same gateway started twice from one copy, so that the log has two ends of one length."""
    north, south, _ = watched.witnesses
    saved = tmp_path / "saved"
    with watched.serving() as space:
        space.populate()
    watched.copy(saved)
    with running(north), running(south), watched.serving() as space:
        space.agree(space.datasets["csv"])
        newer = watched.wait_for_quorum(space.log_size()).size
    watched.restore(saved)
    shutil.copy(saved / "checkpoint.pinned", watched.settings.home / "checkpoint.pinned")
    # While no witness is there to object, it writes another past.
    with watched.serving() as space:
        assert look(space, newer + 5) > newer
    refused = pytest.raises(LogSetBack, match=f"other entries among its first {newer}")
    with running(north), running(south), looked_at(watched.settings) as runtime, refused:
        runtime.look_first()


def test_any_tlog_client_reads_the_log_by_its_tiles_and_nothing_else(watched: Watched) -> None:
    """A client that knows the formats' pages only: it gets the tiles and adds them up to the signed root."""
    with watched.serving() as space:
        look(space, 530)
        _, checkpoint = watched.checkpoint()

        def tile(level: int, n: int, width: int) -> bytes:
            end = "" if width == 256 else f".p/{width}"
            answer = httpx2.get(f"{space.url}/log/tile/{level}/{n:03d}{end}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert len(answer.content) == 32 * width
            return answer.content

        full, rest = divmod(checkpoint.size, 256)
        hashes = b"".join(tile(0, n, 256) for n in range(full)) + tile(0, full, rest)
        leaves = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
        assert mth(leaves) == checkpoint.root
        assert tile(1, 0, full) == b"".join(mth(leaves[n * 256 : n * 256 + 256]) for n in range(full))
        # A partial tile of every width there ever was, also of a tile that is full by now.
        for width in (1, 2, 100, 255):
            assert tile(0, 0, width) == hashes[: 32 * width]
        assert tile(1, 0, 1) == mth(leaves[:256])
        for path in NOT_THERE:
            # Written to the socket as it stands: a client would tidy some of these up.
            answer = raw_get(space.port, f"/log/tile/{path}")
            assert answer.startswith("HTTP/1.1 404 "), (path, answer[:80])
        for method in ("POST", "PUT", "DELETE"):
            assert httpx2.request(method, f"{space.url}/log/tile/0/000").status_code == 405
        # One series for all tiles, not one each.
        assert "/log/tile/0" not in httpx2.get(f"{space.url}/metrics").text


NOT_THERE = [
    "0/003",
    "0/002",
    "0/002.p/255",
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/01",
    "0/000.p/-1",
    "0/000.p/",
    "0/000.p",
    "0/0",
    "0/00",
    "0/0000",
    "00/000",
    "-1/000",
    "64/000",
    "1/001",
    "2/000",
    "2/000.p/1",
    "0/x000/000",
    "0/000/000",
    "0/x001/x234/067",
    "0/%30%30%30",
    "0/000%2ep/1",
    "0/000%00",
    "0/000/",
    "0//000",
    "0/../0/000",
    "0/%D9%A0%D9%A0%D9%A0",
    "entries/000",
    "entries/000.p/1",
    "",
    "0",
]


def raw_get(port: int, path: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode(errors="replace")


def test_a_policy_of_another_log_or_of_none_is_refused_at_the_start(watched: Watched, tmp_path: Path) -> None:
    stranger = make(tmp_path / "elsewhere", "stranger", watched.key)
    for text, why in (
        (policy(1, stranger, log=OTHER_KEY.verifier), "names other logs"),
        ("quorum nobody\n", "Line 1"),
        ("", "names its quorum"),
    ):
        watched.file.write_text(text)
        with pytest.raises(PolicyFileMalformed, match=why):
            Runtime(watched.settings)
    watched.file.unlink()
    with pytest.raises(FileNotFoundError):
        Runtime(watched.settings)


def test_witnesses_follow_the_log_from_one_key_to_the_next(watched: Watched) -> None:
    north, south, _ = watched.witnesses
    old = watched.key
    with running(north), running(south), watched.serving() as space:
        space.populate()
        watched.wait_for_quorum(look(space, 40))
    done = rotate(watched.settings, "log")
    assert done.vkey is not None
    new = parse_vkey(done.vkey)
    # Those who know the old key go on, and so does the file that names it.
    with running(north), running(south), watched.serving() as space:
        officer = space.agent(PHARMA, "officer")
        watched.wait_for_quorum(look(space, 60))
        note, _ = watched.checkpoint()
        assert open_checkpoint(note, new) == open_checkpoint(note, old)
        entry = officer.get("/v1/audit/entries", limit=1)["entries"][0]["id"]
        watched.wait_for_quorum(space.log_size())
        receipt = officer.raw(f"/v1/receipts/{entry}")
        for key in (old, new):
            assert len(verify_receipt(receipt, key, watched.policy).witnesses) == 2
    for witness in (north, south):
        ended = corridor("witness", "key", "--home", str(witness.folder), "--add", str(new))
        said, _ = ended.communicate(timeout=60)
        assert ended.returncode == 0, said
        assert str(new) in said
    with running(north), running(south), watched.serving() as space:
        watched.wait_for_quorum(look(space, 80))
    finish(watched.settings, "log")
    # Whoever still names the old key alone hears that it is another log's.
    assert "names other logs than this one" in watched.start_refused()
    watched.file.write_text(policy(2, north, south, log=new))
    watched.key = new
    with running(north), running(south), watched.serving() as space:
        watched.wait_for_quorum(look(space, 100))
    ended = corridor("witness", "key", "--home", str(north.folder), "--drop", str(old))
    said, _ = ended.communicate(timeout=60)
    assert ended.returncode == 0, said
    with running(north), running(south), watched.serving() as space:
        watched.wait_for_quorum(look(space, 120))


def test_a_witness_that_does_not_know_the_new_key_cosigns_nothing_of_it(watched: Watched) -> None:
    north, south, _ = watched.witnesses
    done = rotate(watched.settings, "log")
    assert done.vkey is not None
    finish(watched.settings, "log")
    watched.key = parse_vkey(done.vkey)
    watched.file.write_text(policy(2, north, south, log=watched.key))
    with looked_at(watched.settings) as runtime, runtime.db.reading_tx() as tx:
        ended = head(tx, runtime.home.log.verifier)[1].size
    with running(north), running(south), watched.serving() as space:
        size = look(space, 20)
        deadline = time.monotonic() + 20
        while httpx2.get(f"{space.url}/readyz").json()["witnesses"] != "behind":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # The last that the old key signed too is the last that they cosigned.
        _, checkpoint = watched.checkpoint()
        assert checkpoint.size == ended < size
