"""Human genetic resources and foreign parties: the vectors of the rules digest, as far as an input has their facts."""

from __future__ import annotations

import pytest

from tests.policy.documents import HOSPITAL, PHARMA, changed, genetic, genetic_approval, party
from tests.policy.engines import answered, bundle, decided, spoken
from tests.policy.inputs import CLAUSES, FOREIGN, TURNED_IN_PACKS

PACK = ("cn-genetic",)
REPORT, COOPERATION = genetic_approval("prior_report"), genetic_approval("cooperation_approval")
COMPUTE = FOREIGN | {"request.action": "compute", "contract.actions": ["compute"]}
IMAGING = {"dataset.contains": ["imaging", "health"], "dataset.hgr": genetic(information=False, seq="none")}


def rules_of(*packs):
    return {rule.name for rule in bundle(*packs).catalogue if rule.pack in packs}


def found(changes):
    """What the rules of the pack say."""
    return {entry for entry in spoken(decided(changed(changes), packs=PACK)) if entry[0] in rules_of(*PACK)}


# Columns: changes of the valid document, what the pack's rules say.
VECTORS = {
    "G1": ({"participant": party(PHARMA, kind="hospital"), "dataset.hgr": genetic(persons=4200)}, set()),
    "G2": (COMPUTE, set()),
    "G3": (COMPUTE | {"dataset.hgr": genetic(persons=501)}, {("genetic_security", "HGR-07")}),
    "G4": (COMPUTE | {"dataset.hgr": genetic(persons=500)}, set()),
    "G5": (FOREIGN | IMAGING | {"approvals.hgr": [], "approvals.ethics": []}, set()),
    "G6": (FOREIGN | {"request.action": "read", "request.mode": "M5"}, {("genetic_copy", "HGR-03")}),
    "G7": (
        COMPUTE
        | {"participant.foreign_equity_pct": 49, "participant.foreign_control": True, "approvals.hgr": [REPORT]},
        {("genetic_cooperation", "HGR-05")},
    ),
    "G7, without the agreement": (COMPUTE | {"participant.foreign_equity_pct": 49, "approvals.hgr": []}, set()),
    "a foreign provider": (
        COMPUTE | {"provider": party(HOSPITAL, foreign_control=True)},
        {("genetic_partner", "HGR-04")},
    ),
    "no ethics approval": (COMPUTE | {"approvals.ethics": []}, {("genetic_ethics", "HGR-08")}),
    "undeclared": (COMPUTE | {"dataset.hgr": None}, {("genetic_declared", "HGR-01")}),
}


@pytest.mark.parametrize(("changes", "says"), VECTORS.values(), ids=VECTORS.keys())
def test_vector(changes, says):
    assert found(changes) == says


def test_g2_is_permitted():
    decision = decided(changed(COMPUTE), packs=PACK)
    assert decision.result == "permit", spoken(decision)


@pytest.mark.parametrize("price", ["other", None])
def test_g8_a_price_is_trade_unless_it_is_shown_to_be_none(price):
    for party_asking in (FOREIGN, {"dataset.hgr": genetic(), "dataset.contains": ["genetic"]}):
        assert found(party_asking | {"contract.price": price}) == {("genetic_trade", "HGR-09")}


@pytest.mark.parametrize("clause", ["cn_party_data_backup", "cn_party_full_participation", "ip_shared"])
def test_a_foreign_party_takes_on_every_clause_of_cooperation(clause):
    without = [other for other in CLAUSES if other != clause]
    assert found(COMPUTE | {"contract.clauses": without}) == {("genetic_clauses", "HGR-10")}


def test_g8_trade_is_no_purpose():
    """To sell is a purpose of its own, and refused in any pack."""
    decision = decided(changed(FOREIGN | {"request.purpose.id": "X06", "contract.purposes": ["X06"]}), packs=PACK)
    assert ("purpose_prohibited", "HGR-09") in spoken(decision)


def test_g9_counts_without_a_report_are_for_a_person():
    decision = decided(changed(FOREIGN | {"request.mode": "M2", "approvals.hgr": [COOPERATION]}), packs=PACK)
    assert (decision.result, spoken(decision)) == ("refer", {("genetic_report", "HGR-06")})


@pytest.mark.parametrize("rule", sorted(TURNED_IN_PACKS))
def test_every_rule_is_content_and_refuses(rule):
    content, turn, code = TURNED_IN_PACKS[rule]
    packs = ("cn-genetic", "us", "sdc")
    assert decided(changed(content), packs=packs).result == "permit"
    decision = decided(changed(content | turn), packs=packs)
    assert decision.result == ("refer" if rule == "sdc_differencing" else "deny")
    assert (rule, code) in spoken(decision)


def test_every_rule_of_the_packs_is_tried():
    assert set(TURNED_IN_PACKS) == rules_of("cn-genetic", "us", "sdc")


def test_an_empty_input_is_refused_by_every_rule_and_by_nothing_silent():
    decision = answered({}, packs=("cn-genetic", "us", "sdc"))
    assert {reason.rule for reason in decision.reasons} == set(bundle("cn-genetic", "us", "sdc").rules)
    assert "RULE-SILENT" not in {reason.code for reason in decision.reasons}


def test_a_pack_that_is_off_asks_nothing():
    assert decided(changed(FOREIGN | {"approvals.hgr": []})).result == "permit"
