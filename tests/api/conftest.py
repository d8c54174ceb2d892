"""One data space for the stories that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.space import Space, data_space


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with data_space(tmp_path_factory.mktemp("space")) as made:
        yield made
