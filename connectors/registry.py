"""Which kind of source is read by what."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from connectors.base import Source, SourceRefused
from connectors.confine import MAX_DEPTH
from connectors.csvfile import CsvFile
from connectors.files import Fingerprints
from connectors.parquetfile import ParquetFile

_KINDS: dict[str, Callable[[Path, str, Fingerprints], Source]] = {"csv": CsvFile, "parquet": ParquetFile}

_ENDINGS = (".csv", ".csv.gz", ".parquet", ".pq")
MAX_LOOKED_AT = 10_000
"""Names read of one folder."""


class Sources:
    """The sources beneath one root. Keep one per process: it remembers digests of files that did not change."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fingerprints = Fingerprints()

    def files(self, *, most: int) -> list[str]:
        """Paths beneath the root that end like a source of a kind we read, `most` at most; never through a link."""
        return list(islice(_files(self._root, ()), most))

    def source(self, kind: str, path: str) -> Source:
        """The source of `kind` at `path`, relative to the root. Nothing is opened yet.

        Raises:
            SourceRefused: no connector reads this kind.
        """
        try:
            make = _KINDS[kind]
        except KeyError:
            known = ", ".join(sorted(_KINDS))
            raise SourceRefused(f"no connector reads sources of this kind; known: {known}") from None
        return make(self._root, path, self._fingerprints)


def _files(folder: Path, above: tuple[str, ...]) -> Iterator[str]:
    if len(above) >= MAX_DEPTH:
        return
    try:
        with os.scandir(folder) as listed:
            found = sorted(islice(listed, MAX_LOOKED_AT), key=lambda entry: entry.name)
    except OSError:
        return  # not there yet, or not ours to read: there is nothing in it to name
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name, (*above, entry.name))
        elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(_ENDINGS):
            yield "/".join((*above, entry.name))
