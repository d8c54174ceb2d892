"""Generated inputs: valid by the schema, most near the line between permit and refusal."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.policy.documents import COLUMNS, HOSPITAL, NOW, PHARMA, document, export_approval

STRANGER = "did:web:stranger.example"
NAMES = [column["name"] for column in COLUMNS]
PLACES = ["CN", "CN-BJ", "CN-SH", "US", "US-CA", "DE", "CNX"[:2] + "-X"]
TERMS = ["MONDO:0004992", "MONDO:0008903", "MONDO:0005148", "MONDO:0005233", "MONDO:9999999"]
CODES = [f"DUO:{n:07}" for n in (1, 4, 6, 7, 11, 15, 16, 18, 21, 42, 43, 44, 45, 46)] + ["DUO:00000044", "DUO:9999999"]
PARTIES = document()["contract"]["parties"]
SIGNATURES = document()["contract"]["signatures"]


def some(values: list[Any], most: int = 4) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=most)


_booleans = st.booleans()
_tags = st.builds(
    lambda code, terms: {"id": code} | ({"disease_terms": terms} if terms is not None else {}),
    st.sampled_from(CODES),
    st.none() | some(TERMS, 2),
)
_columns = st.lists(
    st.builds(
        lambda name, kind, role: {"name": name, "type": kind, "role": role},
        st.sampled_from(NAMES),
        st.sampled_from(["string", "integer", "number", "boolean", "date", "datetime"]),
        st.sampled_from(["direct_identifier", "quasi_identifier", "sensitive", "plain"]),
    ),
    min_size=1,
    max_size=8,
)
_approvals = st.none() | st.builds(
    lambda mechanism, recipient, purposes, start, end: export_approval(
        mechanism=mechanism, recipient=recipient, purposes=purposes, valid_from=NOW + start, valid_to=NOW + end
    ),
    st.sampled_from(["assessment", "scc", "certification"]),
    st.sampled_from([PHARMA, STRANGER]),
    some(["P02", "P05"]),
    st.integers(-2, 1),
    st.integers(-1, 2),
)

PLACES_OF: dict[str, st.SearchStrategy[Any]] = {
    "context.now": st.integers(NOW - 90_000, NOW + 90_000) | st.sampled_from([0, NOW - 86_400, NOW + 86_400]),
    "participant.id": st.sampled_from([PHARMA, HOSPITAL, STRANGER]),
    "participant.identity_verified": _booleans,
    "participant.blocked": _booleans,
    "participant.for_profit": _booleans,
    "provider.id": st.sampled_from([HOSPITAL, STRANGER]),
    "provider.identity_verified": _booleans,
    "provider.blocked": _booleans,
    "provider.ciio": _booleans,
    "user.org_id": st.sampled_from([PHARMA, HOSPITAL]),
    "user.accessing_from": st.sampled_from(PLACES),
    "user.secure_environment": _booleans,
    "dataset.version": st.sampled_from([document()["dataset"]["version"], "sha256:" + "00" * 32]),
    "dataset.origin": st.lists(st.sampled_from(["CN", "DE", "US"]), min_size=1, max_size=3),
    "dataset.identifiability": st.sampled_from(["identified", "deidentified", "limited", "anonymised", "aggregate"]),
    "dataset.classification": st.none()
    | st.builds(
        lambda scheme, level: {"scheme": scheme, "level": level},
        st.sampled_from(["GB/T 39725-2020", "GB/T 39725-2020", "other"]),
        st.integers(1, 7),
    ),
    "dataset.source_level": st.integers(1, 5),
    "dataset.deidentification_report": st.sampled_from([None, "doc-1"]),
    "dataset.core_data": _booleans,
    "dataset.important_data": _booleans,
    "dataset.duo": st.lists(_tags, max_size=4),
    "dataset.provenance_statement": st.sampled_from([None, "doc-77"]),
    "dataset.person_column": st.sampled_from([None, *NAMES]),
    "dataset.columns": _columns,
    "contract.status": st.sampled_from(["active", "revoked", "suspended", "expired"]),
    "contract.digest_ok": _booleans,
    "contract.valid_from": st.integers(NOW - 2, NOW + 1),
    "contract.valid_to": st.integers(NOW - 1, NOW + 2),
    "contract.parties": some([*PARTIES, {"id": STRANGER, "role": "consumer"}], 3),
    "contract.signatures": some([*SIGNATURES, {"party": STRANGER, "alg": "ES256", "valid": True}], 3)
    | st.just([{**SIGNATURES[0], "valid": False}, SIGNATURES[1]]),
    "contract.purposes": some(["P02", "P05", "P06", "X01"]),
    "contract.actions": some(["read", "aggregate", "compute", "label", "train"]),
    "contract.delivery_modes": some(["M0", "M1", "M2", "M3", "M4", "M5", "M6"]),
    "contract.columns": some(NAMES, 6),
    "contract.processing_locations": some(PLACES),
    "approvals.export": _approvals,
    "request.action": st.sampled_from(["read", "aggregate", "compute", "label", "train"]),
    "request.mode": st.sampled_from(["M0", "M1", "M2", "M3", "M4", "M5", "M6"]),
    "request.purpose.id": st.sampled_from(["P01", "P02", "P05", "P23", "X01", "X04", "X06"]),
    **{
        f"request.purpose.{fact}": _booleans
        for fact in ("research", "health", "commercial", "methods", "ancestry", "genetic", "clinical_care")
    },
    "request.purpose.disease_terms": some(TERMS, 3),
    "request.purpose.flags": some(["control_set", "vulnerable"], 2),
    "request.processing_location": st.sampled_from(PLACES),
    "request.recipient_overseas": _booleans,
    "request.columns": some(NAMES),
    "request.group_by": some(NAMES, 2),
    "request.filter_columns": some(NAMES, 2),
}

# Changes that leave a permit a permit, so that enough of what is generated is one.
HARMLESS: list[dict[str, Any]] = [
    {},
    {"request.columns": NAMES, "contract.columns": NAMES},
    {"request.action": "aggregate", "request.mode": "M3", "request.columns": [], "request.group_by": ["age", "site"]},
    {"dataset.duo": [{"id": "DUO:0000004"}], "dataset.classification": {"scheme": "GB/T 39725-2020", "level": 1}},
    {"user.accessing_from": "DE", "approvals.export": export_approval(mechanism="assessment")},
    {
        "dataset.duo": [{"id": "DUO:0000007", "disease_terms": ["MONDO:0004992"]}, {"id": "DUO:0000015"}],
        "request.purpose.disease_terms": ["MONDO:0008903"],
        "request.purpose.methods": True,
    },
]


def _set(made: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    node = made
    for name in parents:
        node = node[name]
    node[last] = copy.deepcopy(value)


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, Any]:
    """A valid document with a harmless variation and up to three places drawn anew; often none."""
    made = document()
    for path, value in draw(st.sampled_from(HARMLESS)).items():
        _set(made, path, value)
    for path in draw(st.lists(st.sampled_from(sorted(PLACES_OF)), max_size=3, unique=True)):
        _set(made, path, draw(PLACES_OF[path]))
    return made
