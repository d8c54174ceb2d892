"""Generated inputs: valid by the schema, most near the line between permit and refusal."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from tests.policy.documents import (
    COLUMNS,
    CONTRACT,
    DATASET,
    DOUBTFUL,
    EUROPEAN,
    EXEMPT,
    HOSPITAL,
    IN_ENCLAVE,
    NOW,
    PHARMA,
    approval,
    committee_decision,
    consent,
    data_permit,
    document,
    ethics_approval,
    export_approval,
    genetic,
    genetic_approval,
)

STRANGER = "did:web:stranger.example"
NAMES = [column["name"] for column in COLUMNS]
PLACES = ["CN", "CN-BJ", "CN-SH", "US", "US-CA", "DE", "CNX"[:2] + "-X"]
TERMS = ["MONDO:0004992", "MONDO:0008903", "MONDO:0005148", "MONDO:0005233", "MONDO:9999999"]
NUMBERS = (1, 4, 6, 7, 11, 12, 15, 16, 18, 19, 20, 21, 22, 24, 25, 26, 27, 28, 29, 42, 43, 44, 45, 46)
CODES = [*(f"DUO:{n:07}" for n in NUMBERS), "DUO:00000044", "DUO:9999999"]
PARTIES = document()["contract"]["parties"]
CLAUSES = document()["contract"]["clauses"]
SIGNATURES = document()["contract"]["signatures"]


def some(values: list[Any], most: int = 4) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=most)


_booleans = st.booleans()
_tags = st.builds(
    lambda code, terms, more: {"id": code} | ({"disease_terms": terms} if terms is not None else {}) | more,
    st.sampled_from(CODES),
    st.none() | some(TERMS, 2),
    st.fixed_dictionaries(
        {},
        optional={
            "types": some(["cohort", "trial"], 2),
            "regions": some(PLACES, 2),
            "date": st.just("2027-06-30"),
            "months": st.integers(1, 3),
            "users": some([document()["user"]["id"], "a-other"], 2),
            "projects": some(["PRJ-1", "PRJ-2"], 2),
            "institutions": some([PHARMA, STRANGER], 2),
        },
    ),
)
_dataset_ids = st.sampled_from([DATASET, DATASET[:-1] + "9"])
_genetic_approvals = st.lists(
    st.builds(
        lambda kind, party, dataset, backup: genetic_approval(
            kind, recipients=[party], datasets=[dataset], backup_submitted=backup
        ),
        st.sampled_from(["prior_report", "cooperation_approval", "trial_filing", "security_review"]),
        st.sampled_from([PHARMA, STRANGER]),
        _dataset_ids,
        _booleans,
    ),
    max_size=4,
)
_genetic = st.none() | st.builds(
    lambda seq, persons, facts: genetic(seq=seq, persons=persons, **facts),
    st.sampled_from(["none", "panel", "exome", "genome", None]),
    st.sampled_from([0, 500, 501]),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("information", "important_pedigree", "specific_region", "other_trigger"), _booleans),
    ),
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
_approvals = st.lists(
    st.builds(
        lambda mechanism, recipient, purposes, start, end: export_approval(
            mechanism=mechanism, recipients=[recipient], purposes=purposes, valid_from=NOW + start, valid_to=NOW + end
        ),
        st.sampled_from(["assessment", "scc", "certification", "exempt_contract", "exempt_emergency"]),
        st.sampled_from([PHARMA, STRANGER]),
        some(["P02", "P05"]),
        st.integers(-2, 1),
        st.integers(-1, 2),
    ),
    max_size=2,
)

_DATASETS = [DATASET, DATASET[:-1] + "9"]
DAY, YEAR = 86_400, 31_536_000
_consents = st.none() | st.builds(
    consent,
    basis=st.sampled_from(
        [None, "consent", "consent", "statute", "public_interest", "contract", "public_data", "habit"]
    ),
    separate=_booleans,
    overseas=_booleans,
    recipients=some([PHARMA, STRANGER], 2),
    purposes=some(["P02", "P05", "P06"], 3),
    guardian=st.sampled_from([None, False, True]),
    sharing_clause=st.sampled_from([None, False, True, True]),
    withdrawals_applied_at=st.none() | st.integers(NOW - DAY - 1, NOW - DAY + 1) | st.integers(NOW - 1, NOW + 1),
)
_terms = {"valid_from": st.integers(NOW - 2, NOW + 1), "valid_to": st.integers(NOW - 1, NOW + 2)}
_ethics = st.lists(
    st.builds(
        ethics_approval,
        datasets=some(_DATASETS, 2),
        purposes=some(["P02", "P05"], 2),
        country=st.sampled_from(["CN", "DE"]),
        exempt=_booleans,
        **_terms,
    ),
    max_size=2,
)
_permits = st.lists(
    st.builds(
        data_permit,
        datasets=some(_DATASETS, 2),
        recipients=some([PHARMA, STRANGER], 2),
        purposes=some(["P02", "P05"], 2),
        **_terms,
    ),
    max_size=2,
)
_committees = st.lists(
    st.builds(
        lambda codes, scope, term: committee_decision(*codes, **scope, **term),
        some(
            [
                *(
                    "DUO-12",
                    "DUO-24",
                    "DUO-90",
                    "DUO-99",
                    "EHDS-01",
                    "EHDS-03",
                    "EHDS-05",
                    "EHDS-08",
                    "ETH-03",
                    "ETH-04",
                    "GB-04",
                ),
                *("GDPR-02", "GDPR-03", "GEN-13", "HGR-06", "HGR-08", "PIPL-06", "PIPL-10", "SDC-04", "SDC-07"),
            ],
            5,
        ),
        st.fixed_dictionaries(
            {},
            optional={
                "contract": st.sampled_from([CONTRACT, CONTRACT[:-1] + "9"]),
                "actions": some(["read", "aggregate"], 2),
                "modes": some(["M2", "M3", "M5"], 3),
                "columns": some(NAMES, 4),
                "obligations": some([{"kind": "cap_rows", "rows": 5}, {"kind": "drop", "column": "result"}], 2),
            },
        ),
        st.fixed_dictionaries(_terms),
    ),
    max_size=2,
)
_persons = st.sampled_from([0, 1, 9_999, 10_000, 99_999, 100_000, 999_999, 1_000_000])


def _dated(ref: str, limit: int) -> st.SearchStrategy[Any]:
    """Nothing, or a report of about now, or of about the age at which it no longer counts."""
    dates = st.integers(NOW - 1, NOW + 1) | st.integers(NOW - limit - 1, NOW - limit + 1)
    return st.lists(st.builds(lambda date: approval(ref, valid_from=date), dates), max_size=2)


PLACES_OF: dict[str, st.SearchStrategy[Any]] = {
    "context.now": st.integers(NOW - 90_000, NOW + 90_000) | st.sampled_from([0, NOW - 86_400, NOW + 86_400]),
    "participant.id": st.sampled_from([PHARMA, HOSPITAL, STRANGER]),
    "participant.identity_verified": _booleans,
    "participant.blocked": _booleans,
    "participant.for_profit": _booleans,
    "participant.public_body": _booleans,
    "participant.mlps_level": st.integers(0, 5),
    "participant.kind": st.sampled_from(["pharma", "regulator"]),
    "participant.country": st.sampled_from(["CN", "US", "DE"]),
    "participant.overseas_entity": _booleans,
    "participant.foreign_control": _booleans,
    "participant.foreign_equity_pct": st.sampled_from([0, 49, 50, 100]),
    "provider.id": st.sampled_from([HOSPITAL, STRANGER]),
    "provider.identity_verified": _booleans,
    "provider.blocked": _booleans,
    "provider.ciio": _booleans,
    "provider.foreign_control": _booleans,
    "provider.persons_held": st.sampled_from([0, 9_999_999, 10_000_000]),
    "provider.security_officer": _booleans,
    "provider.kind": st.sampled_from(["hospital", "pharma", "regulator"]),
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
    "dataset.under_14": _booleans,
    "dataset.consent": _consents,
    "dataset.core_data": _booleans,
    "dataset.important_data": _booleans,
    "dataset.duo": st.lists(_tags, max_size=4),
    "dataset.contains": some(["health", "genetic", "biometric", "imaging", "location", "other", "other"], 3),
    "dataset.persons": st.sampled_from([None, 4, 5, 12, 13, 99, 100, 999, 1000, 9999, 10000]),
    "dataset.hgr": _genetic,
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
    "contract.prohibitions": some(["reidentify", "distribute", "subprocess"], 3),
    "contract.clauses": some(CLAUSES, 4) | st.just(CLAUSES),
    "contract.price": st.sampled_from([None, "free", "cost_recovery", "other"]),
    "approvals.export": _approvals,
    "approvals.ethics": _ethics,
    "approvals.pia": _dated("PIA-1", YEAR),
    "approvals.risk_assessment": _dated("RA-1", YEAR),
    "approvals.permit": _permits,
    "approvals.committee": _committees,
    "approvals.hgr": _genetic_approvals,
    **{f"exports.{when}.{kind}": _persons for when in ("before", "after") for kind in ("sensitive", "other")},
    "request.action": st.sampled_from(["read", "aggregate", "compute", "label", "train"]),
    "request.mode": st.sampled_from(["M0", "M1", "M2", "M3", "M4", "M5", "M6"]),
    "request.purpose.id": st.sampled_from(
        ["P01", "P02", "P03", "P05", "P07", "P13", "P16", "P18", "P21", "P23", "X01", "X04", "X06"]
    ),
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
    "request.months": st.none() | st.integers(1, 3),
    "request.accepts.publish": _booleans,
    "request.accepts.return_derived": _booleans,
    "request.collaboration_ref": st.sampled_from([None, "letter-1"]),
    "request.project": st.sampled_from([None, "PRJ-1", "PRJ-3"]),
    "request.research_types": some(["cohort", "trial"], 2),
}


def tagged(number: int, **parameter: Any) -> dict[str, Any]:
    return {"dataset.duo": [{"id": "DUO:0000006"}, {"id": f"DUO:{number:07}", **parameter}]}


FOREIGN: dict[str, Any] = {
    "participant.foreign_equity_pct": 50,
    "dataset.hgr": genetic(),
    "dataset.contains": ["genetic"],
    "request.action": "aggregate",
    "request.mode": "M3",
    "approvals.ethics": [ethics_approval()],
    "approvals.hgr": [genetic_approval("prior_report"), genetic_approval("cooperation_approval")],
}
"""A company in Beijing under foreign control, with everything that the rules on genetic resources ask for."""
IN_PLACE: dict[str, Any] = {"request.action": "aggregate", "request.mode": "M3"}
AMERICAN: dict[str, Any] = {
    "dataset.origin": ["US"],
    "dataset.columns": [column for column in COLUMNS if column["name"] != "patient_name"],
}

# What a rule is content with, and a change of it that it refuses: by rule, with the code it then gives.
TURNED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "duo_research_types": (
        tagged(12, types=["cohort"]) | {"request.research_types": ["cohort"]},
        {"request.research_types": ["cohort", "trial"]},
        "DUO-12",
    ),
    "duo_publish": (tagged(19) | {"request.accepts.publish": True}, {"request.accepts.publish": False}, "DUO-19"),
    "duo_collaboration": (
        tagged(20) | {"request.collaboration_ref": "letter-1"},
        {"request.collaboration_ref": None},
        "DUO-20",
    ),
    "duo_ethics": (
        tagged(21) | {"approvals.ethics": [ethics_approval()]},
        {"approvals.ethics": [ethics_approval(valid_to=NOW)]},
        "DUO-21",
    ),
    "duo_region": (tagged(22, regions=["CN-BJ"]), {"user.accessing_from": "CN-SH"}, "DUO-22"),
    "duo_publish_after": (tagged(24, date="2027-06-30"), tagged(24), "DUO-24"),
    "duo_time_limit": (tagged(25, months=12) | {"request.months": 12}, {"request.months": 13}, "DUO-25"),
    "duo_recipients": (tagged(28, institutions=[PHARMA]), tagged(28, institutions=[STRANGER]), "DUO-28"),
    "duo_return": (
        tagged(29) | {"request.accepts.return_derived": True},
        {"request.accepts.return_derived": False},
        "DUO-29",
    ),
}
TURNED |= {
    "contract_reidentification": ({}, {"contract.prohibitions": ["distribute", "subprocess"]}, "GEN-07"),
    "purpose_conditions": ({}, {"request.purpose.id": "P21", "contract.purposes": ["P21"]}, "GEN-12"),
}
# The same for rules whose pack is not always on.
TURNED_IN_PACKS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "genetic_declared": (FOREIGN, {"dataset.hgr": genetic(information=False)}, "HGR-01"),
    "genetic_copy": (FOREIGN, {"request.action": "read", "request.mode": "M5"}, "HGR-03"),
    "genetic_partner": (FOREIGN, {"provider.foreign_equity_pct": 50}, "HGR-04"),
    "genetic_cooperation": (FOREIGN, {"approvals.hgr": [genetic_approval("prior_report")]}, "HGR-05"),
    "genetic_report": (FOREIGN, {"approvals.hgr": [genetic_approval("cooperation_approval")]}, "HGR-06"),
    "genetic_security": (FOREIGN, {"dataset.hgr": genetic(persons=501)}, "HGR-07"),
    "genetic_ethics": (FOREIGN, {"approvals.ethics": []}, "HGR-08"),
    "genetic_trade": (FOREIGN, {"contract.price": "other"}, "HGR-09"),
    "genetic_clauses": (FOREIGN, {"contract.clauses": ["ip_shared", "security_duties"]}, "HGR-10"),
    "us_limited_data_set": (AMERICAN, {"dataset.columns": COLUMNS}, "US-03"),
    "us_bulk_data": (AMERICAN, {"dataset.persons": 10_000}, "XB-13"),
    "us_deidentified": (
        AMERICAN | IN_PLACE | {"dataset.identifiability": "deidentified"},
        {"dataset.deidentification_report": None},
        "US-02",
    ),
    "sdc_few_persons": (IN_PLACE | {"dataset.persons": 13}, {"dataset.persons": 12}, "SDC-01"),
    "sdc_one_person": (IN_PLACE | {"request.group_by": ["site"]}, {"request.group_by": ["subject_id"]}, "SDC-06"),
    "sdc_differencing": (IN_PLACE, {"request.filter_columns": ["subject_id"]}, "SDC-04"),
    "sdc_row_view": (IN_ENCLAVE | {"request.columns": ["result"]}, {"dataset.persons": 4}, "SDC-07"),
}

# Changes that leave a permit a permit, so that enough of what is generated is one.
HARMLESS: list[dict[str, Any]] = [
    {},
    {"request.columns": NAMES, "contract.columns": NAMES},
    IN_PLACE | {"request.columns": [], "request.group_by": ["age", "site"]},
    {"dataset.duo": [{"id": "DUO:0000004"}], "dataset.classification": {"scheme": "GB/T 39725-2020", "level": 1}},
    {"user.accessing_from": "DE", "approvals.export": [export_approval(mechanism="assessment")]}
    | {"dataset.consent": consent(overseas=True)},
    EXEMPT | {"approvals.committee": [committee_decision("XB-08")]},
    EUROPEAN,
    DOUBTFUL,
    EUROPEAN
    | {"user.accessing_from": "FR", "request.processing_location": "DE"}
    | {"contract.processing_locations": ["DE"], "approvals.committee": [committee_decision("EHDS-05")]},
    IN_PLACE | {"dataset.important_data": True, "approvals.risk_assessment": [approval("RA-1", valid_from=NOW - DAY)]},
    IN_PLACE | {"dataset.identifiability": "identified", "approvals.committee": [committee_decision("PIPL-10")]},
    {"dataset.under_14": True, "dataset.consent": consent(guardian=True)},
    {"dataset.consent": consent(basis="statute", separate=False, recipients=[], purposes=[])},
    {
        "dataset.duo": [{"id": "DUO:0000007", "disease_terms": ["MONDO:0004992"]}, {"id": "DUO:0000015"}],
        "request.purpose.disease_terms": ["MONDO:0008903"],
        "request.purpose.methods": True,
    },
    *(content for content, _, _ in TURNED.values()),
    FOREIGN,
    AMERICAN,
]
REFUSED = [
    *(content | turn for content, turn, _ in (*TURNED.values(), *TURNED_IN_PACKS.values())),
    {"participant.kind": "regulator", "participant.country": "US"},
    {"user.accessing_from": "DE", "approvals.export": [export_approval(mechanism="assessment")]},
    EXEMPT,
    {"request.purpose.id": "P13", "contract.purposes": ["P13"]},
    {"approvals.ethics": [ethics_approval(valid_from=NOW - YEAR - 1)]},
    {"approvals.ethics": [ethics_approval(exempt=True)]},
    {"dataset.consent": consent(sharing_clause=None), "approvals.ethics": [ethics_approval(exempt=True)]},
    FOREIGN | {"contract.clauses": [], "contract.price": None},
    EUROPEAN | {"request.purpose.id": "P01", "contract.purposes": ["P01"]},
    EUROPEAN | {"dataset.identifiability": "identified"},
    EUROPEAN | {"approvals.permit": [data_permit(valid_to=NOW + 11 * YEAR)]},
    EUROPEAN | {"dataset.consent": consent(withdrawals_applied_at=NOW - 61)},
]

# Rules that look at several places at once would seldom speak, were each place drawn as often as any other.
OFTEN = [
    "approvals.ethics",
    "contract.clauses",
    "dataset.consent",
    "dataset.core_data",
    "dataset.identifiability",
    "dataset.identifiability",
    "dataset.important_data",
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


def varied(valid: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A valid document with each of the variations alone: what chance may leave out of `inputs`."""
    for variation in (*HARMLESS, *REFUSED):
        made = valid()
        for path, value in variation.items():
            _set(made, path, value)
        yield made


@st.composite
def inputs(draw: st.DrawFn, valid: Callable[[], dict[str, Any]] = document, most: int = 3) -> dict[str, Any]:
    """A valid document with a variation, mostly harmless, and up to `most` places drawn anew; often none."""
    made = valid()
    for path, value in draw(st.sampled_from(HARMLESS) | st.sampled_from(HARMLESS) | st.sampled_from(REFUSED)).items():
        _set(made, path, value)
    for path in draw(st.lists(st.sampled_from(DRAWN), max_size=most, unique=True)):
        _set(made, path, draw(PLACES_OF[path]))
    return made
