"""Opening a file beneath a root, and nowhere else.

Each step of the path is opened relative to the one before and never through a link (openat with O_NOFOLLOW,
POSIX.1-2008), so that a link swapped in between check and use is refused as well.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.base import SourceRefused, SourceUnavailable

MAX_PATH_BYTES = 1024
MAX_DEPTH = 32

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO would wait for a writer before fstat can refuse it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0)


def segments(path: str) -> tuple[str, ...]:
    """The steps of a relative path, refusing all that is not a plain way down.

    Raises:
        SourceRefused: absolute, empty, too long or too deep, `.` or `..` or nothing between two slashes, a
            backslash, a control character.
    """
    if not path or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        raise SourceRefused(f"the path of a source has 1 to {MAX_PATH_BYTES} bytes")
    if path.startswith("/"):
        raise SourceRefused("the path of a source is relative to the operator's root; take the leading slash away")
    if "\\" in path or any(ord(c) < 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) <= 0xDFFF for c in path):
        raise SourceRefused("the path of a source holds no backslash and no control character")
    steps = tuple(path.split("/"))
    if len(steps) > MAX_DEPTH or any(step in ("", ".", "..") for step in steps):
        raise SourceRefused("the path of a source goes down only: no empty step, no '.', no '..'")
    return steps


@contextmanager
def opened_beneath(root: Path, path: str) -> Iterator[int]:
    """A descriptor of the regular file at `path` beneath `root`, closed on exit.

    Raises:
        SourceRefused: a step is a link, or the last is not a regular file.
        SourceUnavailable: a step is not there or may not be opened.
    """
    descriptor = _walk(root, segments(path))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _walk(root: Path, steps: tuple[str, ...]) -> int:
    try:
        current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SourceUnavailable("the operator's root for sources cannot be opened") from error
    for number, step in enumerate(steps, start=1):
        last = number == len(steps)
        try:
            following = os.open(step, _FILE if last else _DIRECTORY, dir_fd=current)
        except OSError as error:
            raise _refusal(error) from error
        finally:
            os.close(current)
        current = following
    if not stat.S_ISREG(os.fstat(current).st_mode):
        os.close(current)
        raise SourceRefused("the source is not a regular file")
    return current


def _refusal(error: OSError) -> SourceRefused | SourceUnavailable:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO):
        return SourceRefused("the path of a source leads through a link, or through something that is no directory")
    return SourceUnavailable("there is no readable file at the source's path")
