"""Let the n-th write or sync of a log fail, for every n in turn, and judge every answer by what the disk holds.

Calls are made while one fault is due; then the disk heals and the log must take entries again. Afterwards the journal
is cut behind the answers: as a kill would leave the files, and as a power loss would.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

import gateway.audit.log as writer
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import Log, Outcome
from gateway.db import Database, Tx
from gateway.problems import Problem, Unavailable
from tests.audit.harness.disk import (
    EIO,
    NAME,
    NOTHING,
    SYNC_FOLDER,
    WRITE,
    Control,
    Disk,
    Place,
    Start,
    Teller,
    compare,
    put_down,
    records,
)
from tests.audit.harness.logs import entry, judge, make_log, mark, marks, running

CALLERS = 3
RECOVERS_IN_S = 20
STEPS = 300  # more than the writes of one step's calls


@dataclass(frozen=True)
class Fault:
    """Which operations fail, with what, how often, and what a failing one does all the same."""

    kinds: int
    error: int
    times: int = 1
    does: int = NOTHING


@dataclass
class Figures:
    """What a series of faults came to. `returned`: refused as not done, and yet there."""

    faults: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    gaps: int = 0
    cuts: int = 0
    lost: int = 0
    returned: int = 0
    damaged: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items())


# -- the process whose disk fails --------------------------------------------------------------------------------------


def meet(place: Place, kinds: int, error: int, times: int, does: int, stride: int) -> None:
    """Call the log with the fault at its first operation, its second, and so on, until it is due after the last."""
    writer.RETRY_S, writer.PATIENCE_S = 0.01, 0.2
    tell, control = Teller(), Control(place.control, new=False)
    make_log(place.url)
    tell("made")
    with running(place.url, prepare=_checkpoint_often) as log, ThreadPoolExecutor(CALLERS) as pool:
        _call(log, tell, "before")
        for step in range(0, STEPS, stride):
            control.fail(kinds, error, skip=step, times=times, does=does)
            answers = list(pool.map(lambda n, step=step: _call(log, tell, f"{step}-{n}"), range(CALLERS)))
            answers += [_call(log, tell, f"{step}-{n}") for n in range(CALLERS, 2 * CALLERS)]
            failed = control.failed
            control.heal()
            _recover(log, tell, f"{step}-after")
            if not failed:
                break
            tell("fault " + " ".join(answers))
        tell("end")


def begin(place: Place, skip: int) -> None:
    """Make a log and one entry while a sync of its folder fails: done, or refused."""
    tell, control = Teller(), Control(place.control, new=False)
    control.fail(SYNC_FOLDER, EIO, skip=skip, times=1)
    try:
        make_log(place.url)
        with running(place.url) as log:
            log.record(lambda _tx: Outcome((entry(),)))
            tell("told")
    except (Problem, OperationalError):
        tell("refused")
    tell("met" if control.failed else "missed")


def _checkpoint_often(db: Database) -> None:
    """So that faults meet checkpoints too."""
    event.listen(db._writers, "connect", lambda driver, _record: driver.execute("PRAGMA wal_autocheckpoint=16"))


def _call(log: Log, tell: Teller, name: str) -> str:
    """A change that marks the database and is an entry; says how it was answered."""
    record = entry(f"urn:uuid:{name}")

    def change(tx: Tx) -> Outcome:
        mark(tx, name)
        return Outcome((record,))

    id = record.event.id
    try:
        done = log.record(change)
    except LogUnavailable as problem:
        answer = "unknown" if problem.detail == writer.UNKNOWN else "refused"
    except Unavailable:
        answer = "refused"
    else:
        assert done.ids == (id,)
        answer = "told"
    tell(f"{answer} {name} {id}")
    return answer


def _recover(log: Log, tell: Teller, name: str) -> None:
    deadline = time.monotonic() + RECOVERS_IN_S
    for attempt in range(1_000_000):
        if _call(log, tell, f"{name}-{attempt}") == "told":
            assert log.healthy
            return
        assert time.monotonic() < deadline, "the log did not recover by itself"


# -- whoever judges ----------------------------------------------------------------------------------------------------


def begin_and_lose_power(start: Start, folder: Path, skip: int, *, seed: int) -> tuple[str, str, int]:
    """How the first entry was answered, whether the fault was met, and the entries there after a power loss."""
    dice, place = random.Random(seed), Place(folder / "begin")
    with closing(Control(place.control)), start(place, begin, skip) as begun:
        assert begun.wait() == 0, "the process did not come through"
    written = list(records(place.journal))
    answer, met = (record.content.decode() for record in written if record.op == "tell")
    disk = Disk(seed)
    for record in written[: next(n for n, record in enumerate(written) if record.op == "tell")]:
        disk.play(record)
    entries = 0
    if answer == "told":
        with _on(folder / "after", disk.after_a_cut(dice, likely=0), dice) as log:
            entries = len(judge(log.db))
    shutil.rmtree(place.folder)
    return answer, met, entries


@dataclass
class _Told:
    """What had been answered up to a place in the journal: how and under which id, by the name of the call."""

    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    faults: int = 0
    refusing: int = 0

    def hear(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word == "fault":
            self.faults += 1
            self.refusing += not {"refused", "unknown"}.isdisjoint(rest.split(" "))
        elif word not in {"made", "end"}:
            name, id = rest.split(" ")
            self.answers[name] = (word, id)

    def those(self, answer: str) -> dict[str, str]:
        return {name: id for name, (given, id) in self.answers.items() if given == answer}


def let_fail(start: Start, folder: Path, fault: Fault, steps: int, cuts: int, *, seed: int) -> Figures:
    """Meet a fault at so many places and judge `cuts` answers; the figures. AssertionError: a log is not whole."""
    figures, dice, place = Figures(), random.Random(seed), Place(folder / "faults")
    told = _Told()
    stride = max(1, STEPS // steps) if fault.kinds & WRITE else 1  # syncs are few
    what = (fault.kinds, fault.error, fault.times, fault.does, stride)
    with closing(Control(place.control)), start(place, meet, *what) as met:
        assert met.wait() == 0, "the process did not come through"
    for files in _states(place, told, cuts, dice):
        _judge(files, told, place.folder / "after", dice, figures)
    # Whatever was refused while the disk failed, an entry says from when to when.
    with _on(place.folder / "after", place_files(place), dice) as log:
        gaps = Counter(record["event"]["type"] for record in judge(log.db))["audit.gap"]
    assert gaps >= told.refusing
    figures.faults, figures.gaps = told.faults, gaps
    figures.acknowledged, figures.refused, figures.unknown = (
        len(told.those(answer)) for answer in ("told", "refused", "unknown")
    )
    shutil.rmtree(place.folder)
    return figures


def place_files(place: Place) -> dict[str, bytes]:
    """The files of a disk that nothing happened to after its process ended."""
    return {f"/{path.name}": path.read_bytes() for path in place.home.iterdir() if not path.name.endswith("-shm")}


def _states(place: Place, told: _Told, cuts: int, dice: random.Random) -> Iterator[dict[str, bytes]]:
    """The files right behind some answers: by turns as a kill leaves them, and as a power loss does."""
    written = list(records(place.journal))
    answers = [n for n, record in enumerate(written) if record.op == "tell"]
    refusals = [n for n in answers if written[n].content.startswith((b"refused", b"unknown"))]
    chosen = set(dice.sample(refusals, min(cuts // 2, len(refusals))))
    rest = sorted(set(answers) - chosen)
    chosen |= set(dice.sample(rest, min(cuts - len(chosen), len(rest))))
    disk, turn = Disk(dice.randrange(2**32)), 0
    for number, record in enumerate(written):
        if record.op == "tell":
            told.hear(record.content.decode())
        else:
            disk.play(record)
        if number in chosen:
            turn += 1
            yield disk.seen() if turn % 2 else disk.after_a_cut(dice)
    compare(disk, place.home)


@contextmanager
def _on(folder: Path, files: dict[str, bytes], dice: random.Random) -> Iterator[Log]:
    put_down(files, folder, dice)
    with running(f"sqlite:///{folder / NAME}") as log:
        yield log
    shutil.rmtree(folder)


def _judge(files: dict[str, bytes], told: _Told, folder: Path, dice: random.Random, figures: Figures) -> None:
    figures.cuts += 1
    try:
        with _on(folder, files, dice) as log:
            ids, marked = {record["id"] for record in judge(log.db)}, marks(log.db)
            log.record(lambda _tx: Outcome((entry(),)))
            judge(log.db)
    except (Problem, sqlite3.DatabaseError):  # what cannot be opened any more has lost all that was promised
        figures.damaged += 1
        shutil.rmtree(folder)
        return
    for name, (_, id) in told.answers.items():
        assert (name in marked) == (id in ids), "an entry without its change, or a change without its entry"
    figures.lost += sum(id not in ids for id in told.those("told").values())
    figures.returned += sum(id in ids for id in told.those("refused").values())
