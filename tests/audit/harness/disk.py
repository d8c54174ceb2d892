"""What a disk holds after a power loss, from a journal of everything that was done to it.

`disk.c` is loaded before the C library of a process and writes the journal; here it is compiled, told what shall fail,
and its journal is played back. A file's bytes are on the disk once the file was synced, a name once its folder was.
What was done after that is there in part, in 512-byte sectors and in any order, or not at all.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import mmap
import os
import random
import select
import signal
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

SECTOR = 512
LIKELY = (0.0, 0.0, 0.1, 0.5, 0.9, 1.0)
NAME = "log.sqlite3"
WAIT_S = 120
_RECORD = struct.Struct("<4siqii")
_CONTROL = struct.Struct("<8i")

WRITE, SYNC, SYNC_FOLDER, TRUNCATE, OPEN, UNLINK = 1, 2, 4, 8, 16, 32
NOTHING, HALF, ALL = 0, 1, 2
EIO, ENOSPC, EROFS = errno.EIO, errno.ENOSPC, errno.EROFS
FOR_EVER = -1


def compile_disk(folder: Path) -> Path:
    """The shared object, made by the C compiler of this machine."""
    made = folder / "disk.so"
    compiler = os.environ.get("CORRIDOR_CC", "cc")
    source = Path(__file__).with_name("disk.c")
    options = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run([compiler, *options, "-o", made, source, "-ldl", "-lpthread"], check=True)
    return made


class Control:
    """What fails next, in memory shared with the process it happens to."""

    def __init__(self, path: Path, *, new: bool = True) -> None:
        if new:
            path.write_bytes(bytes(_CONTROL.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _CONTROL.size)

    def fail(self, kinds: int, error: int, *, skip: int = 0, times: int = FOR_EVER, does: int = NOTHING) -> None:
        """Let `skip` operations of these kinds pass and the next `times` fail.

        A failing one `does` nothing or all of its work; or the first does half, and the error comes with the rest.
        """
        self._set(0, skip, 0, 0, 0)
        self._set(kinds, skip, times, error, does)

    def kill(self, kinds: int, *, skip: int = 0) -> None:
        """End the process without a word just before one of its operations."""
        self.fail(kinds, -9, skip=skip)

    def heal(self) -> None:
        self._set(0, 0, 0, 0, 0)

    @property
    def failed(self) -> int:
        """How many operations have failed since `fail`."""
        return int(_CONTROL.unpack(self._shared[:])[5])

    def _set(self, kinds: int, skip: int, times: int, error: int, does: int) -> None:
        self._shared[:] = _CONTROL.pack(kinds, skip, times, error, does, self.failed if not kinds else 0, 0, 0)

    def close(self) -> None:
        self._shared.close()


@dataclass(frozen=True)
class Place:
    """Where a disk under test lies, and beside it what is written about it."""

    folder: Path

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def home(self) -> Path:
        return self.folder / "disk"

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.home / NAME}"

    @property
    def variables(self) -> dict[str, str]:
        names = ("DISK_FOLDER", "DISK_JOURNAL", "DISK_CONTROL")
        return dict(zip(names, map(str, (self.home, self.journal, self.control)), strict=True))


def environment(shim: Path) -> dict[str, str]:
    """The environment of a process that is to have such a disk."""
    root = str(Path(__file__).parents[3])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": paths}


class Forked:
    """A process that its mother has forked."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        self._parent = parent
        self.pid = int(self._answer())
        self._code: int | None = None

    @property
    def lives(self) -> bool:
        """A dead one stays a zombie until it is waited for, and its mother writes a line."""
        return self._code is None and not select.select([self._parent.stdout], [], [], 0)[0]

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        if self._code is None:
            self._code = int(self._answer())
        return self._code

    def _answer(self) -> str:
        assert self._parent.stdout is not None
        ready, _, _ = select.select([self._parent.stdout], [], [], WAIT_S)
        assert ready, "a process under test did not end"
        return self._parent.stdout.readline()


class Start(Protocol):
    def __call__(
        self, place: Place, function: Callable[..., None], *arguments: Any
    ) -> AbstractContextManager[Forked]: ...


@contextmanager
def mother(shim: Path, *modules: str) -> Iterator[Start]:
    """A process that has read `modules` and the shim, and forks in milliseconds: gives a function that starts one of
    their functions on the disk of a Place.
    """
    parent = subprocess.Popen(
        [sys.executable, "-m", __name__, *modules],
        env=environment(shim),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert parent.stdin is not None

    @contextmanager
    def start(place: Place, function: Callable[..., None], *arguments: Any) -> Iterator[Forked]:
        line = [str(place.folder), function.__module__, function.__name__, *arguments]
        parent.stdin.write(json.dumps(line) + "\n")
        child = Forked(parent)
        try:
            yield child
        finally:
            if child.lives:
                os.kill(child.pid, signal.SIGKILL)
            child.wait()

    try:
        yield start
    finally:
        parent.stdin.close()
        parent.wait(WAIT_S)
        assert parent.stdout is not None
        parent.stdout.close()


def _fork_for_ever(modules: list[str]) -> None:
    """The mother: a line says what to run; answers with the child's process id, and later with its exit code."""
    read = {module: importlib.import_module(module) for module in modules}
    # Answers go where standard output went; what those who are forked log, goes nowhere.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        folder, module, function, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_born(Place(Path(folder)), getattr(read[module], function), arguments)
        print(pid, file=answers)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=answers)


def _be_born(place: Place, work: Callable[..., None], arguments: list[Any]) -> NoReturn:
    code = 1
    try:
        os.environ.update(place.variables)
        ctypes.CDLL(None).disk_begin()
        work(place, *arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


class Teller:
    """Writes into the journal what this process has been told, between what it did to the disk."""

    def __init__(self) -> None:
        self._tell = ctypes.CDLL(None).disk_tell

    def __call__(self, text: str) -> None:
        content = text.encode()
        self._tell(content, ctypes.c_size_t(len(content)))


@dataclass(frozen=True, slots=True)
class Record:
    op: str
    fd: int
    at: int
    content: bytes


def records(journal: Path) -> Iterator[Record]:
    data = memoryview(journal.read_bytes())
    place = 0
    while place + _RECORD.size <= len(data):
        op, fd, at, size, _ = _RECORD.unpack_from(data, place)
        place += _RECORD.size
        yield Record(op.decode(), fd, at, bytes(data[place : place + size]))
        place += size
    assert place == len(data), "the journal ends in the middle of a record"


@dataclass(frozen=True, slots=True)
class _Change:
    """Bytes written at an offset; or, without bytes, a new length."""

    at: int
    content: bytes | None


@dataclass
class _File:
    """`now` is what a process reads; `durable` and any part of `pending` is what a power loss leaves."""

    now: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[_Change] = field(default_factory=list)

    def change(self, change: _Change) -> None:
        _do(self.now, change)
        self.pending.append(change)

    def sync(self) -> None:
        for change in self.pending:
            _do(self.durable, change)
        self.pending.clear()

    def sync_failed(self, dice: random.Random) -> None:
        """The kernel has given up on these pages and calls them clean: they are read, and no later sync writes them."""
        self.durable = self.after_a_cut(dice.choice(LIKELY), dice)
        self.pending.clear()

    def after_a_cut(self, likely: float, dice: random.Random) -> bytearray:
        """The synced bytes and, of what came later, each sector and each new length as likely as that."""
        content = bytearray(self.durable)
        for change in self.pending:
            if change.content is None:
                if dice.random() < likely:
                    _do(content, change)
                continue
            first = 0
            while first < len(change.content):
                size = min(SECTOR - (change.at + first) % SECTOR, len(change.content) - first)
                if dice.random() < likely:
                    _do(content, _Change(change.at + first, change.content[first : first + size]))
                first += size
        return content


def _do(content: bytearray, change: _Change) -> None:
    if change.content is None:
        if change.at < len(content):
            del content[change.at :]
        else:
            content.extend(bytes(change.at - len(content)))
        return
    if change.at > len(content):
        content.extend(bytes(change.at - len(content)))
    content[change.at : change.at + len(change.content)] = change.content


class Disk:
    """The files of one folder, as processes see them and as a power loss would leave them."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._names: dict[str, _File] = {}
        self._durable_names: dict[str, _File] = {}
        self._renamings: dict[str, list[_File | None]] = {}
        self._open: dict[int, str | _File] = {}

    def play(self, record: Record) -> None:
        match record.op:
            case "begi":
                self._open.clear()
            case "open":
                name = record.content.decode()
                if record.at:
                    self._name(name, _File())
                self._open[record.fd] = self._names.get(name, name)  # what is no file here is a folder
            case "clos":
                del self._open[record.fd]
            case "writ":
                self._file(record.fd).change(_Change(record.at, record.content))
            case "trun":
                self._file(record.fd).change(_Change(record.at, None))
            case "sync":
                target = self._open[record.fd]
                if isinstance(target, _File):
                    target.sync()
                else:
                    self._sync_folder(target)
            case "fail":
                target = self._open[record.fd]
                if isinstance(target, _File):
                    target.sync_failed(self._dice)
            case "unli":
                self._name(record.content.decode(), None)
            case "rena":
                old, new = record.content.decode().split("\n")
                self._name(new, self._names[old])
                self._name(old, None)
            case other:
                raise AssertionError(f"the journal says {other}")

    def _file(self, fd: int) -> _File:
        target = self._open[fd]
        assert isinstance(target, _File)
        return target

    def _name(self, name: str, file: _File | None) -> None:
        self._renamings.setdefault(name, []).append(file)
        if file is None:
            self._names.pop(name, None)
        else:
            self._names[name] = file

    def _sync_folder(self, folder: str) -> None:
        for name in [name for name in self._renamings if name.rpartition("/")[0] == folder]:
            self._settle(self._durable_names, name, self._renamings.pop(name)[-1])

    @staticmethod
    def _settle(names: dict[str, _File], name: str, file: _File | None) -> None:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file

    def seen(self) -> dict[str, bytes]:
        """Every file, as a process sees it that reads now."""
        return {name: bytes(file.now) for name, file in self._names.items()}

    def after_a_cut(self, dice: random.Random, likely: float | None = None) -> dict[str, bytes]:
        """Every file there may be when the power fails now; how much of what was not synced, is drawn for each."""
        names = dict(self._durable_names)
        for name, states in self._renamings.items():
            if count := dice.randint(0, len(states)) if likely is None else 0:
                self._settle(names, name, states[count - 1])

        def left(file: _File) -> bytes:
            return bytes(file.after_a_cut(dice.choice(LIKELY) if likely is None else likely, dice))

        return {name: left(file) for name, file in names.items()}

    @property
    def has_unsynced(self) -> bool:
        """Whether a cut now can take something away."""
        return bool(self._renamings) or any(file.pending for file in self._names.values())


def put_down(files: dict[str, bytes], folder: Path, dice: random.Random) -> None:
    """Files on a real disk, under a folder that is not there yet."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
        if name.endswith(".sqlite3") and dice.random() < 0.5:
            # The index of a WAL is memory in a file: after a power loss it may hold anything.
            path.with_name(path.name + "-shm").write_bytes(dice.randbytes(32 * 1024))


def compare(disk: Disk, folder: Path) -> None:
    """Nothing was done to the folder that the journal does not know of."""
    real = {
        "/" + str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }
    seen = disk.seen()
    assert real.keys() == seen.keys()
    assert [name for name in real if real[name] != seen[name]] == []


if __name__ == "__main__":
    _fork_for_ever(sys.argv[1:])
