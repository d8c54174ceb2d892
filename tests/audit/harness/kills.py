"""Kill a writing process at a random moment, again and again, and judge what is left each time.

What the victim is told is done it writes down at once, in a file that outlives it; after each kill the log is opened
again and every one of those entries must be there, provable, and nothing beside the log may disagree with it.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any

from gateway.audit import reader
from gateway.audit.log import Log, Outcome
from gateway.audit.merkle import verify_inclusion
from gateway.db import Database, Tx
from tests.audit.harness.logs import entry, judge, make_log, running
from tests.audit.small_log import LOG

CALLERS = 24
PROVED = 60
ROUNDS_PER_LOG = 20
STARTS_IN_S = 60
_PRELOADED = ["tests.audit.harness.kills", "tests.audit.harness.gateways"]


@dataclass
class Figures:
    """What a series of kills came to."""

    rounds: int = 0
    acknowledged: int = 0
    committed: int = 0
    open_deliveries: int = 0
    lost: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items())


def victims() -> ForkServerContext:
    """Where processes to be killed come from: forked from a small server, so that one starts in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join(STARTS_IN_S)
    assert process.exitcode == -9


def append_for_ever(url: str, told: Path) -> None:
    """The victim: callers that take a use and record it, one batch after another, until it is killed."""
    handle = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with running(url) as log:
        threads = [Thread(target=_call_for_ever, args=(log, handle), daemon=True) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _call_for_ever(log: Log, handle: int) -> None:
    while True:
        done = log.record(take)
        lines = [f"{index} {id}\n" for index, id in zip(done.indices, done.ids, strict=True)]
        os.write(handle, "".join(lines).encode())


def take(tx: Tx) -> Outcome:
    """Like a grant: state and entries that must become true together or not at all. Sometimes two entries."""
    taken = random.randint(1, 2)
    tx.execute("UPDATE contract_usage SET uses = uses + ? WHERE contract = 'the one'", (taken,))
    return Outcome(tuple(entry(type="data.transfer.started") for _ in range(taken)))


def kill_writers(make_url: Callable[[], str], folder: Path, rounds: int, *, seed: int) -> Figures:
    """Kill writers `rounds` times, on a few logs in turn; the figures. AssertionError when a log is not whole."""
    figures, random_numbers, context = Figures(), random.Random(seed), victims()
    told, url = folder / "told", ""
    for number in range(rounds):
        if number % ROUNDS_PER_LOG == 0:
            _add(figures, url, told)
            url, told = make_url(), folder / f"told-{number}"
            make_log(url)
            with running(url) as log:
                log.record(open_account)
        before = told.stat().st_size if told.exists() else 0
        victim = context.Process(target=append_for_ever, args=(url, told), daemon=True)
        victim.start()
        deadline = time.monotonic() + STARTS_IN_S
        while not told.exists() or told.stat().st_size <= before:
            assert time.monotonic() < deadline, "the victim did not begin to write"
            assert victim.is_alive(), "the victim died by itself"
            time.sleep(0.005)
        time.sleep(random_numbers.uniform(0, 0.3))
        kill(victim)
        figures.lost += _missing(url, _told(told), random_numbers)
        figures.rounds += 1
    _add(figures, url, told)
    return figures


def open_account(tx: Tx) -> Outcome:
    tx.execute("INSERT INTO contract_usage (contract, uses, rows_taken) VALUES ('the one', 0, 0)")
    return Outcome(())


def _told(path: Path) -> dict[int, str]:
    """What the victims were told is done. A line that was cut off in the middle was being told, not done telling."""
    *lines, _rest = path.read_text(encoding="ascii").split("\n")
    pairs = (line.split(" ") for line in lines)
    return {int(index): id for index, id in pairs}


def _missing(url: str, told: dict[int, str], random_numbers: random.Random) -> int:
    """How many entries a victim was told of are not there. Opening the log recomputes all of it."""
    with running(url) as log, log.db.reading_tx() as tx:
        kept = dict(tx.execute("SELECT idx, id FROM log_entry").fetchall())
        _, checkpoint = reader.head(tx, LOG.verifier)
        lost = sum(kept.get(index) != id for index, id in told.items())
        for index in random_numbers.sample(sorted(kept), min(PROVED, len(kept))):
            leaf = next(reader.all_entries(tx, begin=index, end=index + 1)).leaf
            proof = reader.inclusion(tx, index, checkpoint.size)
            verify_inclusion(index, checkpoint.size, leaf, proof, checkpoint.root)
        (uses,) = tx.execute("SELECT uses FROM contract_usage WHERE contract = 'the one'").fetchone()
        assert uses == len(kept) == checkpoint.size
    return lost


def _add(figures: Figures, url: str, told: Path) -> None:
    """A log that has had its kills: judged once more as a whole, by the rules alone."""
    if not url:
        return
    db = Database(url)
    records: list[dict[str, Any]] = judge(db)
    db.close()
    figures.committed += len(records)
    figures.acknowledged += len(_told(told))
