"""How long the inputs of decisions are kept. They lie beside the log: when they go, every entry and proof stays.

Source: health-data-rules.md, retention (three years at least for provision, entrusting and impact assessments).
"""

from __future__ import annotations

from gateway.audit.deed import Deed
from gateway.audit.log import Outcome, Record
from gateway.clock import instant
from gateway.db import Tx
from gateway.ids import uuid7_floor

YEAR_S = 366 * 24 * 3600
AT_ONCE = 1000
"""Erased in one transaction: the writer has others waiting."""


def erase_old_inputs(tx: Tx, deed: Deed, *, years: int, operator: str) -> Outcome:
    """Erase inputs of decisions older than so many years, AT_ONCE at most; the value is how many there were.

    What was erased cannot be replayed or explained any more; that it was is an entry.
    """
    before = deed.at - years * YEAR_S
    # An entry's id begins with its time, so the oldest come first.
    sql = "SELECT entry FROM decision_input WHERE entry < ? ORDER BY entry LIMIT ?"
    old = [row[0] for row in tx.execute(sql, (uuid7_floor(before), AT_ONCE)).fetchall()]
    if not old:
        return Outcome((), 0)
    tx.execute("DELETE FROM decision_input WHERE entry <= ?", (old[-1],))
    facts = {"kind": "decision-input", "count": len(old), "first": old[0], "last": old[-1], "before": instant(before)}
    return Outcome((Record(deed.event("record.erased", facts=facts), (operator,)),), len(old))
