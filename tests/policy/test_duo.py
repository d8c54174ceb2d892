"""Purpose against data use conditions: the vectors of the rules digest, and the codes nobody can decide."""

from __future__ import annotations

import json

import pytest

from tests.policy.documents import DATASET, NOW, PHARMA, changed, ethics_approval, party, purpose
from tests.policy.engines import answered, bundle, decided

CANCER, LUNG, DIABETES = "MONDO:0004992", "MONDO:0008903", "MONDO:0005148"
NRES, GRU, HMB, DS, POA = 4, 42, 6, 7, 11
NMDS, GSO, NPUNCU, CC, NPOA, NPU, NCU = 15, 16, 18, 43, 44, 45, 46
RS, PUB, COL, IRB, GS, MOR, TS, US, PS, IS, RTN = 12, 19, 20, 21, 22, 24, 25, 26, 27, 28, 29


def tags(*numbers, terms=()):
    return [{"id": f"DUO:{n:07}"} | ({"disease_terms": list(terms)} if n == DS else {}) for n in numbers]


def tag(number, **parameter):
    return {"id": f"DUO:{number:07}", **parameter}


def asked(duo, *, company=False, places=None, **facts):
    """H1 is a public hospital, M1 a company; a plain purpose is research and health, all else false.

    `places` are of the document, beside its purpose.
    """
    plain = purpose(**({"id": "P02", "commercial": False} | facts))
    who = party(PHARMA, for_profit=company)
    return changed({"dataset.duo": duo, "request.purpose": plain, "participant": who} | (places or {}))


# Columns: codes, request, result, deciding code.
VECTORS = {
    "V01": (tags(GRU), {"company": True}, "permit", None),
    "V02": (tags(HMB), {"health": False}, "deny", "DUO-06"),
    "V03": (tags(HMB), {"ancestry": True}, "deny", "DUO-06"),
    "V04": (tags(DS, terms=[CANCER]), {"disease_terms": [LUNG]}, "permit", None),
    "V05": (tags(DS, terms=[LUNG]), {"disease_terms": [CANCER]}, "deny", "DUO-07"),
    "V06": (tags(DS, terms=[CANCER]), {}, "deny", "DUO-07"),
    "V07": (tags(DS, terms=[CANCER]), {"disease_terms": [LUNG, DIABETES]}, "deny", "DUO-07"),
    "V08": (tags(POA), {"ancestry": True}, "permit", None),
    "V09": (tags(POA), {}, "deny", "DUO-11"),
    "V10": (tags(HMB, NCU), {"company": True}, "permit", None),
    "V11": (tags(HMB, NPU), {"company": True}, "deny", "DUO-45"),
    "V12": (tags(HMB, NCU), {"company": True, "commercial": True}, "deny", "DUO-46"),
    "V13": (tags(HMB, NPUNCU), {}, "permit", None),
    "V14": (tags(HMB, NMDS), {"methods": True}, "deny", "DUO-15"),
    "V15": (tags(DS, NMDS, terms=[CANCER]), {"methods": True, "disease_terms": [LUNG]}, "permit", None),
    "V16": ([*tags(GRU), {"id": "DUO:00000044"}], {"ancestry": True}, "deny", "DUO-44"),
    "V17": (tags(GRU, IRB), {}, "deny", "DUO-21"),
    "V18": ([*tags(GRU), tag(TS, months=12)], {"places": {"request.months": 24}}, "deny", "DUO-25"),
    "V19": (
        [*tags(GRU, RTN), tag(TS, months=12)],
        {"places": {"request.months": 12, "request.accepts.return_derived": True}},
        "permit",
        None,
    ),
    "V20": (
        [*tags(GRU), tag(GS, regions=["CN-BJ"])],
        {"company": True, "places": {"user.accessing_from": "US"}},
        "deny",
        "DUO-22",
    ),
    "V21": (tags(HMB), {"flags": ["control_set"]}, "refer", "DUO-90"),
    "V22": (tags(DS, terms=[CANCER]), {"flags": ["control_set"]}, "deny", "DUO-07"),
    "V23": (tags(NCU), {}, "deny", "DUO-00"),
    "V24": (tags(GRU, HMB), {}, "deny", "DUO-00"),
    "V25": (tags(HMB), {"research": False, "clinical_care": True}, "deny", "DUO-43"),
    "V26": (tags(HMB, CC), {"research": False, "clinical_care": True}, "permit", None),
    "V27": (tags(GRU, GSO), {}, "deny", "DUO-16"),
    "V28": ([*tags(HMB), tag(RS, types=["paediatric"])], {}, "refer", "DUO-12"),
    "V30": ([*tags(HMB), {"id": "DUO:0000001"}], {}, "refer", "DUO-99"),
    "no codes": ([], {}, "deny", "DUO-00"),
    "the same permission twice": (tags(GRU, GRU), {}, "deny", "DUO-00"),
    "care without restriction": (tags(NRES), {"research": False, "clinical_care": True}, "permit", None),
    "not research": (tags(GRU), {"research": False}, "deny", "DUO-42"),
    "not research, of a disease": (
        tags(DS, terms=[CANCER]),
        {"research": False, "disease_terms": [LUNG]},
        "deny",
        "DUO-07",
    ),
    "a dataset of no disease": (tags(DS), {"disease_terms": [LUNG]}, "deny", "DUO-07"),
    "ancestry of a disease": (
        tags(DS, terms=[CANCER]),
        {"ancestry": True, "disease_terms": [LUNG]},
        "deny",
        "DUO-07",
    ),
    "an unknown disease by its own name": (
        tags(DS, terms=["MONDO:9999999"]),
        {"disease_terms": ["MONDO:9999999"]},
        "permit",
        None,
    ),
    "genetic study": (tags(GRU, GSO), {"genetic": True}, "permit", None),
    "a company and not for profit": (tags(GRU, NPUNCU), {"company": True}, "deny", "DUO-18"),
    "a hospital for commerce": (tags(GRU, NPUNCU), {"commercial": True}, "deny", "DUO-18"),
    "methods that a modifier forbids, on another disease": (
        tags(DS, NMDS, terms=[CANCER]),
        {"methods": True, "disease_terms": [DIABETES]},
        "deny",
        "DUO-15",
    ),
    "no ancestry, none asked": (tags(GRU, NPOA), {}, "permit", None),
    "an undecidable code hides no denial": (tags(HMB, 1), {"health": False}, "deny", "DUO-06"),
    "ethics approved": (
        tags(GRU, IRB),
        {"places": {"approvals.ethics": [ethics_approval(purposes=["P02"])]}},
        "permit",
        None,
    ),
    "ethics approved until now": (
        tags(GRU, IRB),
        {"places": {"approvals.ethics": [ethics_approval(purposes=["P02"], valid_to=NOW)]}},
        "deny",
        "DUO-21",
    ),
    "ethics exempted": (
        tags(GRU, IRB),
        {"places": {"approvals.ethics": [ethics_approval(purposes=["P02"], exempt=True)]}},
        "deny",
        "DUO-21",
    ),
    "ethics of another dataset": (
        tags(GRU, IRB),
        {"places": {"approvals.ethics": [ethics_approval(purposes=["P02"], datasets=[DATASET[:-1] + "9"])]}},
        "deny",
        "DUO-21",
    ),
    "types of both sides": (
        [*tags(HMB), tag(RS, types=["cohort"])],
        {"places": {"request.research_types": ["cohort"]}},
        "permit",
        None,
    ),
    "another type": (
        [*tags(HMB), tag(RS, types=["cohort"])],
        {"places": {"request.research_types": ["trial"]}},
        "deny",
        "DUO-12",
    ),
    "a dataset that names no type": (
        tags(HMB, RS),
        {"places": {"request.research_types": ["trial"]}},
        "refer",
        "DUO-12",
    ),
    "unpublished": (tags(HMB, PUB), {}, "deny", "DUO-19"),
    "published": (tags(HMB, PUB), {"places": {"request.accepts.publish": True}}, "permit", None),
    "alone": (tags(HMB, COL), {}, "deny", "DUO-20"),
    "together": (tags(HMB, COL), {"places": {"request.collaboration_ref": "letter-1"}}, "permit", None),
    "inside its country": ([*tags(HMB), tag(GS, regions=["CN"])], {}, "permit", None),
    "of no region": (tags(HMB, GS), {}, "deny", "DUO-22"),
    "published later": ([*tags(HMB), tag(MOR, date="2027-06-30")], {}, "permit", None),
    "published some day": (tags(HMB, MOR), {}, "refer", "DUO-24"),
    "no months stated": ([*tags(HMB), tag(TS, months=12)], {}, "deny", "DUO-25"),
    "a limit of nothing": (tags(HMB, TS), {"places": {"request.months": 1}}, "deny", "DUO-25"),
    "this user": ([*tags(HMB), tag(US, users=["a-0123456789abcdef0123"])], {}, "permit", None),
    "another user": ([*tags(HMB), tag(US, users=["a-ffffffffffffffffffff"])], {}, "deny", "DUO-26"),
    "no user": (tags(HMB, US), {}, "deny", "DUO-26"),
    "this project": (
        [*tags(HMB), tag(PS, projects=["PRJ-1"])],
        {"places": {"request.project": "PRJ-1"}},
        "permit",
        None,
    ),
    "no project": ([*tags(HMB), tag(PS, projects=["PRJ-1"])], {}, "deny", "DUO-27"),
    "this institution": ([*tags(HMB), tag(IS, institutions=[PHARMA])], {}, "permit", None),
    "institutions without one": ([*tags(HMB), tag(IS, institutions=[])], {}, "deny", "DUO-28"),
    "nothing given back": (tags(HMB, RTN), {}, "deny", "DUO-29"),
    "origins with a disease": (tags(POA), {"ancestry": True, "disease_terms": [LUNG]}, "deny", "DUO-11"),
}


@pytest.mark.parametrize(("duo", "request_", "result", "code"), VECTORS.values(), ids=VECTORS.keys())
def test_vector(duo, request_, result, code):
    decision = decided(asked(duo, **request_))
    assert decision.result == result
    codes = {reason.code for reason in decision.reasons}
    assert (code in codes) if code else not codes


def test_commerce_that_is_not_stated_is_not_proven_absent():
    """V29: the schema stops this document; the rule must refuse it too."""
    document = asked(tags(HMB, NCU), company=True)
    del document["request"]["purpose"]["commercial"]
    decision = answered(document)
    assert "DUO-46" in {reason.code for reason in decision.reasons}


def test_what_is_promised_is_owed():
    duo = [*tags(GRU, PUB, RTN), tag(TS, months=24), tag(MOR, date="2027-06-30")]
    accepted = {"publish": True, "return_derived": True}
    decision = decided(asked(duo, places={"request.months": 12, "request.accepts": accepted}))
    promises = [owed for owed in decision.obligations if "column" not in owed and owed["kind"] != "keep_record"]
    assert promises == [
        {"kind": "delete_at_end", "months": 12},
        {"kind": "no_publication_before", "date": "2027-06-30"},
        {"kind": "publish_results"},
        {"kind": "return_derived_data"},
    ]


def test_a_refusal_tells_nobody_who_else_is_let_in():
    lists = [tag(US, users=["a-other"]), tag(PS, projects=["SECRET"]), tag(IS, institutions=["did:web:rival.example"])]
    text = decided(asked([*tags(HMB), *lists], ancestry=True)).as_bytes()
    assert b"DUO-06" in text
    assert not [name for name in (b"a-other", b"SECRET", b"rival") if name in text]


def test_a_code_that_another_rule_decides_has_that_rule():
    codes = bundle().data["access"]["rules"]["duo_permission"]["table"]["codes"]
    assert {row["decided_by"] for row in codes.values() if "decided_by" in row} <= set(bundle().rules)
    for code, row in codes.items():
        if "decided_by" in row:
            assert code in json.dumps(bundle().data["access"]["rules"][row["decided_by"]]["table"])
