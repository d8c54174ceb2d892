"""What of the log leaves the gateway to prove something elsewhere: receipts and exports, the same for every face."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Literal, get_args

import orjson
from starlette.responses import Response

from gateway.acting import Acting
from gateway.audit import cosigned, reader
from gateway.audit.export import Opening, Row, export_range, export_selection
from gateway.audit.fhir import MEDIA_TYPE as FHIR_NDJSON
from gateway.audit.fhir import audit_event
from gateway.audit.flat import csv_lines, json_lines
from gateway.audit.reader import Filter, Stored
from gateway.audit.receipt import MEDIA_TYPE as RECEIPT
from gateway.audit.receipt import format_receipt
from gateway.audit.tiles import TreeView
from gateway.clock import instant
from gateway.db import Tx
from gateway.identity.caller import AgentRole, Caller
from gateway.problems import NotFound, WrongState
from gateway.runtime import Runtime
from gateway.streams import Spool, SpoolResponse

COSIGNED_IN_S: Final = 3.0
LAST: Final = 2**53 - 1
LOOKED_THROUGH: Final = 10_000
"""Later entries under the same contract: an end comes long before."""
ENDS: Final = ("data.transfer.completed", "data.transfer.broken_off")


class NotEnded(WrongState):
    """No entry says yet how a delivery ended."""

    slug, title = "not-ended", "The delivery has not ended"


Format = Literal["corridor", "csv", "ndjson", "fhir"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
MEDIA_TYPES: Final[dict[Format, str]] = {
    "corridor": "application/vnd.corridor.export+jsonl",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "fhir": FHIR_NDJSON,
}


def receipt(entry: str, acting: Acting, gateway: Runtime) -> Response:
    """An entry's exact bytes with the proof that the log holds them. The look is an entry.

    Raises:
        NotFound: there is none that the caller may see.
    """
    with gateway.db.reading_tx() as tx:
        found = reader.entry_by_id(tx, entry, seen_by=acting.caller.sees)
    acting.look("audit.read", Filter(), int(found is not None))
    if found is None:
        raise NotFound
    with gateway.db.reading_tx() as tx:
        key, policy = gateway.home.log.verifier, gateway.collector.policy
        note, checkpoint = cosigned.covering(tx, key, policy, found.index)
        proof = reader.inclusion(tx, found.index, checkpoint.size)
    headers = {"content-disposition": f'attachment; filename="receipt-{found.index}.json"'}
    return Response(format_receipt(found.body, found.index, proof, note), media_type=RECEIPT, headers=headers)


def receipt_of_end(entry: str, acting: Acting, gateway: Runtime) -> Response:
    """The same of the entry that says how a delivery ended: by it, whoever got the data knows that it is what left.

    Raises:
        NotFound: the caller may see no such entry. NotEnded: it grants nothing, or nothing says yet that it ended.
    """
    sees = acting.caller.sees
    with gateway.db.reading_tx() as tx:
        found = reader.entry_by_id(tx, entry, seen_by=sees)
        if found is None:
            raise NotFound
        record = found.record()
        ended = None
        if (record["event"]["type"], record["event"]["outcome"]) == ("access.decision", "permit"):
            later = islice(_later(tx, found.index, record["contract"]["id"], sees), LOOKED_THROUGH)
            ended = next((one.id for one in later if _ends(one.record(), entry)), None)
    if ended is None:
        raise NotEnded("The delivery is under way, or nothing was granted. Try again once it has ended.")
    return receipt(ended, acting, gateway)


def _later(tx: Tx, after: int, contract: str, sees: str | None) -> Iterator[Stored]:
    filter = Filter(contract=contract)
    while page := reader.entries(tx, seen_by=sees, filter=filter, after=after, before=LAST, limit=reader.PAGE):
        yield from page
        after = page[-1].index


def _ends(record: dict[str, Any], grant: str) -> bool:
    return record["prior"] == grant and record["event"]["type"] in ENDS


def export(acting: Acting, gateway: Runtime, filter: Filter, format: Format, *, after: int = -1) -> SpoolResponse:
    """The entries that the caller may see and that fit, as a file; `after` an index, where a flat one goes on.

    Without filters: the operator's officer gets every entry, a participant's officer its own with what opens its
    running number in each, which proves that none is left out. Only `corridor` proves anything. The export is an entry.

    Raises:
        RoleNeeded. Busy: too many exports are running.
    """
    acting.caller.need(AgentRole.OFFICER, AgentRole.OPERATOR)
    spool = Spool(gateway.settings.home / "scratch")
    try:
        acting.look("audit.exported", filter, None)
        if format == "corridor":
            spool.write(_export_lines(gateway, acting.caller, filter, covering=_await_witnesses(gateway)))
        else:
            spool.write(_flat_lines(gateway, acting.caller, filter, format, after))
    except BaseException:
        spool.close()
        raise
    return SpoolResponse(spool, MEDIA_TYPES[format])


def _await_witnesses(gateway: Runtime) -> int:
    """How much an export must cover: all that is recorded by now. Its witnesses get a moment to cosign that."""
    with gateway.db.reading_tx() as tx:
        _, now = reader.head(tx, gateway.home.log.verifier)
    gateway.collector.wait_for(now.size, COSIGNED_IN_S)
    return now.size


def _export_lines(gateway: Runtime, caller: Caller, filter: Filter, *, covering: int) -> Iterator[bytes]:
    """The export, under one checkpoint and in one transaction: write it away, and let nobody wait for its reader."""
    signer, made_at = gateway.home.log, instant(gateway.clock())
    own = caller.sees
    with gateway.db.reading_tx() as tx:
        note, head = cosigned.covering(tx, signer.verifier, gateway.collector.policy, covering - 1)
        tree = TreeView(head.size, reader.tile_reader(tx))
        if filter.given():
            rows = (Row(stored.index, stored.body) for stored in _ascending(tx, own, filter, head.size))
            yield from export_selection(
                rows, checkpoint=note, tree=tree, signer=signer, made_at=made_at, filter=filter.given()
            )
        elif own is None:
            bodies = (stored.body for stored in reader.all_entries(tx, begin=0, end=head.size))
            yield from export_range(bodies, 0, head.size, checkpoint=note, tree=tree, signer=signer, made_at=made_at)
        else:
            rows = (
                Row(stored.index, stored.body, Opening(opening.seq, opening.prev, opening.salt))
                for stored, opening in reader.party_entries(tx, own, size=head.size)
            )
            yield from export_selection(rows, checkpoint=note, tree=tree, signer=signer, made_at=made_at, party=own)


def _flat_lines(gateway: Runtime, caller: Caller, filter: Filter, format: Format, after: int) -> Iterator[bytes]:
    home = gateway.home
    with gateway.db.reading_tx() as tx:
        _, head = reader.head(tx, home.log.verifier)
        found = _ascending(tx, caller.sees, filter, head.size, after)
        if format == "csv":
            yield from csv_lines(found, header=after < 0)
        elif format == "ndjson":
            yield from json_lines(found)
        else:
            for stored in found:
                resource = audit_event(
                    stored.record(), index=stored.index, leaf=stored.leaf, origin=home.origin, gateway=home.public_url
                )
                yield orjson.dumps(resource) + b"\n"


def _ascending(tx: Tx, seen_by: str | None, filter: Filter, size: int, after: int = -1) -> Iterator[Stored]:
    while page := reader.entries(tx, seen_by=seen_by, filter=filter, before=size, after=after, limit=reader.PAGE):
        yield from page
        after = page[-1].index
