"""Makes the golden decisions: run `python -m tests.policy.golden` after a change of policy that is meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.policy.decision import Decision
from gateway.policy.engine import Engine
from tests.policy.documents import changed, export_approval
from tests.policy.engines import decided

GOLDEN = Path(__file__).with_name("golden.json")

CASES: dict[str, dict[str, Any]] = {
    "rows of a limited data set": {},
    "everything the contract lists": {"request.columns": ["subject_id", "age", "visit", "result", "site"]},
    "counts by age": {"request.action": "aggregate", "request.mode": "M3", "request.columns": ["age"]}
    | {"request.group_by": ["age"]},
    "abroad with an approval": {"user.accessing_from": "DE", "approvals.export": [export_approval()]},
    "purpose not in the contract": {"request.purpose.id": "P06"},
    "recipient abroad": {"request.recipient_overseas": True},
    "kept abroad": {"request.processing_location": "US-CA"},
    "contract revoked": {"contract.status": "revoked"},
    "contract over": {"contract.valid_to": 1},
    "no signatures": {"contract.signatures": []},
    "marketing": {"request.purpose.id": "X01", "contract.purposes": ["X01"]},
    "ancestry on health data": {"request.purpose.ancestry": True},
    "commerce with non-commercial data": {"dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000046"}]},
    "a condition nobody can decide": {"dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000001"}]},
    "conditions that are met": {
        "dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000019"}, {"id": "DUO:0000025", "months": 12}],
        "request.accepts.publish": True,
        "request.months": 6,
    },
    "no ethics approval": {"dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000021"}]},
    "a sensitive purpose": {"request.purpose.flags": ["vulnerable"]},
    "level five": {"dataset.classification.level": 5, "request.mode": "M3", "request.action": "aggregate"},
    "level three, not limited": {"dataset.identifiability": "deidentified"},
    "not classified": {"dataset.classification": None},
    "blocked and unverified": {"participant.blocked": True, "participant.identity_verified": False},
    "everything at once": {
        "contract.status": "expired",
        "contract.purposes": [],
        "dataset.core_data": True,
        "dataset.classification.level": 5,
        "request.purpose.flags": ["paediatric"],
        "user.accessing_from": "US",
    },
    "not of the published form": {"contract.status": "lively"},
}


def shown(decision: Decision) -> dict[str, Any]:
    """The decision without the bundle's digest, which changes with every comment."""
    made: dict[str, Any] = json.loads(decision.as_bytes())
    del made["bundle"]
    return made


def made(engine: Engine | None = None) -> dict[str, Any]:
    return {name: shown(decided(changed(changes), engine)) for name, changes in CASES.items()}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(made(), indent=1, sort_keys=True) + "\n", "utf-8")
