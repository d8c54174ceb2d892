"""Makes the audit room's golden files: what a receipt and the two kinds of exports look like, to the byte.

Run it as a module to write them again: `python -m tests.vectors.make_audit`. `test_vectors.py` in the audit room's
tests runs it and compares. `audit.json` beside it holds published vectors and those of the format's description.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from gateway.audit.note import KeyType, parse_note
from gateway.audit.receipt import format_receipt
from gateway.audit.submission import Submission
from tests.audit.small_log import HOSPITAL, LOG, VECTORS, WITNESS, SmallLog, leaves, signer, small_log, split

HERE = Path(__file__).parent
OUTSIDER = signer("outsider.example/witness", 4, KeyType.COSIGNATURE)
POLICY = f"""# Whose cosignatures count for this log, and how many are needed.
log {LOG.verifier}
witness hospital {WITNESS.verifier} https://witness.hospital-a.example
witness outsider {OUTSIDER.verifier}
group both all hospital outsider
quorum both
"""


def cosigned(log: SmallLog) -> str:
    """The log's checkpoint with the lines of both witnesses."""
    note = parse_note(log.note())
    for witness in (WITNESS, OUTSIDER):
        note = witness.cosign(note, VECTORS["witness_time"])
    return note.format()


def golden() -> dict[str, bytes]:
    """File name to content."""
    log = small_log(9)
    return {
        "audit-range.jsonl": log.range(2, 6),
        "audit-party.jsonl": log.party(HOSPITAL),
        "audit-selection.jsonl": log.selection([1, 4, 5]),
        "audit-receipt.json": format_receipt(log.bodies[3], 3, log.tree().inclusion_proof(3), log.note()),
        "audit-receipt-cosigned.json": format_receipt(log.bodies[3], 3, log.tree().inclusion_proof(3), cosigned(log)),
        "audit-submission.txt": Submission(3, tuple(log.tree().consistency_proof(3)), log.note()).format(),
        "audit-witnesses.policy": POLICY.encode(),
    }


def long_run(size: int = 20_000, step: int = 7) -> str:
    """SHA-256 over the roots of every seventh size, by the recursive definition and nothing of the gateway's tree."""
    rows = [leaves(size)]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)])

    def root(begin: int, width: int) -> bytes:
        if width & (width - 1) == 0:  # perfect, so it is in the rows
            return rows[width.bit_length() - 1][begin // width]
        left = split(width)
        return sha256(b"\x01" + root(begin, left) + root(begin + left, width - left)).digest()

    run = sha256()
    for width in range(step, size + 1, step):
        run.update(root(0, width))
    return run.hexdigest()


if __name__ == "__main__":
    for name, content in golden().items():
        (HERE / name).write_bytes(content)
