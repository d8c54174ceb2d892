"""Every change of state has its event, in the same transaction: no room has a way around the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk.client import Client
from tests.api.everything import everything
from tests.space import HOSPITAL, Space, data_space
from tests.ui.people import People
from tests.ui.provider import provider, to_provider_and_back, written

# The log itself; a process's pulse; and what a candidate saw, which is looked at and decides nothing.
OF_THE_LOG = {
    "log_entry",
    "log_code",
    "log_party",
    "log_tile",
    "log_head",
    "log_cosigned",
    "log_collector",
    "alembic_version",
}
# How far a subscription has read, and messages under way, follow the log.
HOUSEKEEPING = {
    "instance",
    "policy_shadow_count",
    "policy_shadow_difference",
    "alert_place",
    "alert_message",
    "log_tally",
    "log_tally_place",
}
# Nothing of this leaves the country, and the bundle that is activated is the active one.
UNCHANGED = {"export_count", "policy_bundle", "policy_activation"}


class Watch:
    """Triggers on every table: which were changed since the log last grew."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database, isolation_level=None, timeout=30)
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        self.tables = {name for (name,) in self._connection.execute(sql)} - OF_THE_LOG - HOUSEKEEPING
        self._connection.execute("CREATE TABLE watched (name TEXT NOT NULL)")
        for table in sorted(self.tables):
            for verb in ("INSERT", "UPDATE", "DELETE"):
                trigger = f"CREATE TRIGGER watch_{table}_{verb} AFTER {verb} ON {table} BEGIN"
                self._connection.execute(trigger + f" INSERT INTO watched (name) VALUES ('{table}'); END")  # noqa: S608  names of the schema
        # The head moves last in the writer's transaction: what was changed before it has its entry.
        self._connection.execute("CREATE TABLE told (name TEXT NOT NULL)")
        self._connection.execute(
            "CREATE TRIGGER watch_head AFTER UPDATE OF size ON log_head WHEN NEW.size > OLD.size BEGIN"
            " INSERT INTO told (name) SELECT name FROM watched; DELETE FROM watched; END"
        )

    def untold(self) -> set[str]:
        """Tables that were changed in a transaction without an entry. Ask while nothing is under way."""
        return {name for (name,) in self._connection.execute("SELECT DISTINCT name FROM watched")}

    def touch(self, table: str) -> None:
        """Change a table as nothing in the gateway may: past the log."""
        column = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchone()[0]
        self._connection.execute(f"UPDATE {table} SET {column} = {column}")  # noqa: S608  names of our own schema

    def told(self) -> set[str]:
        return {name for (name,) in self._connection.execute("SELECT DISTINCT name FROM told")}

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Space, Watch]]:
    with provider() as outside, data_space(tmp_path, sign_in=written(tmp_path, outside)) as space:
        watch = Watch(space.settings.home / "corridor.sqlite3")
        try:
            yield space, watch
        finally:
            watch.close()


def test_every_change_has_its_entry(watched: tuple[Space, Watch], monkeypatch: pytest.MonkeyPatch) -> None:
    space, watch = watched
    answer, found = Client._checked, list[tuple[str, set[str]]]()

    def checked(self: Client, response: Any) -> Any:
        if untold := watch.untold():
            found.append((f"{response.request.method} {response.request.url.path}", untold))
        return answer(self, response)

    monkeypatch.setattr(Client, "_checked", checked)
    everything(space)
    connect_outside(space, watch)
    assert found == []
    assert watch.untold() == set()
    # It saw something: every table that an operation of the API can change was changed on the way.
    assert watch.told() >= watch.tables - UNCHANGED


def connect_outside(space: Space, watch: Watch) -> None:
    """What only a page does."""
    with closing(People(space)) as people:
        officer = people.person(HOSPITAL, "officer").sign_in()
        to_provider_and_back(officer.browser, "/account/connect/park")
        assert officer.send("/account/connect").status_code == 303
        assert watch.untold() == set()


def test_the_watch_sees_a_change_without_an_entry(watched: tuple[Space, Watch]) -> None:
    """It can fail: a change that records nothing is found, and says where."""
    space, watch = watched
    assert watch.untold() == set()
    watch.touch("participant")
    assert watch.untold() == {"participant"}
    # The next entry takes it with it: that is why the watch asks after each operation.
    space.agent(HOSPITAL, "officer").get("/v1/audit/entries")
    assert watch.untold() == set()
