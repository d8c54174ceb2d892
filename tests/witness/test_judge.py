"""A witness cosigns a longer log, and never two logs of which neither continues the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.note import Note, NoteSigner, open_note, parse_note, parse_vkey
from gateway.audit.submission import SIZE_TYPE, Submission, log_id, parse_submission
from gateway.witness.judge import Answer, Judge
from gateway.witness.memory import Memory, Seen, WitnessRefused
from tests.audit.small_log import LOG, ORIGIN, OTHER_KEY, VECTORS, SmallLog, signer, small_log

NOW = 1_795_392_000
LONG = small_log(30)
FORK = small_log(30, "two")


class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


class Witness:
    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.key = Memory.create(folder, "hospital-a.example/witness", [LOG.verifier])
        self.open()

    def open(self) -> None:
        self.memory = Memory.open(self.folder)
        self.judge = Judge(self.memory, clock=self.clock)

    def reopen(self) -> None:
        self.memory.close()
        self.open()

    def add(self, old: int, size: int, log: SmallLog = LONG, by: NoteSigner = LOG) -> Answer:
        return self.judge.add_checkpoint(submission(old, size, log, by).format())

    @property
    def size(self) -> int:
        return self.memory.seen(ORIGIN).size


def submission(old: int, size: int, log: SmallLog = LONG, by: NoteSigner = LOG) -> Submission:
    proof = log.tree(size).consistency_proof(old) if 0 < old < size else []
    return Submission(old, tuple(proof), log.note(size, by))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    made = Witness(tmp_path / "witness")
    yield made
    made.memory.close()


def test_a_growing_log_is_cosigned_and_the_cosignature_verifies(witness: Witness) -> None:
    for old, size in ((0, 1), (1, 7), (7, 8), (8, 30)):
        answer = witness.add(old, size)
        assert (answer.status, answer.media_type) == (200, "text/plain; charset=utf-8")
        note = parse_note(LONG.note(size) + answer.body)
        [found] = open_note(note, [witness.key])[1]
        assert found.timestamp == NOW


def test_the_published_submission_is_read_and_written_to_the_byte() -> None:
    body = ("\n".join(VECTORS["add_checkpoint_3_to_7"]) + "\n").encode()
    parsed = parse_submission(body)
    assert (parsed.old, len(parsed.proof)) == (3, 4)
    assert parsed.format() == body


def test_the_same_checkpoint_again_gets_a_newer_time(witness: Witness) -> None:
    witness.add(0, 7)
    witness.clock.now += 60
    answer = witness.add(7, 7)
    assert answer.status == 200
    [found] = open_note(parse_note(LONG.note(7) + answer.body), [witness.key])[1]
    assert found.timestamp == NOW + 60


@pytest.mark.parametrize("old", [0, 3, 29])
def test_another_old_size_is_answered_with_the_right_one(witness: Witness, old: int) -> None:
    witness.add(0, 8)
    answer = witness.add(old, 30)
    assert (answer.status, answer.media_type, answer.body) == (409, SIZE_TYPE, "8\n")
    assert witness.size == 8


def test_a_log_that_was_set_back_is_not_cosigned(witness: Witness) -> None:
    witness.add(0, 30)
    for size in (1, 7, 29):
        assert witness.add(size, size).status == 409
    assert witness.add(30, 29).status == 400
    assert witness.size == 30


def test_a_fork_is_not_cosigned_and_is_kept_as_evidence(witness: Witness) -> None:
    witness.add(0, 7)
    assert witness.add(7, 7, FORK).status == 422
    assert witness.add(7, 30, FORK).status == 422
    assert (witness.size, witness.memory.seen(ORIGIN).root) == (7, LONG.checkpoint(7).root)
    [kept] = (witness.folder / "evidence").iterdir()
    fork = open_checkpoint(kept.read_bytes(), LOG.verifier)
    assert (fork.size, fork.root) == (7, FORK.checkpoint(7).root)


def test_proofs_that_prove_nothing_are_refused(witness: Witness) -> None:
    good = submission(7, 30)
    assert witness.judge.add_checkpoint(Submission(0, good.proof, LONG.note(7)).format()).status == 422
    witness.add(0, 7)
    bent = (bytes(32), *good.proof[1:])
    for proof in (good.proof[:-1], (*good.proof, bytes(32)), bent, ()):
        assert witness.judge.add_checkpoint(Submission(7, proof, good.checkpoint).format()).status == 422
    assert witness.judge.add_checkpoint(Submission(7, good.proof, LONG.note(7)).format()).status == 422
    assert witness.size == 7


def test_a_stranger_is_told_so(witness: Witness) -> None:
    assert witness.add(0, 7, by=OTHER_KEY).status == 403
    elsewhere = signer("another.example/log", 1)
    note = elsewhere.sign(Checkpoint("another.example/log", 7, LONG.checkpoint(7).root).text())
    assert witness.judge.add_checkpoint(Submission(0, (), note).format()).status == 404
    # Signed by a known key, under another log's origin: the key's name is the log's.
    renamed = LOG.sign(Checkpoint("another.example/log", 7, LONG.checkpoint(7).root).text())
    assert witness.judge.add_checkpoint(Submission(0, (), renamed).format()).status == 404
    # A bad line of a known key beside a good one of another: all of it is refused.
    good, bad = parse_note(LONG.note(7)), parse_note(LONG.note(8))
    mixed = Note(good.text, (bad.signatures[0],)).format()
    assert witness.judge.add_checkpoint(Submission(0, (), mixed).format()).status == 403
    assert witness.size == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + LONG.note(7).encode(),
        b"old +0\n\n" + LONG.note(7).encode(),
        b"new 0\n\n" + LONG.note(7).encode(),
        b"old 0\nAAAA\n\n" + LONG.note(7).encode(),
        b"old 0\n" + b"BJ19zbVrz+vTEzBMmDnxlqPUtu873AsIKY+TrIGR8Kg=\n" * 64 + b"\n" + LONG.note(7).encode(),
        b"old 0\r\n\r\n" + LONG.note(7).encode(),
        b"old 0\n\n" + LONG.note(7).replace("\n7\n", "\n07\n").encode(),
        b"old 0\n\n" + LONG.note(7).encode()[:-1],
        b"old 0\n\n\xff",
        b"old 0\n\n" + LOG.sign(LONG.checkpoint(7).text() + "extension\n").encode(),
        b"old 0\n\n" + b"x" * 80_000,
    ],
)
def test_what_is_malformed_is_refused(witness: Witness, body: bytes) -> None:
    assert witness.judge.add_checkpoint(body).status == 400
    assert witness.size == 0


def test_racing_requests_leave_one_line_of_trees(witness: Witness) -> None:
    witness.add(0, 5)
    bodies = [submission(5, size, log).format() for size in range(6, 20) for log in (LONG, FORK)]
    answers: list[Answer] = []
    gate = threading.Barrier(len(bodies))

    def send(body: bytes) -> None:
        gate.wait()
        answers.append(witness.judge.add_checkpoint(body))

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two of them with one old size cannot both be answered.
    assert sorted(answer.status for answer in answers if answer.status == 200) == [200]
    assert witness.memory.seen(ORIGIN).root == LONG.checkpoint(witness.size).root


def test_it_does_not_sign_into_its_own_past(witness: Witness) -> None:
    witness.add(0, 7)
    witness.clock.now -= 1
    assert witness.add(7, 8).status == 503
    assert witness.size == 7


def test_what_was_cosigned_is_on_disk_before_it_is_answered(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "no space left on device")

    witness.add(0, 7)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.durable.os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            witness.add(7, 8)
    assert witness.size == 7
    witness.reopen()
    assert witness.size == 7
    assert witness.add(7, 8).status == 200
    witness.reopen()
    assert witness.size == 8


def test_it_goes_on_where_it_was(witness: Witness) -> None:
    assert witness.judge.last(log_id(ORIGIN)).status == 404
    witness.add(0, 7)
    witness.reopen()
    assert witness.add(0, 8).body == "7\n"
    answer = witness.judge.last(log_id(ORIGIN))
    assert open_checkpoint(answer.body, LOG.verifier).size == 7
    assert len(open_note(answer.body, [LOG.verifier, witness.key])[1]) == 2
    assert witness.judge.last(log_id("another")).status == 404


def test_one_process_has_it(witness: Witness) -> None:
    with pytest.raises(WitnessRefused, match="Another process"):
        Memory.open(witness.folder)


def test_a_witness_that_forgot_is_not_started_again(witness: Witness) -> None:
    witness.add(0, 7)
    witness.memory.close()
    place = witness.folder / f"{log_id(ORIGIN)}.json"
    kept = place.read_bytes()
    place.unlink()
    with pytest.raises(WitnessRefused, match="not started again"):
        Memory.open(witness.folder)
    for bent in (
        b"{}",
        b"",
        kept.replace(b'"size":7', b'"size":6'),
        kept.replace(b"gateway.example", b"gateway.elsewhr"),
    ):
        place.write_bytes(bent)
        with pytest.raises(WitnessRefused):
            Memory.open(witness.folder)
    place.write_bytes(kept)
    witness.open()
    with pytest.raises(WitnessRefused, match="already"):
        Memory.create(witness.folder, "again", [LOG.verifier])


def test_of_a_log_that_runs_it_begins_where_it_was_told(tmp_path: Path) -> None:
    Memory.create(tmp_path / "w", "late", [LOG.verifier], known=[LONG.checkpoint(8)])
    memory = Memory.open(tmp_path / "w")
    judge = Judge(memory, clock=Clock())
    assert memory.seen(ORIGIN) == Seen(8, LONG.checkpoint(8).root)
    assert judge.last(log_id(ORIGIN)).status == 404
    assert judge.add_checkpoint(submission(0, 30).format()).body == "8\n"
    assert judge.add_checkpoint(submission(8, 30, FORK).format()).status == 422
    assert judge.add_checkpoint(submission(8, 30).format()).status == 200
    memory.close()


def test_a_log_is_followed_from_one_key_to_the_next(witness: Witness) -> None:
    both = LOG.joined_by(OTHER_KEY)
    assert witness.add(0, 8, by=both).status == 200
    assert witness.add(8, 9, by=OTHER_KEY).status == 403
    with pytest.raises(WitnessRefused, match="several"):
        witness.memory.forget(LOG.verifier)
    elsewhere = NoteSigner("elsewhere.example/audit/1", Ed25519PrivateKey.generate())
    for key in (LOG.verifier, elsewhere.verifier):
        with pytest.raises(WitnessRefused, match="another key"):
            witness.memory.know(key)
    witness.memory.know(OTHER_KEY.verifier)
    # What it cosigned last only the old key has signed, as far as it knew then.
    with pytest.raises(WitnessRefused, match="later"):
        witness.memory.forget(LOG.verifier)
    witness.reopen()
    assert witness.add(8, 10, by=both).status == 200
    assert witness.add(10, 12, by=OTHER_KEY).status == 200
    assert witness.add(10, 12, FORK, by=LOG).status == 409
    assert witness.add(12, 13, by=LOG).status == 200
    assert witness.add(13, 14, by=both).status == 200
    witness.memory.forget(LOG.verifier)
    witness.reopen()
    assert witness.size == 14
    assert witness.add(14, 16, by=LOG).status == 403
    assert witness.add(14, 16, by=both).status == 200
    assert witness.add(16, 17, by=OTHER_KEY).status == 200


def test_a_log_is_named_once_and_by_its_own_key(tmp_path: Path) -> None:
    other = parse_vkey(str(OTHER_KEY.verifier))
    for logs in ([], [LOG.verifier, other], [parse_vkey(VECTORS["witness_vkey"])]):
        with pytest.raises(WitnessRefused):
            Memory.create(tmp_path / "w", "w", logs)
    with pytest.raises(WitnessRefused):
        Memory.create(tmp_path / "w", "w", [LOG.verifier], known=[Checkpoint("elsewhere", 1, bytes(32))])
