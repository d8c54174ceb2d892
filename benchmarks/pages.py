"""Pages with a short log and a long one: `python -m benchmarks.pages [ENTRIES [ROUNDS]]`, a million, five rounds.

Two gateways, alike but for their logs: a thousand entries, and ENTRIES over twelve months. The same pages are asked of
both in turn, and the middle ratio of each counts: at one, a page does not grow with the log.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from gateway.audit import tally
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Object, Reason, Request, Source
from gateway.audit.event import Contract as ContractShown
from gateway.audit.event import Decision as DecisionShown
from gateway.audit.log import Log, Outcome, Record
from gateway.cli.demo import free_port, serving
from gateway.db import Database, Tx
from gateway.home import Home
from gateway.settings import Settings
from tests.space import HOSPITAL, PHARMA, Space
from tests.ui.people import People, Person

SHORT: Final = 1_000
LONG: Final = 1_000_000
ROUNDS: Final = 5
BATCH: Final = 1_000
YEAR_S: Final = 365 * 24 * 3600
CODES: Final = ("GEN-03", "GEN-02", "DUO-90", "XB-04", "PIPL-05")
PAGES: Final = {
    "officer": (
        "/",
        "/entries",
        "/entries?outcome=deny",
        "/entries?code=GEN-03",
        "/entries?participant=" + PHARMA,
        "/entries/{entry}",
        "/overview?span=day",
        "/overview?span=month",
        "/overview?span=year",
        "/reviews",
        "/alerts",
        "/rules",
    ),
    "researcher": ("/datasets", "/datasets/{dataset}", "/contracts", "/receipts"),
}


def fill(space: Space, count: int) -> None:
    """So many decisions more, over the last twelve months, one in ten refused. The gateway is not running."""
    home = Home.load(space.settings.home, passphrase=None)
    db = Database(space.settings.database)
    begin, made = time.time() - YEAR_S, 0
    log = Log(db, signer=home.log, clock=lambda: begin + YEAR_S * made / max(count, 1))
    log.start()
    actor = Actor("a-" + "0" * 20, PHARMA, org_kind="pharma", roles=("researcher",))
    contracts = [ContractShown(f"urn:uuid:{n:08d}-0000-7000-8000-000000000000", "0" * 64) for n in range(16)]
    dataset = Object("dataset", space.datasets["csv"], version=f"sha256:{'0' * 64}")
    try:
        while made < count:

            def change(_tx: Tx, many: int = min(BATCH, count - made)) -> Outcome:
                deed = Deed(actor, Source(home.origin, site=home.did), log.clock())
                return Outcome(tuple(_record(deed, random.choice(contracts), dataset) for _ in range(many)))

            log.record(change)
            made += BATCH
            if made % 50_000 == 0:
                sys.stderr.write(f"\r{made:,} of {count:,}")
    finally:
        log.close()
        db.close()


def _record(deed: Deed, contract: ContractShown, dataset: Object) -> Record:
    refused = random.random() < 0.1
    code = random.choice(CODES)
    event = deed.event(
        "access.decision",
        "deny" if refused else "permit",
        request=Request(operation="dataset.read", mode="M5", purpose_id="P05"),
        contract=contract,
        decision=DecisionShown("deny" if refused else "permit", rules=(code,) if refused else ()),
        objects=(dataset,),
        reasons=(Reason(code, "A rule that spoke."),) if refused else (),
    )
    return Record(event, (HOSPITAL, PHARMA))


@contextmanager
def filled(folder: Path, count: int) -> Iterator[Space]:
    """A data space whose log holds about so many entries."""
    settings = Settings(home=folder / "gateway")
    space = Space(folder, settings, free_port())
    with closing(space.http):
        with serving(settings, space.port):
            space.populate()
        fill(space, count)
        with serving(settings, space.port):
            counted(settings.database)
            yield space


def counted(database: str) -> None:
    """Wait until the gateway has counted its log by day, which it does as entries come."""
    with closing(Database(database)) as db:
        while True:
            with db.reading_tx() as tx:
                place = tx.execute("SELECT idx FROM log_tally_place").fetchone()[0]
                size = tx.execute("SELECT size FROM log_head").fetchone()[0]
            if size - place < tally.STEP:
                return
            sys.stderr.write(f"\rcounted {place:,} of {size:,}")
            time.sleep(1)


def people(space: Space, held: ExitStack) -> dict[str, Person]:
    made = People(space)
    held.callback(made.close)
    return {
        "officer": made.person(HOSPITAL, "officer").sign_in(),
        "researcher": made.person(PHARMA, "researcher").sign_in(),
    }


def seconds(person: Person, path: str) -> float:
    begin = time.perf_counter()
    answer: httpx2.Response = person.browser.get(path)
    taken = time.perf_counter() - begin
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return taken


def main(entries: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        spaces = [held.enter_context(filled(Path(folder) / name, n)) for name, n in (("s", SHORT), ("l", entries))]
        signed_in = [people(space, held) for space in spaces]
        ids: list[dict[str, Any]] = [
            {
                "dataset": s.datasets["csv"],
                "entry": s.entries(type="access.decision", outcome="deny", limit=1)[0]["entry"],
            }
            for s in spaces
        ]
        sys.stderr.write("\n")
        for role, paths in PAGES.items():
            for path in paths:
                taken: list[list[float]] = [[], []]
                for _ in range(rounds):
                    for n, who in enumerate(signed_in):
                        taken[n].append(seconds(who[role], path.format(**ids[n])))
                short, long = (statistics.median(some) for some in taken)
                print(f"{long / short:6.2f}  {short * 1e3:7.1f} ms  {long * 1e3:7.1f} ms  {role} {path}", flush=True)


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:]]
    main(*(given + [LONG, ROUNDS][len(given) :]))
