"""Deciding a long log again: `python -m benchmarks.again [DECISIONS [ROUNDS]]`, a hundred thousand, three times.

A candidate with one changed threshold is asked about every recorded decision, as `corridor policy what-if` does it:
read from the database, checked against the entry's digest, decided in a child process, compared and counted. Beside
it, on the same inputs, the interpreter alone in a loop. Both in turn, ROUNDS times; the middle ratio counts.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.access.replay import Report, what_if
from gateway.audit.commit import new_salt, salted_digest
from gateway.audit.create import create_log
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Object, Source
from gateway.audit.event import Decision as DecisionShown
from gateway.audit.log import Log, Outcome, Record
from gateway.audit.note import NoteSigner
from gateway.audit.reader import Filter
from gateway.db import Database, Tx
from gateway.migrations.migrate import migrate
from gateway.policy.bundle import Bundle, bundle_of, load_bundle
from gateway.policy.decision import parse_decision
from gateway.policy.document import as_bytes
from gateway.policy.embedded import interpreter
from gateway.policy.engine import ENTRYPOINT
from gateway.policy.store import keep_bundle
from gateway.policy.trial import Trial
from gateway.settings import POLICIES
from tests.policy.documents import HOSPITAL, PHARMA, changed, consent, export_approval
from tests.policy.inputs import HARMLESS, REFUSED

DECISIONS = 100_000
BATCH = 500
ABROAD = {
    "user.accessing_from": "DE",
    "dataset.consent": consent(overseas=True),
    "approvals.export": [export_approval()],
    "exports.after": {"sensitive": 7_000, "other": 0},
}
"""What the changed threshold refuses."""
ROUNDS = 3


def inputs(count: int) -> Iterator[bytes]:
    """Inputs near the line between permit and refusal, each of an agent of its own, so that none is another's."""
    contents = [*HARMLESS, *REFUSED, ABROAD]
    for n in range(count):
        yield as_bytes(changed(contents[n % len(contents)] | {"user.id": f"a-{n:020x}"}))


def candidate(bundle: Bundle) -> dict[str, bytes]:
    """The same rules with one threshold changed: half as many persons may leave the country without an assessment."""
    path = "access/rules/recipient_abroad/data.json"
    table = json.loads(bundle.files[path])
    table["table"]["assessed_from"]["sensitive"] = 5_000
    return {**bundle.files, path: json.dumps(table).encode()}


def fill(log: Log, bundle: Bundle, count: int) -> None:
    """Record so many decisions with their inputs, as the broker would have."""
    ask = asker(bundle)
    decided = [parse_decision(ask(data).encode()) for data in inputs(len(HARMLESS) + len(REFUSED) + 1)]
    deed = Deed(Actor("gateway", HOSPITAL), Source("benchmark"), 1_795_392_000)
    documents = inputs(count)
    for begin in range(0, count, BATCH):
        batch = [(new_salt(), next(documents)) for _ in range(min(BATCH, count - begin))]

        def change(tx: Tx, batch: Any = batch, begin: int = begin) -> Outcome:
            records, kept = [], []
            for n, (salt, document) in enumerate(batch, begin):
                decision = decided[n % len(decided)]
                result = decision.result
                shown = DecisionShown(
                    result,
                    rules=tuple(dict.fromkeys(reason.code for reason in decision.reasons)),
                    demands=decision.demands,
                    policy_bundle=bundle.digest,
                    input_digest=salted_digest(salt, document),
                )
                dataset = Object("dataset", json.loads(document)["dataset"]["id"])
                event = deed.event("access.decision", result, decision=shown, objects=(dataset,))
                records.append(Record(event, (HOSPITAL, PHARMA)))
                kept.append((event.id, salt, document))
            tx.execute_many("INSERT INTO decision_input (entry, salt, document) VALUES (?, ?, ?)", kept)
            return Outcome(tuple(records))

        log.record(change)


def asker(bundle: Bundle) -> Callable[[bytes], str]:
    """The interpreter, and nothing around it."""
    engine = interpreter(bundle)

    def ask(document: bytes) -> str:
        engine.set_input_json(document.decode())
        return str(engine.eval_rule_as_json("data." + ENTRYPOINT.replace("/", ".")))

    return ask


def bare(files: dict[str, bytes], packs: tuple[str, ...], count: int) -> float:
    """Decisions a second of the interpreter alone."""
    ask = asker(bundle_of(files, frozenset(packs)))
    documents = list(inputs(count))
    begin = time.perf_counter()
    for document in documents:
        ask(document)
    return count / (time.perf_counter() - begin)


def again(db: Database, files: dict[str, bytes], packs: tuple[str, ...]) -> tuple[float, Report]:
    """Decisions a second of a what-if over the whole log, and what it found."""
    with Trial(files, packs) as trial:
        begin = time.perf_counter()
        for report in what_if(db, trial, Filter(), seen_by=None):
            if report.decided % 10_000 == 0 and report.decided:
                sys.stderr.write(f"\r{report.decided:,} of {report.total:,}")
        return report.decided / (time.perf_counter() - begin), report


def main(count: int, rounds: int) -> None:
    bundle = load_bundle(POLICIES)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'again.db'}"
        signer = NoteSigner("benchmark", Ed25519PrivateKey.generate())
        db = Database(url)
        db.claim()
        with db.writing_connection() as connection:
            with connection.begin():
                migrate(connection)
            with connection.begin():
                create_log(Tx(connection), signer, bundle=bundle.digest)
                keep_bundle(Tx(connection), bundle, now=0)
        log = Log(db, signer=signer, clock=time.time)
        log.start()
        begin = time.perf_counter()
        fill(log, bundle, count)
        sys.stderr.write(f"{count:,} decisions recorded in {time.perf_counter() - begin:.0f} s\n")
        files, ratios = candidate(bundle), []
        for _ in range(rounds):
            alone = bare(files, bundle.packs, min(count, 10_000))
            rate, report = again(db, files, bundle.packs)
            ratios.append(rate / alone)
            print(f"\rwhat-if {rate:,.0f}/s, the interpreter alone {alone:,.0f}/s: {rate / alone:.2f}")
        print(f"{report.decided:,} decided, {report.different:,} different; ratio {statistics.median(ratios):.2f}")
        log.close()
        db.close()


if __name__ == "__main__":
    main(*(int(given) for given in [*sys.argv[1:], *(str(n) for n in (DECISIONS, ROUNDS)[len(sys.argv) - 1 :])]))
