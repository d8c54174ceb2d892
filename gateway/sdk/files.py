"""Files on the researcher's machine: new, whole, and never written through a link that somebody put in the way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from gateway.problems import Malformed


def put(path: Path, data: bytes) -> None:
    """The file holds `data`, or what it held before. Unlike `gateway.durable` on any system, and not synced."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def to_go_on(path: Path) -> BinaryIO:
    """A file to be read and then written on, made if there is none.

    Raises:
        Malformed: something else than a file has its name.
    """
    if not os.path.lexists(path):
        return path.open("x+b")
    if path.is_symlink() or not path.is_file():
        raise Malformed(f"{path} is there, and is no file. Move it away, or choose another name.")
    return path.open("r+b")
