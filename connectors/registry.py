"""Which kind of source is read by what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connectors.base import Source, SourceRefused
from connectors.csvfile import CsvFile
from connectors.files import Fingerprints
from connectors.parquetfile import ParquetFile

_KINDS: dict[str, Callable[[Path, str, Fingerprints], Source]] = {"csv": CsvFile, "parquet": ParquetFile}


class Sources:
    """The sources beneath one root. Keep one per process: it remembers digests of files that did not change."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fingerprints = Fingerprints()

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
