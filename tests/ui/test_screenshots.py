"""The pictures of the docs can be made again, and are of pages that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.screenshots import IMAGES, PICTURES, take

pytestmark = pytest.mark.server

MOST = 120 * 1024
"""Bytes of one: a clone stays small."""


def test_every_picture_can_be_taken_and_is_kept_small(tmp_path: Path) -> None:
    taken = {path.name for path in take(tmp_path)}
    assert taken == {path.name for path in IMAGES.iterdir()} == {f"{picture.name}.jpg" for picture in PICTURES}
    for kept in IMAGES.iterdir():
        assert 10_000 < kept.stat().st_size < MOST, kept
