"""Take the power from a writing process at a random moment, and judge what its disk holds then.

A round is a few lives of a process on one log: each ends by a kill, just before a sync or a write, and the next begins
on the files as they are. The journal of all of it is then cut at many places, and the disk that a power loss leaves
there is opened like any other. Everything acknowledged before the cut must be there, and whatever checkpoint or receipt
was shown to anybody must be of the same log.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from sqlalchemy import event

from gateway.audit import reader
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import ProofInvalid
from gateway.audit.log import Log
from gateway.audit.merkle import verify_consistency
from gateway.audit.receipt import format_receipt, verify_receipt
from gateway.db import Database
from gateway.problems import Problem
from tests.audit.harness.disk import (
    NAME,
    SYNC,
    WRITE,
    Control,
    Disk,
    Place,
    Record,
    Start,
    Teller,
    compare,
    put_down,
    records,
)
from tests.audit.harness.kills import STARTS_IN_S, open_account, take
from tests.audit.harness.logs import judge, make_log, running
from tests.audit.small_log import LOG

CALLERS = 8
LIVES = 3
SHOWN_EVERY_S = 0.005


@dataclass
class Figures:
    """What a series of power losses came to. `unsynced`: cuts at which something was there to be lost."""

    rounds: int = 0
    lives: int = 0
    cuts: int = 0
    unsynced: int = 0
    acknowledged: int = 0
    shown: int = 0
    recovered: int = 0
    lost: int = 0
    forked: int = 0
    damaged: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items())


# -- the process whose power is lost -----------------------------------------------------------------------------------


def live(place: Place, synchronous: str) -> None:
    """Make the log if there is none, then append and show what there is, until the end."""
    tell, told, url = Teller(), [0], place.url
    new = not (place.home / NAME).exists()
    if new:
        make_log(url)
    with running(url, prepare=_set(synchronous)) as log:
        if new:
            log.record(open_account)
            tell("made")
        _show(log, tell)
        for _ in range(CALLERS):
            Thread(target=_call_for_ever, args=(log, tell, told), daemon=True).start()
        while True:
            time.sleep(SHOWN_EVERY_S)
            _show(log, tell, random.randint(0, told[0]))


def _set(synchronous: str) -> Callable[[Database], None]:
    """Turn the durability of the writing connection down, as a changed line in the gateway would."""

    def prepare(db: Database) -> None:
        if synchronous != "as it is":
            statement = f"PRAGMA synchronous={synchronous}"
            event.listen(db._writers, "connect", lambda driver, _record: driver.execute(statement))

    return prepare


def _call_for_ever(log: Log, tell: Teller, told: list[int]) -> None:
    while True:
        done = log.record(take)
        tell("told " + " ".join(f"{index}={id}" for index, id in zip(done.indices, done.ids, strict=True)))
        told[0] = done.indices[-1]


def _show(log: Log, tell: Teller, index: int = 0) -> None:
    """The newest checkpoint, and a receipt of one entry under it."""
    with log.db.reading_tx() as tx:
        note, checkpoint = reader.head(tx, LOG.verifier)
        if checkpoint.size == 0:
            tell("shown " + note)
            return
        entry = next(reader.all_entries(tx, begin=index, end=index + 1))
        proof = reader.inclusion(tx, index, checkpoint.size)
    tell("receipt " + format_receipt(entry.body, index, proof, note).decode())


# -- whoever takes it --------------------------------------------------------------------------------------------------


@dataclass
class Promises:
    """What has been told up to a place in the journal."""

    made: bool = False
    entries: dict[int, str] = field(default_factory=dict)
    heads: dict[int, Checkpoint] = field(default_factory=dict)

    def hear(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        match word:
            case "made":
                self.made = True
            case "told":
                pairs = (pair.split("=") for pair in rest.split(" "))
                self.entries |= {int(index): id for index, id in pairs}
            case "shown":
                self._see(open_checkpoint(rest, LOG.verifier))
            case "receipt":
                receipt = verify_receipt(rest.encode(), LOG.verifier)
                self.entries[receipt.index] = receipt.record["id"]
                self._see(receipt.checkpoint)

    def _see(self, checkpoint: Checkpoint) -> None:
        assert self.heads.setdefault(checkpoint.size, checkpoint) == checkpoint, "two trees of one size were shown"


def lose_power(
    start: Start, folder: Path, rounds: int, cuts: int, *, seed: int, synchronous: str = "as it is", lives: int = LIVES
) -> Figures:
    """Lose power `cuts` times in each of `rounds` logs; the figures. AssertionError: a log opened that is not whole."""
    figures, dice = Figures(), random.Random(seed)
    for number in range(rounds):
        place = Place(folder / f"round-{number}")
        for _ in range(lives):
            # With synchronous=OFF there are no syncs to die before.
            _one_life(start, place, dice, synchronous, WRITE if synchronous == "OFF" else dice.choice((SYNC, WRITE)))
            figures.lives += 1
        written = list(records(place.journal))
        for disk, promises in cut(written, place.home, choose(written, cuts, dice), dice):
            figures.unsynced += disk.has_unsynced
            _judge(disk.after_a_cut(dice), promises, place.folder / "after", dice, figures)
        figures.rounds += 1
        shutil.rmtree(place.folder)
    return figures


def lose_power_at_birth(start: Start, folder: Path, lives: int, *, seed: int) -> Figures:
    """A process dies before a sync; the next one shows the log as it finds it, and all that was not synced is lost."""
    figures, dice, place = Figures(rounds=1), random.Random(seed), Place(folder / "births")
    for _ in range(lives):
        _one_life(start, place, dice, "as it is", SYNC)
        figures.lives += 1
    written = list(records(place.journal))
    births = [n for n, record in enumerate(written) if record.op == "begi"]
    first_told = {next(n for n in range(birth, len(written)) if written[n].op == "tell") for birth in births}
    for disk, promises in cut(written, place.home, first_told, dice):
        figures.unsynced += disk.has_unsynced
        _judge(disk.after_a_cut(dice, likely=0), promises, place.folder / "after", dice, figures)
    return figures


def _one_life(start: Start, place: Place, dice: random.Random, synchronous: str, dies_before: int) -> None:
    before = place.journal.stat().st_size if place.journal.exists() else 0
    with closing(Control(place.control)) as control, start(place, live, synchronous) as process:
        deadline = time.monotonic() + STARTS_IN_S
        while not place.journal.exists() or b"tell" not in _tail(place.journal, before):
            assert process.lives, "the process died by itself"
            assert time.monotonic() < deadline, "the process did not begin to write"
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.2))
        control.kill(dies_before, skip=dice.randrange(20))
        assert process.wait() == -9


def _tail(journal: Path, begin: int) -> bytes:
    with journal.open("rb") as file:
        file.seek(begin)
        return file.read()


def choose(written: Sequence[Record], cuts: int, dice: random.Random) -> set[int]:
    """Behind which records to cut: half of the places are right behind a promise."""
    tells = [n for n, record in enumerate(written) if record.op == "tell"]
    chosen = set(dice.sample(tells, min(cuts // 2, len(tells))))
    rest = sorted(set(range(tells[0], len(written))) - chosen)
    return chosen | set(dice.sample(rest, min(cuts - len(chosen), len(rest))))


def cut(
    written: Sequence[Record], home: Path, places: set[int], dice: random.Random
) -> Iterator[tuple[Disk, Promises]]:
    """The disk behind each of some records, and what had been promised by then."""
    disk, promises = Disk(dice.randrange(2**32)), Promises()
    for number, record in enumerate(written):
        if record.op == "tell":
            promises.hear(record.content.decode())
        else:
            disk.play(record)
        if number in places:
            yield disk, promises
    compare(disk, home)


def _judge(files: dict[str, bytes], promises: Promises, place: Path, dice: random.Random, figures: Figures) -> None:
    put_down(files, place, dice)
    figures.cuts += 1
    url = f"sqlite:///{place / NAME}"
    figures.acknowledged += len(promises.entries)
    figures.shown += len(promises.heads)
    try:
        with running(url) as log:
            kept, forked = _kept(log, promises)
            done = log.record(take)
            whole: list[dict[str, Any]] = judge(log.db)
        assert [whole[index]["id"] for index in done.indices] == list(done.ids)
        figures.recovered += len(kept)
        figures.lost += sum(kept.get(index) != id for index, id in promises.entries.items())
        figures.forked += forked
    except (Problem, sqlite3.DatabaseError):  # what cannot be opened any more has lost all that was promised
        figures.damaged += 1
        figures.lost += len(promises.entries)
    shutil.rmtree(place)


def _kept(log: Log, promises: Promises) -> tuple[dict[int, str], bool]:
    """The ids of the entries that are there, and whether a checkpoint was shown that is not of this log's past."""
    with log.db.reading_tx() as tx:
        kept = dict(tx.execute("SELECT idx, id FROM log_entry").fetchall())
        _, head = reader.head(tx, LOG.verifier)
        account = tx.execute("SELECT uses FROM contract_usage WHERE contract = 'the one'").fetchone()
        assert (account[0] if account else 0) == len(kept) == head.size
        if any(size > head.size for size in promises.heads):
            return kept, True
        for size, shown in promises.heads.items():
            if not size:
                continue
            try:
                proof = reader.consistency(tx, size, head.size)
                verify_consistency(size, head.size, shown.root, head.root, proof)
            except ProofInvalid:
                return kept, True
    return kept, False
