"""The beginning of a log: its schema, its empty head and its first entry, made once by `corridor init`.

A separate act, never done on the way: a gateway that finds no log refuses to start rather than begin a new one.
"""

from __future__ import annotations

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.merkle import EMPTY_ROOT, Frontier
from gateway.audit.note import NoteSigner
from gateway.db import Tx
from gateway.problems import Conflict


class LogExists(Conflict):
    slug, title = "log-exists", "There is a log here already"


def create_log(tx: Tx, signer: NoteSigner, *, bundle: str) -> None:
    """Write the signed head of an empty log and the state grants are judged against.

    Raises:
        LogExists: the database holds a log. It is never started anew.
    """
    if tx.execute("SELECT 1 FROM log_head WHERE id = 1").fetchone() is not None:
        raise LogExists("This database holds an audit log. Initialise another database.")
    note = signer.sign(Checkpoint(signer.name, 0, EMPTY_ROOT).text())
    head = (1, signer.name, 0, Frontier().to_bytes(), note)
    tx.execute("INSERT INTO log_head (id, origin, size, frontier, checkpoint) VALUES (?, ?, ?, ?, ?)", head)
    tx.execute("INSERT INTO gateway_state (id, epoch, bundle) VALUES (1, 1, ?)", (bundle,))
