"""One data space for the SDK's tests, and a researcher in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sdk import Contract, Corridor
from tests.space import HOSPITAL, PHARMA, Space, data_space


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with data_space(tmp_path_factory.mktemp("space")) as made:
        yield made


@pytest.fixture(scope="module")
def key_file(space: Space) -> Path:
    return space.parties[PHARMA].files["researcher"]


@pytest.fixture
def corridor(key_file: Path, tmp_path: Path) -> Iterator[Corridor]:
    with Corridor(key_file, receipts=tmp_path / "receipts") as made:
        yield made


@pytest.fixture(scope="module")
def agreed(space: Space) -> str:
    return space.agree(space.datasets["csv"])


@pytest.fixture
def contract(corridor: Corridor, agreed: str) -> Contract:
    return corridor.contract(agreed)


@pytest.fixture
def hospital(space: Space, tmp_path: Path) -> Iterator[Corridor]:
    with Corridor(space.parties[HOSPITAL].files["researcher"], receipts=tmp_path / "receipts") as made:
        yield made
