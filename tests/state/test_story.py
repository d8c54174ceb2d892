"""The whole story on PostgreSQL: what the demo plays on SQLite holds there too."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.note import parse_vkey
from gateway.cli.demo import free_port, serving
from gateway.cli.realdata import prepare
from gateway.cli.story import Story
from gateway.db import Database
from gateway.settings import Settings
from tests.audit.harness.logs import judge


@pytest.mark.server
def test_every_step_of_the_story_holds_on_postgresql(postgresql: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "gateway", database_url=postgresql)
    story = Story(tmp_path, settings, free_port(), say=lambda _line: None)
    story.prepare(prepare(tmp_path / "data"))
    played = []
    with serving(settings, story.port):
        for step in story.steps():
            step.play()
            played.append(step.title)
    for client in (story._operator, *(c for party in story.parties.values() for c in party.agents.values())):
        client.close()
    assert len(played) >= 18
    db = Database(postgresql)
    assert len(judge(db, parse_vkey(story.vkey))) > 30
    db.close()
