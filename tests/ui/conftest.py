"""One data space for the pages' tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.space import Space, data_space
from tests.ui.people import People


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with data_space(tmp_path_factory.mktemp("space")) as made:
        yield made


@pytest.fixture(scope="module")
def people(space: Space) -> Iterator[People]:
    with closing(People(space)) as made:
        yield made
