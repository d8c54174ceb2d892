"""Generated inputs: valid by the schema, most near the line between permit and refusal."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.policy.documents import (
    COLUMNS,
    DATASET,
    DOUBTFUL,
    EUROPEAN,
    HOSPITAL,
    NOW,
    PHARMA,
    committee_decision,
    consent,
    data_permit,
    document,
    ethics_decision,
    export_approval,
)

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

_DATASETS = [DATASET, DATASET[:-1] + "9"]
DAY, YEAR = 86_400, 31_536_000
_consents = st.none() | st.builds(
    consent,
    basis=st.sampled_from(
        [None, "consent", "consent", "statute", "public_interest", "contract", "public_data", "habit"]
    ),
    separate=_booleans,
    recipients=some([PHARMA, STRANGER], 2),
    purposes=some(["P02", "P05", "P06"], 3),
    guardian=st.sampled_from([None, False, True]),
    withdrawals_applied_at=st.none() | st.integers(NOW - DAY - 1, NOW - DAY + 1) | st.integers(NOW - 1, NOW + 1),
)
_terms = {"valid_from": st.integers(NOW - 2, NOW + 1), "valid_to": st.integers(NOW - 1, NOW + 2)}
_ethics = st.none() | st.builds(
    ethics_decision, datasets=some(_DATASETS, 2), purposes=some(["P02", "P05"], 2), exempt=_booleans, **_terms
)
_permits = st.none() | st.builds(
    data_permit, dataset=st.sampled_from(_DATASETS), purposes=some(["P02", "P05"], 2), **_terms
)
_committees = st.none() | st.builds(
    lambda codes, **term: committee_decision(*codes, **term),
    some(["EHDS-01", "EHDS-03", "EHDS-05", "GDPR-02", "GDPR-03", "PIPL-06", "PIPL-10"], 5),
    **_terms,
)


def _dated(ref: str, limit: int) -> st.SearchStrategy[Any]:
    """Nothing, or a report of about now, or of about the age at which it no longer counts."""
    dates = st.integers(NOW - 1, NOW + 1) | st.integers(NOW - limit - 1, NOW - limit + 1)
    return st.none() | st.builds(lambda date: {"ref": ref, "date": date}, dates)


PLACES_OF: dict[str, st.SearchStrategy[Any]] = {
    "context.now": st.integers(NOW - 90_000, NOW + 90_000) | st.sampled_from([0, NOW - 86_400, NOW + 86_400]),
    "participant.id": st.sampled_from([PHARMA, HOSPITAL, STRANGER]),
    "participant.identity_verified": _booleans,
    "participant.blocked": _booleans,
    "participant.for_profit": _booleans,
    "participant.public_body": _booleans,
    "participant.mlps_level": st.integers(0, 5),
    "provider.id": st.sampled_from([HOSPITAL, STRANGER]),
    "provider.identity_verified": _booleans,
    "provider.blocked": _booleans,
    "provider.ciio": _booleans,
    "user.org_id": st.sampled_from([PHARMA, HOSPITAL]),
    "user.accessing_from": st.sampled_from(PLACES),
    "user.secure_environment": _booleans,
    "dataset.version": st.sampled_from([document()["dataset"]["version"], "sha256:" + "00" * 32]),
    "dataset.origin": st.lists(st.sampled_from(["CN", "DE", "NO", "US"]), min_size=1, max_size=3),
    "dataset.identifiability": st.sampled_from(["identified", "deidentified", "limited", "anonymised", "aggregate"]),
    "dataset.classification": st.none()
    | st.builds(
        lambda scheme, level: {"scheme": scheme, "level": level},
        st.sampled_from(["GB/T 39725-2020", "GB/T 39725-2020", "other"]),
        st.integers(1, 7),
    ),
    "dataset.source_level": st.integers(1, 5),
    "dataset.deidentification_report": st.sampled_from([None, "doc-1"]),
    "dataset.contains": some(["health", "genetic", "location", "other", "other"], 2),
    "dataset.under_14": _booleans,
    "dataset.consent": _consents,
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
    "approvals.ethics": _ethics,
    "approvals.pia": _dated("PIA-1", YEAR),
    "approvals.risk_assessment": _dated("RA-1", YEAR),
    "approvals.permit": _permits,
    "approvals.committee": _committees,
    "request.action": st.sampled_from(["read", "aggregate", "compute", "label", "train"]),
    "request.mode": st.sampled_from(["M0", "M1", "M2", "M3", "M4", "M5", "M6"]),
    "request.purpose.id": st.sampled_from(["P01", "P02", "P05", "P16", "P18", "P23", "X01", "X04", "X06"]),
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

IN_PLACE = {"request.action": "aggregate", "request.mode": "M3"}
# Changes that leave a permit a permit, so that enough of what is generated is one.
HARMLESS: list[dict[str, Any]] = [
    {},
    {"request.columns": NAMES, "contract.columns": NAMES},
    IN_PLACE | {"request.columns": [], "request.group_by": ["age", "site"]},
    {"dataset.duo": [{"id": "DUO:0000004"}], "dataset.classification": {"scheme": "GB/T 39725-2020", "level": 1}},
    {"user.accessing_from": "DE", "approvals.export": export_approval(mechanism="assessment")},
    EUROPEAN,
    DOUBTFUL,
    EUROPEAN
    | {"user.accessing_from": "FR", "request.processing_location": "DE"}
    | {"contract.processing_locations": ["DE"], "approvals.committee": committee_decision("EHDS-05")},
    IN_PLACE | {"dataset.important_data": True, "approvals.risk_assessment": {"ref": "RA-1", "date": NOW - DAY}},
    IN_PLACE | {"dataset.identifiability": "identified", "approvals.committee": committee_decision("PIPL-10")},
    {"dataset.under_14": True, "dataset.consent": consent(guardian=True)},
    {"dataset.consent": consent(basis="statute", separate=False, recipients=[], purposes=[])},
    {
        "dataset.duo": [{"id": "DUO:0000007", "disease_terms": ["MONDO:0004992"]}, {"id": "DUO:0000015"}],
        "request.purpose.disease_terms": ["MONDO:0008903"],
        "request.purpose.methods": True,
    },
]

# Rules that look at several places at once would seldom speak, were each place drawn as often as any other.
OFTEN = [
    "approvals.ethics",
    "dataset.consent",
    "dataset.identifiability",
    "dataset.origin",
    "dataset.version",
    "participant.mlps_level",
    "request.purpose.flags",
    "request.purpose.id",
]
DRAWN = [*sorted(PLACES_OF), *3 * OFTEN]


def _set(made: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    node = made
    for name in parents:
        node = node[name]
    node[last] = copy.deepcopy(value)


@st.composite
def inputs(draw: st.DrawFn, valid: Callable[[], dict[str, Any]] = document, most: int = 3) -> dict[str, Any]:
    """A valid document with a harmless variation and up to `most` places drawn anew; often none."""
    made = valid()
    for path, value in draw(st.sampled_from(HARMLESS)).items():
        _set(made, path, value)
    for path in draw(st.lists(st.sampled_from(DRAWN), max_size=most, unique=True)):
        _set(made, path, draw(PLACES_OF[path]))
    return made
