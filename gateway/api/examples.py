"""Bodies that pass, as the published description shows them: a hospital, an agent, a dataset, an offer."""

from __future__ import annotations

from typing import Any

DATASET = "urn:uuid:019a0000-0000-7000-8000-000000000001"
OFFER = "urn:uuid:019a0000-0000-7000-8000-000000000002"
CONTRACT_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
AGENT_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}

AGENT: dict[str, Any] = {"label": "first researcher", "roles": ["researcher"], "location": "CN-BJ", "key": AGENT_KEY}

ADMISSION: dict[str, Any] = {
    "id": "did:web:hospital.example",
    "name": "Hospital",
    "facts": {"kind": "hospital", "country": "CN", "identity_verified": True, "for_profit": False, "public_body": True},
    "contract_key": {"kid": "did:web:hospital.example#contract-1", "key": CONTRACT_KEY},
    "first_agent": AGENT | {"label": "administrator", "roles": ["admin"]},
}

REGISTRATION: dict[str, Any] = {
    "metadata": {
        "title": "Visits to a clinic",
        "description": "Every visit of a year, with age, sex and result.",
        "keyword": ["visit"],
        "health_category": ["Infectious diseases"],
        "licence": "CC0",
    },
    "source": {"kind": "csv", "path": "visits.csv"},
    "columns": [
        {"name": "subject_id", "type": "integer", "role": "direct_identifier"},
        {"name": "age", "type": "integer", "role": "quasi_identifier"},
        {"name": "result", "type": "string", "role": "sensitive"},
    ],
    "person_column": "subject_id",
    "governance": {
        "origin": ["CN"],
        "identifiability": "limited",
        "contains": ["health"],
        "persons": 4200,
        "under_14": False,
        "classification": {"scheme": "GB/T 39725-2020", "level": 3},
        "source_level": 4,
        "deidentification_report": "report-7",
        "duo": [{"id": "DUO:0000042"}],
        "consent": {"basis": "statute"},
        "provenance_statement": "statement-7",
    },
    "visibility": {"kinds": ["pharma", "research_institute"]},
}

OFFERED: dict[str, Any] = {
    "dataset": DATASET,
    "consumer": "did:web:pharma.example",
    "terms": {
        "actions": ["read", "aggregate"],
        "purposes": ["P05"],
        "delivery_modes": ["M3", "M5"],
        "columns": ["subject_id", "age", "result"],
        "processing_locations": ["CN-BJ"],
        "valid_from": 1795392000,
        "valid_to": 1826928000,
        "uses": 100,
        "rows": 20000,
        "duties": [{"kind": "generalise", "column": "age", "method": "band", "width": 10}],
        "prohibitions": ["reidentify", "distribute"],
    },
}

ACCEPTED: dict[str, Any] = {"offer": OFFER}

SIGNATURE: dict[str, Any] = {
    "protected": "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiZGlkOndlYjpob3NwaXRhbC5leGFtcGxlI2NvbnRyYWN0LTEifQ",
    "signature": "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
}

SIGNED: dict[str, Any] = {"payload": "eyJ2ZXIiOjF9", **SIGNATURE}

BROUGHT_KEY: dict[str, Any] = {"request": SIGNED, "endorsement": SIGNED}
