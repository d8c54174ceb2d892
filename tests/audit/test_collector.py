"""Cosignatures are collected beside the work, believed only when they verify, and nobody waits for a witness."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import cosigned, reader
from gateway.audit.collector import LEASE_S, REFRESH_S, Collector
from gateway.audit.continuity import Pin
from gateway.audit.errors import LogDamaged, LogSetBack, WitnessesBehind
from gateway.audit.log import Log
from gateway.audit.note import KeyType, open_note
from gateway.audit.witnesses import NO_WITNESSES, WitnessPolicy
from gateway.cli.demo import free_port
from tests.audit.harness.logs import make_log, one, running
from tests.audit.small_log import LOG, ORIGIN, OTHER_KEY, signer, small_log
from tests.witness.running import Made, Stub, listening, make, read_policy, serving

KEY = LOG.verifier
WITNESS = signer("w.example/witness", 50, KeyType.COSIGNATURE)
ONE = small_log(8)
LIMIT_S = 60


class Clock:
    now: float

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    url = f"sqlite:///{tmp_path / 'corridor.sqlite3'}"
    make_log(url)
    with running(url) as made:
        for _ in range(5):
            made.record(one())
        yield made


@contextmanager
def collecting(log: Log, folder: Path, policy: WitnessPolicy, clock: Clock | None = None) -> Iterator[Collector]:
    made = Collector(log, Pin(folder, KEY), policy, limit_s=LIMIT_S, clock=clock or Clock())
    try:
        yield made
    finally:
        made.close()


def published(log: Log, policy: WitnessPolicy) -> tuple[int, int]:
    """The size that is given out, and how many witnesses have cosigned it."""
    with log.db.reading_tx() as tx:
        note, checkpoint = cosigned.published(tx, KEY, policy)
    return checkpoint.size, len(policy.present(note))


def size(log: Log) -> int:
    with log.db.reading_tx() as tx:
        return reader.head(tx, KEY)[1].size


@pytest.fixture
def three(tmp_path: Path) -> list[Made]:
    return [make(tmp_path, name, KEY) for name in ("north", "south", "west")]


def test_a_round_brings_a_quorum_and_the_log_goes_on(log: Log, three: list[Made], tmp_path: Path) -> None:
    policy = read_policy(2, *three)
    with ExitStack() as stack, collecting(log, tmp_path, policy) as collector:
        for made in three:
            stack.enter_context(serving(made))
        assert published(log, policy) == (5, 0)
        collector.round()
        assert published(log, policy) == (5, 3)
        for _ in range(300):
            log.record(one())
        collector.round()
        assert published(log, policy) == (305, 3)
        assert collector.wait_for(305, 0)
        assert not collector.wait_for(306, 0)


def test_what_was_collected_verifies_by_the_formats_alone(log: Log, three: list[Made], tmp_path: Path) -> None:
    policy = read_policy("all", *three)
    with ExitStack() as stack, collecting(log, tmp_path, policy) as collector:
        for made in three:
            stack.enter_context(serving(made))
        collector.round()
    with log.db.reading_tx() as tx:
        note, _ = cosigned.published(tx, KEY, policy)
    assert len(open_note(note, [KEY, *(made.key for made in three)])[1]) == 4


def test_one_witness_away_is_no_harm_and_two_are_said(log: Log, three: list[Made], tmp_path: Path) -> None:
    policy, clock = read_policy(2, *three), Clock()
    north, south, _ = three
    with collecting(log, tmp_path, policy, clock) as collector:
        with serving(north), serving(south):
            collector.round()
            assert published(log, policy) == (5, 2)
        log.record(one())
        with serving(north):
            collector.round()
            # What has no quorum is not given out; what has one stays.
            assert published(log, policy) == (5, 2)
            collector.check(required=True)
            clock.now += LIMIT_S + 1
            collector.round()
            assert collector.behind_since is not None
            collector.check(required=False)
            with pytest.raises(WitnessesBehind):
                collector.check(required=True)
            with serving(south):
                clock.now += 200
                collector.round()
                collector.round()
                assert published(log, policy)[0] == 6
                assert collector.behind_since is None
                collector.check(required=True)


def test_callers_do_not_wait_for_witnesses(log: Log, tmp_path: Path) -> None:
    """A witness that takes a connection and never answers."""
    import asyncio

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(60)

    port = free_port()
    made = Made("mute", tmp_path, signer("mute", 9, KeyType.COSIGNATURE).verifier, port)
    quiet = read_policy(1, made)
    with listening(silent, port), collecting(log, tmp_path, quiet) as collector:
        collector.start()
        took = []
        for _ in range(50):
            begun = time.perf_counter()
            log.record(one())
            took.append(time.perf_counter() - begun)
            time.sleep(0.01)
        assert sorted(took)[40] < 0.5
        assert published(log, quiet) == (55, 0)


def test_a_witness_that_is_away_is_left_alone_for_longer_and_longer(
    log: Log, three: list[Made], tmp_path: Path
) -> None:
    clock = Clock()
    with collecting(log, tmp_path, read_policy(1, three[0]), clock) as collector:
        [asked] = collector._asked
        pauses = []
        for _ in range(8):
            collector.round()
            pauses.append(asked.due - clock.now)
            clock.now = asked.due
        assert pauses[-1] > pauses[0]
        assert max(pauses) <= 60 * 1.3


def test_a_log_that_stands_still_is_cosigned_again_now_and_then(log: Log, three: list[Made], tmp_path: Path) -> None:
    policy, clock = read_policy(1, three[0]), Clock()

    def time_of() -> int | None:
        with log.db.reading_tx() as tx:
            return policy.present(cosigned.published(tx, KEY, policy)[0])[0].timestamp

    with serving(three[0]) as memory, collecting(log, tmp_path, policy, clock) as collector:
        collector.round()
        before = memory.seen(ORIGIN).at
        collector.round()
        assert memory.seen(ORIGIN).at == before == time_of()
        time.sleep(1.1)
        clock.now += REFRESH_S + 1
        collector.round()
        assert time_of() == memory.seen(ORIGIN).at > before
        assert published(log, policy) == (5, 1)


def test_only_what_is_newer_than_the_last_quorum_is_kept(log: Log, three: list[Made], tmp_path: Path) -> None:
    policy, clock = read_policy(2, *three[:2]), Clock()
    with serving(three[0]), collecting(log, tmp_path, policy, clock) as collector:
        for _ in range(40):
            log.record(one())
            clock.now += 1
            collector.round()
        with log.db.reading_tx() as tx:
            assert 0 < len(cosigned.stored(tx)) <= cosigned.KEPT
            assert tx.execute("SELECT count(*) FROM log_cosigned").fetchone()[0] <= cosigned.KEPT
        with serving(three[1]):
            clock.now += 200
            collector.round()
        with log.db.reading_tx() as tx:
            assert [row.size for row in cosigned.stored(tx)] == [size(log)]


def test_a_witness_that_knows_more_is_asked_from_there(log: Log, three: list[Made], tmp_path: Path) -> None:
    """A gateway that starts anew remembers nothing of its witnesses: they tell it where they are."""
    policy = read_policy(1, three[0])
    with serving(three[0]) as memory:
        with collecting(log, tmp_path, policy) as collector:
            collector.round()
        log.record(one())
        with collecting(log, tmp_path, policy) as again:
            again.look_back()
            assert memory.seen(ORIGIN).size == 6


# -- the log against what lies outside of it ---------------------------------------


def cut_back(url: str, older: str) -> None:
    """The database as it was copied earlier."""
    Path(url.removeprefix("sqlite:///")).write_bytes(Path(older).read_bytes())
    for suffix in ("-wal", "-shm"):
        Path(url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)


@pytest.fixture
def restored(tmp_path: Path, three: list[Made]) -> Iterator[tuple[Log, Path, Made]]:
    """A log of five entries that a moment ago had seven, pinned and cosigned."""
    path, copy = tmp_path / "corridor.sqlite3", tmp_path / "copy.sqlite3"
    url = f"sqlite:///{path}"
    make_log(url)
    with running(url) as made:
        for _ in range(5):
            made.record(one())
    copy.write_bytes(path.read_bytes())
    with running(url) as made, serving(three[0]), collecting(made, tmp_path, read_policy(1, three[0])) as collector:
        made.record(one())
        made.record(one())
        collector.round()
    cut_back(url, str(copy))
    with running(url) as made:
        yield made, tmp_path, three[0]


def test_an_older_database_is_refused_by_the_pin(restored: tuple[Log, Path, Made]) -> None:
    log, folder, _ = restored
    with collecting(log, folder, NO_WITNESSES) as collector:
        with pytest.raises(LogSetBack, match=r"has 5 entries\. .* is of 7: an older database") as refused:
            collector.look_back()
        assert refused.value.members == {"log_size": 5, "seen_size": 7}
    # Even once it has grown past the pinned size: what was pinned must be in it.
    for _ in range(4):
        log.record(one())
    with collecting(log, folder, NO_WITNESSES) as collector, pytest.raises(LogSetBack, match="other entries"):
        collector.look_back()


def test_an_older_database_is_refused_by_a_witness_when_the_pin_is_gone_too(restored: tuple[Log, Path, Made]) -> None:
    log, folder, witness = restored
    Pin(folder, KEY).path.unlink()
    with serving(witness) as memory, collecting(log, folder, read_policy(1, witness)) as collector:
        with pytest.raises(LogSetBack, match="A checkpoint that a witness holds is of 7") as refused:
            collector.look_back()
        assert refused.value.members["witness"] == "north"
        assert memory.seen(ORIGIN).size == 7
        for _ in range(4):
            log.record(one())
        with pytest.raises(LogSetBack, match="other entries among its first 7"):
            collector.look_back()
    # Nobody left to say so: this is what a gateway without witnesses cannot know.
    with collecting(log, folder, NO_WITNESSES) as collector:
        collector.look_back()


def test_a_database_set_back_while_it_runs_releases_nothing(restored: tuple[Log, Path, Made]) -> None:
    log, folder, witness = restored
    Pin(folder, KEY).path.unlink()
    with serving(witness), collecting(log, folder, read_policy(1, witness)) as collector:
        collector.round()
        with pytest.raises(LogSetBack):
            collector.check(required=False)


def test_a_witnesss_bare_word_stops_nobody_while_running_but_a_start(log: Log, tmp_path: Path) -> None:
    port = free_port()
    liar = Made("liar", tmp_path, WITNESS.verifier, port)
    for shown in ((404, b"", {}), (200, small_log(99).note(by=OTHER_KEY).encode(), {})):
        answers = [(409, b"99\n", {}), shown]
        with listening(Stub(*answers, *answers), port), collecting(log, tmp_path, read_policy(1, liar)) as collector:
            collector.round()
            collector.check(required=False)
            with pytest.raises(LogSetBack, match="says that it cosigned a log of 99"):
                collector.look_back()


def test_a_fork_is_refused(log: Log, three: list[Made], tmp_path: Path) -> None:
    """Another log under the same key, as long and longer."""
    with serving(three[0]), collecting(log, tmp_path, read_policy(1, three[0])) as collector:
        collector.round()
    url = f"sqlite:///{tmp_path / 'fork.sqlite3'}"
    make_log(url)
    with running(url) as fork:
        for count in (5, 3):
            for _ in range(count):
                fork.record(one("urn:uuid:2"))
            with collecting(fork, tmp_path, NO_WITNESSES) as by_pin, pytest.raises(LogSetBack, match="other entries"):
                by_pin.look_back()
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir(exist_ok=True)
            refused = pytest.raises(LogSetBack, match="other entries among its first 5")
            with serving(three[0]), collecting(fork, elsewhere, read_policy(1, three[0])) as by_witness, refused:
                by_witness.look_back()


def test_a_log_that_only_grew_starts(log: Log, three: list[Made], tmp_path: Path) -> None:
    with serving(three[0]), collecting(log, tmp_path, read_policy(1, three[0])) as collector:
        collector.look_back()
        collector.round()
        for _ in range(300):
            log.record(one())
        collector.look_back()
    with collecting(log, tmp_path, read_policy(1, three[0])) as collector:
        collector.look_back()  # the witness is away: that is said, and no reason not to start


def test_a_changed_log_is_said_to_be_damaged_rather_than_old(log: Log, tmp_path: Path) -> None:
    with collecting(log, tmp_path, NO_WITNESSES) as collector:
        collector.round()
        with log.db.writing_connection() as connection, connection.begin():
            connection.exec_driver_sql("UPDATE log_entry SET leaf = zeroblob(32) WHERE idx = 3")
        with pytest.raises(LogDamaged):
            collector.look_back()


def test_the_pin_never_goes_back_and_is_this_logs_alone(tmp_path: Path) -> None:
    pin = Pin(tmp_path, KEY)
    assert pin.read() is None
    pin.advance(ONE.note(7))
    pin.advance(ONE.note(6))
    assert pin.read() == ONE.checkpoint(7)
    assert (pin.path.stat().st_mode & 0o777) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []
    for other in (ONE.note(by=OTHER_KEY), "", "x" * 70_000, ONE.note(7)[:-9]):
        pin.path.write_text(other)
        with pytest.raises(LogSetBack, match="not a checkpoint that this log signed"):
            pin.read()


def test_a_pin_that_cannot_be_written_keeps_nobody_from_being_asked(
    log: Log, three: list[Made], tmp_path: Path
) -> None:
    policy = read_policy(1, three[0])
    with serving(three[0]), collecting(log, tmp_path, policy) as collector:
        in_the_way = tmp_path / ".checkpoint.pinned.lock"
        in_the_way.mkdir()
        with pytest.raises(OSError, match="directory"):
            collector.pin.advance(ONE.note(7))
        collector.round()
        assert published(log, policy) == (5, 1)
        assert collector.pin.read() is None
        in_the_way.rmdir()
        collector.round()
        assert collector.pin.read() is not None


def test_of_several_processes_one_asks_at_a_time(database: str, tmp_path: Path) -> None:
    make_log(database)
    with running(database) as log:
        log.record(one())
        clock = Clock()
        with (
            collecting(log, tmp_path, NO_WITNESSES, clock) as first,
            collecting(log, tmp_path, NO_WITNESSES, clock) as second,
        ):
            if log.alone:
                assert first._leads(int(clock.now))
                return
            assert first._leads(int(clock.now))
            assert not second._leads(int(clock.now))
            clock.now += LEASE_S // 2 + 1
            assert first._leads(int(clock.now))
            assert not second._leads(int(clock.now))
            clock.now += LEASE_S + 1
            assert second._leads(int(clock.now))
            assert not first._leads(int(clock.now))
