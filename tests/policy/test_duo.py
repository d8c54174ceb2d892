"""Purpose against data use conditions: the vectors of the rules digest that fit, and the codes nobody can decide."""

from __future__ import annotations

import pytest

from tests.policy.documents import changed, party, purpose
from tests.policy.engines import answered, decided

CANCER, LUNG, DIABETES = "MONDO:0004992", "MONDO:0008903", "MONDO:0005148"
NRES, GRU, HMB, DS, POA = 4, 42, 6, 7, 11
NMDS, GSO, NPUNCU, IRB, CC, NPOA, NPU, NCU = 15, 16, 18, 21, 43, 44, 45, 46


def tags(*numbers, terms=()):
    return [{"id": f"DUO:{n:07}"} | ({"disease_terms": list(terms)} if n == DS else {}) for n in numbers]


def asked(duo, *, company=False, **facts):
    """H1 is a public hospital, M1 a company; a plain purpose is research and health, all else false."""
    plain = purpose(**({"id": "P02", "commercial": False} | facts))
    who = party("did:web:pharma.example", for_profit=company)
    return changed({"dataset.duo": duo, "request.purpose": plain, "participant": who})


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
    "V21": (tags(HMB), {"flags": ["control_set"]}, "refer", "DUO-90"),
    "V22": (tags(DS, terms=[CANCER]), {"flags": ["control_set"]}, "deny", "DUO-07"),
    "V23": (tags(NCU), {}, "deny", "DUO-00"),
    "V24": (tags(GRU, HMB), {}, "deny", "DUO-00"),
    "V25": (tags(HMB), {"research": False, "clinical_care": True}, "deny", "DUO-43"),
    "V26": (tags(HMB, CC), {"research": False, "clinical_care": True}, "permit", None),
    "V27": (tags(GRU, GSO), {}, "deny", "DUO-16"),
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
    "ethics that cannot be judged yet": (tags(GRU, IRB), {}, "refer", "DUO-99"),
    "an undecidable code hides no denial": (tags(HMB, IRB), {"health": False}, "deny", "DUO-06"),
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
