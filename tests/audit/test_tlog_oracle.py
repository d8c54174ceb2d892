"""A reader, a submitter and a witness that are not ours (see `oracle`) agree with the log, over HTTP."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from gateway.audit import reader
from gateway.audit.note import parse_vkey
from gateway.cli import demo
from gateway.cli.demo import free_port
from gateway.db import Database
from gateway.rotation import rotate
from gateway.settings import Settings
from tests.audit.small_log import mth
from tests.space import Space
from tests.witness.running import Made, make, policy, serving

pytestmark = pytest.mark.server
SIZE = 300


def program() -> str:
    found = os.environ.get("CORRIDOR_TLOG")
    assert found, "run this by make check, which builds the reader"
    return found


def oracle(*arguments: object) -> str:
    done = subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def oracle_refuses(*arguments: object) -> str:
    done = subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


@contextmanager
def foreign_witness(made: Made, secret: str, log: object) -> Iterator[None]:
    running = subprocess.Popen([program(), "witness", f"127.0.0.1:{made.port}", secret, str(log)])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                httpx2.get(made.url)
                break
            except httpx2.TransportError:
                time.sleep(0.02)
        yield
    finally:
        running.kill()
        running.wait()


def test_a_foreign_reader_submitter_and_witness_agree_with_the_log(tmp_path: Path) -> None:
    file = tmp_path / "witnesses.policy"
    file.write_text("quorum none\n")
    settings = Settings(home=tmp_path / "gateway", witnesses=file)
    space = Space(tmp_path, settings, free_port())
    key, prefix = parse_vkey(space.vkey), f"{space.url}/log"
    ours, alone = make(tmp_path, "ours", key), make(tmp_path, "alone", key)
    secret, vkey = oracle("key", "foreign.example/witness").splitlines()
    foreign = Made("foreign", tmp_path, parse_vkey(vkey), free_port())
    file.write_text(policy("all", ours, foreign, log=key))
    with serving(ours), foreign_witness(foreign, secret, key), demo.serving(settings, space.port):
        while space.log_size() < SIZE:
            space.operator.get("/v1/audit/entries", limit=1)
        size = space.log_size()
        deadline = time.monotonic() + 20
        while int(httpx2.get(f"{prefix}/checkpoint").text.splitlines()[1]) < size:
            assert time.monotonic() < deadline, "the witnesses did not come to a quorum"
            time.sleep(0.1)
        db = Database(settings.database)
        with db.reading_tx() as tx:
            leaves = [entry.leaf for entry in reader.all_entries(tx, begin=0, end=size)]
        db.close()
        # By the recursive definition: nothing of the gateway's tree is in what the reader is asked to prove.
        olds = {old: mth(leaves[:old]).hex() for old in (1, 7, 255, 256, size)}
        for index, (old, root) in zip((0, 7, 255, 256, size - 1), olds.items(), strict=True):
            told = oracle("read", prefix, key, index, leaves[index].hex(), old, root, ours.key, foreign.key)
            assert told.split() == [str(size), key.name, "ours.example/witness", "foreign.example/witness"]
        refused = oracle_refuses("read", prefix, key, 7, leaves[8].hex(), 1, olds[1])
        assert "proof" in refused
        assert oracle_refuses("read", prefix, key, 7, leaves[7].hex(), 256, olds[7])
        with serving(alone):
            assert oracle("submit", alone.url, alone.key, prefix, key, 7).startswith("409 text/x.tlog.size 0")
            told = oracle("submit", alone.url, alone.key, prefix, key, 0)
            assert told.split() == ["200", str(size), key.name, "alone.example/witness"]
            while int(httpx2.get(f"{prefix}/checkpoint").text.splitlines()[1]) <= size:
                space.operator.get("/v1/audit/entries", limit=1)
                time.sleep(0.5)
            told = oracle("submit", alone.url, alone.key, prefix, key, size)
            assert told.startswith("200 ")
            assert int(told.split()[1]) > size
    space.operator.close()
    space.http.close()


def test_a_foreign_reader_and_witness_go_on_while_the_logs_key_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "witnesses.policy"
    file.write_text("quorum none\n")
    settings = Settings(home=tmp_path / "gateway", witnesses=file)
    space = Space(tmp_path, settings, free_port())
    old, prefix = parse_vkey(space.vkey), f"{space.url}/log"
    secret, vkey = oracle("key", "foreign.example/witness").splitlines()
    foreign = Made("foreign", tmp_path, parse_vkey(vkey), free_port())
    file.write_text(policy("all", foreign, log=old))
    done = rotate(settings, "log")
    assert done.vkey is not None
    with foreign_witness(foreign, secret, old), demo.serving(settings, space.port):
        deadline = time.monotonic() + 20
        while (note := httpx2.get(f"{prefix}/checkpoint").text).count("\u2014") < 3:
            assert time.monotonic() < deadline, "the witness did not cosign"
            time.sleep(0.1)
        size = int(note.splitlines()[1])
        db = Database(settings.database)
        with db.reading_tx() as tx:
            leaves = [entry.leaf for entry in reader.all_entries(tx, begin=0, end=size)]
        db.close()
        for key in (old, parse_vkey(done.vkey)):
            told = oracle("read", prefix, key, 2, leaves[2].hex(), 3, mth(leaves[:3]).hex(), foreign.key)
            assert told.split() == [str(size), key.name, "foreign.example/witness"]
    space.operator.close()
    space.http.close()
