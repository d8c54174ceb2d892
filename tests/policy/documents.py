"""Makers of valid policy inputs: a test states only what it is about."""

from __future__ import annotations

import copy
from typing import Any

HOSPITAL = "did:web:hospital.example"
PHARMA = "did:web:pharma.example"
DATASET = "urn:uuid:01920000-0000-7000-8000-000000000001"
CONTRACT = "urn:uuid:01920000-0000-7000-8000-000000000002"
VERSION = "sha256:" + "ab" * 32
NOW = 1_795_392_000

Document = dict[str, Any]


def party(did: str, **facts: Any) -> Document:
    """Facts of a participant, as enrolment gives them."""
    return {
        "id": did,
        "kind": "pharma",
        "country": "CN",
        "identity_verified": True,
        "for_profit": True,
        "public_body": False,
        "overseas_entity": False,
        "foreign_equity_pct": 0,
        "foreign_control": False,
        "ciio": False,
        "in_ftz": True,
        "mlps_level": 3,
        "persons_held": 5000,
        "security_officer": False,
        "blocked": False,
    } | facts


def purpose(**facts: Any) -> Document:
    """Drug discovery, as the purpose table gives its facts."""
    return {
        "id": "P05",
        "research": True,
        "health": True,
        "commercial": True,
        "methods": False,
        "ancestry": False,
        "genetic": False,
        "clinical_care": False,
        "disease_terms": [],
        "flags": [],
    } | facts


COLUMNS = [
    {"name": "subject_id", "type": "string", "role": "direct_identifier"},
    {"name": "patient_name", "type": "string", "role": "direct_identifier"},
    {"name": "age", "type": "integer", "role": "quasi_identifier"},
    {"name": "visit", "type": "date", "role": "quasi_identifier"},
    {"name": "result", "type": "string", "role": "sensitive"},
    {"name": "site", "type": "string", "role": "plain"},
]


def document() -> Document:
    """A request that is permitted: rows of a limited data set of level 3, in China, under a contract in force."""
    return copy.deepcopy(
        {
            "context": {"now": NOW},
            "participant": party(PHARMA),
            "user": {
                "id": "a-0123456789abcdef0123",
                "org_id": PHARMA,
                "roles": ["researcher"],
                "accessing_from": "CN-BJ",
                "secure_environment": False,
            },
            "provider": party(HOSPITAL, kind="hospital", for_profit=False, public_body=True),
            "dataset": {
                "id": DATASET,
                "version": VERSION,
                "origin": ["CN"],
                "identifiability": "limited",
                "contains": ["health"],
                "persons": 4200,
                "under_14": False,
                "classification": {"scheme": "GB/T 39725-2020", "level": 3},
                "source_level": 4,
                "deidentification_report": "doc-1",
                "core_data": False,
                "important_data": False,
                "hgr": None,
                "duo": [{"id": "DUO:0000006"}],
                "consent": None,
                "provenance_statement": "doc-77",
                "person_column": "subject_id",
                "columns": COLUMNS,
            },
            "contract": {
                "id": CONTRACT,
                "digest": "cd" * 32,
                "status": "active",
                "valid_from": NOW - 86_400,
                "valid_to": NOW + 86_400,
                "parties": [{"id": HOSPITAL, "role": "provider"}, {"id": PHARMA, "role": "consumer"}],
                "dataset": DATASET,
                "dataset_version": VERSION,
                "purposes": ["P02", "P05"],
                "actions": ["read", "aggregate"],
                "delivery_modes": ["M2", "M3", "M5"],
                "columns": ["subject_id", "age", "visit", "result", "site"],
                "processing_locations": ["CN-BJ"],
                "obligations": [],
                "prohibitions": ["reidentify", "distribute", "subprocess"],
                "clauses": ["cn_party_data_backup", "cn_party_full_participation", "ip_shared", "security_duties"],
                "price": "cost_recovery",
                "signatures": [
                    {"party": HOSPITAL, "alg": "Ed25519", "valid": True},
                    {"party": PHARMA, "alg": "ES256", "valid": True},
                ],
                "digest_ok": True,
            },
            "approvals": {
                "ethics": [],
                "hgr": [],
                "export": [],
                "pia": [],
                "risk_assessment": [],
                "permit": [],
                "committee": [],
            },
            "exports": {
                "year": 2026,
                "before": {"sensitive": 0, "other": 0},
                "after": {"sensitive": 4200, "other": 4200},
            },
            "request": {
                "action": "read",
                "mode": "M5",
                "purpose": purpose(),
                "processing_location": "CN-BJ",
                "recipient_overseas": False,
                "columns": ["age", "result"],
                "group_by": [],
                "filter_columns": [],
                "filter_digest": None,
                "months": None,
                "accepts": {"publish": False, "return_derived": False},
                "collaboration_ref": None,
                "project": None,
                "research_types": [],
            },
        }
    )


def consent(**facts: Any) -> Document:
    """What consents to the dataset's use say: enough for the valid document's request."""
    return {
        "basis": "consent",
        "separate": True,
        "recipients": [PHARMA],
        "purposes": ["P02", "P05"],
        "overseas": False,
        "guardian": None,
        "withdrawals_applied_at": NOW - 60,
        "sharing_clause": True,
    } | facts


def furnished() -> Document:
    """The valid document with all that the packs ask for beside: permitted also when every pack is on."""
    return changed(
        {
            "dataset.consent": consent(),
            "approvals.pia": [approval("PIA-1")],
            "approvals.ethics": [ethics_approval()],
        }
    )


def changed(changes: dict[str, Any], base: Document | None = None) -> Document:
    """The valid document with some places set: `{"contract.status": "revoked"}`; `...` takes the place away.

    A committee's decision that says nothing else is on this very use.
    """
    made = document() if base is None else copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = made
        for name in parents:
            node = node[name]
        if value is ...:
            del node[last]
        else:
            node[last] = value
    decisions = made.get("approvals", {}).get("committee")
    for decision in decisions if isinstance(decisions, list) else []:
        if isinstance(decision, dict) and decision.get("use") == use():
            decision["use"] = {name: made["request"].get(name) for name in use()}
    return made


def approval(ref: str, **facts: Any) -> Document:
    """What somebody approved of the valid document's request."""
    return {
        "ref": ref,
        "issuer": HOSPITAL,
        "country": "CN",
        "valid_from": NOW - 60,
        "valid_to": NOW + 60,
        "datasets": [DATASET],
        "recipients": [PHARMA],
        "purposes": ["P02", "P05", "P16"],
    } | facts


def ethics_approval(**facts: Any) -> Document:
    return approval("EC-1", **{"exempt": False} | facts)


def genetic_approval(kind: str, **facts: Any) -> Document:
    """What the health authority approved."""
    return approval("R-1", **{"kind": kind, "backup_submitted": True, "purposes": ["P02", "P05", "P08"]} | facts)


def genetic(**facts: Any) -> Document:
    """Facts of 480 sequenced exomes, nothing else about them."""
    return {
        "information": True,
        "seq": "exome",
        "persons": 480,
        "important_pedigree": False,
        "specific_region": False,
        "other_trigger": False,
    } | facts


def export_approval(**facts: Any) -> Document:
    """An export mechanism, were the request from abroad."""
    return approval("XB-1", **{"mechanism": "scc"} | facts)


def data_permit(**facts: Any) -> Document:
    """A European data permit, were the data European."""
    return approval("DP-1", **facts)


def use(**facts: Any) -> Document:
    """What the valid document's request says of itself, as a committee was shown it."""
    request = document()["request"]
    names = ("purpose", "filter_digest", "months", "accepts", "collaboration_ref", "project", "research_types")
    return {name: request[name] for name in names} | facts


def committee_decision(*codes: str, **facts: Any) -> Document:
    """A decision of the data access committee on these codes, however the data is used."""
    granted = {
        "rules": list(codes),
        "contract": CONTRACT,
        "use": use(),
        "actions": ["read", "aggregate", "compute", "label", "train"],
        "modes": ["M0", "M1", "M2", "M3", "M4", "M5", "M6"],
        "columns": [column["name"] for column in COLUMNS],
        "obligations": [],
        "purposes": ["P02", "P05", "P16"],
    }
    return approval("DAC-1", **granted | facts)


IN_ENCLAVE: Document = {
    "request.mode": "M4",
    "contract.delivery_modes": ["M4"],
    "user.secure_environment": True,
}
"""Rows in the enclave, which they do not leave."""

EUROPEAN: Document = IN_ENCLAVE | {
    "dataset.origin": ["DE"],
    "request.columns": ["result", "site"],
    "approvals.permit": [data_permit()],
    "approvals.committee": [committee_decision("EHDS-05", "GDPR-02")],
}
"""Pseudonymised data of European origin, with what European law asks for."""

DOUBTFUL: Document = EUROPEAN | {
    "request.purpose.id": "P16",
    "contract.purposes": ["P16", "P05"],
    "dataset.consent": consent(purposes=["P16", "P05"]),
    "approvals.ethics": [ethics_approval(purposes=["P16", "P05"])],
    "approvals.permit": [data_permit(purposes=["P16", "P05"])],
    "approvals.committee": [committee_decision("EHDS-01", "EHDS-05", "GDPR-02", "GEN-13")],
}
"""The same, for a purpose that European law may not mean, which a committee has decided on."""


EXEMPT: Document = {
    "user.accessing_from": "DE",
    "approvals.export": [export_approval(mechanism="exempt_staff")],
    "dataset.consent": consent(overseas=True),
}
"""What makes of a request one from abroad that is said to be exempt."""
