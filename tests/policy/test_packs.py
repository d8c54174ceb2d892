"""Rules of packs that are turned on: what they let pass together, what they refuse, and what a committee may lift."""

from __future__ import annotations

import re

import pytest

from tests.policy.documents import (
    DOUBTFUL,
    EUROPEAN,
    IN_ENCLAVE,
    NOW,
    approval,
    changed,
    committee_decision,
    consent,
    data_permit,
    document,
    ethics_approval,
    export_approval,
    furnished,
)
from tests.policy.engines import answered, bundle, decided, spoken, whole_bundle, whole_embedded
from tests.policy.inputs import DAY, HARMLESS, IN_PLACE, YEAR

IMPORTANT = IN_PLACE | {"dataset.important_data": True}
IDENTIFIED = IN_PLACE | {"dataset.identifiability": "identified"}


def asked(changes):
    return decided(changed(changes, furnished()), whole_embedded())


def dated(date):
    """What was assessed on that day, and still stands."""
    return [approval("R-1", valid_from=date)]


@pytest.mark.parametrize("variation", HARMLESS, ids=str)
def test_what_has_all_that_is_asked_for_is_permitted_with_every_pack(variation):
    decision = asked(variation)
    assert decision.result == "permit", spoken(decision)


def test_what_packs_ask_for_is_not_asked_while_they_are_off():
    assert decided(document()).result == "permit"
    assert decided(document(), whole_embedded()).result == "deny"


REFUSED = {
    "no basis": ({"dataset.consent": consent(basis=None)}, "lawful_basis", "PIPL-01"),
    "no separate consent": ({"dataset.consent": consent(separate=False)}, "separate_consent", "PIPL-02"),
    "another recipient": ({"dataset.consent": consent(recipients=[])}, "consent_for_recipient", "PIPL-03"),
    "children": ({"dataset.under_14": True}, "guardian_consent", "PIPL-04"),
    "another purpose": ({"dataset.consent": consent(purposes=["P02"])}, "consent_for_purpose", "PIPL-05"),
    "no impact assessment": ({"approvals.pia": []}, "impact_assessment", "PIPL-06"),
    "an impact assessment to come": ({"approvals.pia": dated(NOW + 1)}, "impact_assessment", "PIPL-06"),
    "withdrawals never applied": (
        {"dataset.consent": consent(withdrawals_applied_at=None)},
        "withdrawals_applied",
        "PIPL-08",
    ),
    "withdrawals older than a day": (
        {"dataset.consent": consent(withdrawals_applied_at=NOW - DAY - 1)},
        "withdrawals_applied",
        "PIPL-08",
    ),
    "important data, not assessed": (IMPORTANT, "important_data_assessed", "DSL-02"),
    "important data, assessed more than a year ago": (
        IMPORTANT | {"approvals.risk_assessment": dated(NOW - YEAR - 1)},
        "important_data_assessed",
        "DSL-02",
    ),
    "important data as a file": (
        {"dataset.important_data": True, "approvals.risk_assessment": dated(NOW)},
        "important_data_assessed",
        "DSL-02",
    ),
    "an unprotected system": ({"participant.mlps_level": 2}, "recipient_system_protected", "DSL-06"),
    "abroad without consent to it": (
        {"user.accessing_from": "DE", "approvals.export": [export_approval(mechanism="assessment")]},
        "consent_for_abroad",
        "XB-09",
    ),
    "a foreign authority": (
        {"participant.kind": "regulator", "participant.country": "US"},
        "foreign_authority",
        "GEN-10",
    ),
    "entrusted work for nobody": (
        {"request.purpose.id": "P13", "contract.purposes": ["P13"]},
        "entrusted_work",
        "PIPL-07",
    ),
    "no security duties in the contract": (
        {"contract.clauses": ["cn_party_data_backup", "ip_shared"]},
        "contract_security_duties",
        "GEN-04",
    ),
    "no ethics review": ({"approvals.ethics": []}, "ethics_review", "ETH-01"),
    "an exemption for commerce": ({"approvals.ethics": [ethics_approval(exempt=True)]}, "ethics_exemption", "ETH-02"),
    "care with European data": (
        EUROPEAN | {"request.purpose.id": "P01", "contract.purposes": ["P01"]},
        "ehds_purpose",
        "EHDS-01",
    ),
    "no data permit": (EUROPEAN | {"approvals.permit": []}, "ehds_permit", "EHDS-03"),
    "a data permit that is over": (
        EUROPEAN | {"approvals.permit": [data_permit(valid_to=NOW)]},
        "ehds_permit",
        "EHDS-03",
    ),
    "opt-outs older than the data permit": (
        EUROPEAN | {"dataset.consent": consent(withdrawals_applied_at=NOW - 61)},
        "ehds_opt_out",
        "EHDS-06",
    ),
    "European data as a file": (
        EUROPEAN | {"request.mode": "M5", "contract.delivery_modes": ["M5"]},
        "ehds_environment",
        "EHDS-04",
    ),
    "identified European data": (
        EUROPEAN | {"dataset.identifiability": "identified"},
        "ehds_anonymised_first",
        "EHDS-05",
    ),
    "European data without a ground": (
        EUROPEAN | {"dataset.consent": consent(basis="contract")},
        "gdpr_ground",
        "GDPR-01",
    ),
}


@pytest.mark.parametrize(("changes", "rule", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_and_no_committee_lifts_it(changes, rule, code):
    named = committee_decision(code, "EHDS-05", "GDPR-02", "GDPR-03", "PIPL-10")
    for lifted in ({}, {"approvals.committee": [named]}):
        decision = asked(changes | lifted)
        assert decision.result == "deny"
        assert (rule, code) in spoken(decision)


REFERRED = {
    "identified data": (IDENTIFIED, "PIPL-10", ()),
    "nobody in charge of many persons' data": ({"provider.persons_held": 10_000_000}, "DSL-04", ()),
    "a doubtful European purpose": (DOUBTFUL, "EHDS-01", ("EHDS-05", "GDPR-02", "GEN-13")),
    "ancestry": (DOUBTFUL, "GEN-13", ("EHDS-01", "EHDS-05", "GDPR-02")),
    "a long data permit": (
        EUROPEAN | {"approvals.permit": [data_permit(valid_to=NOW + 11 * YEAR)]},
        "EHDS-08",
        ("EHDS-05", "GDPR-02"),
    ),
    "an old ethics approval": (
        {"approvals.ethics": [ethics_approval(valid_from=NOW - YEAR - 1)]},
        "ETH-03",
        (),
    ),
    "consents that do not speak of sharing": ({"dataset.consent": consent(sharing_clause=False)}, "ETH-04", ()),
    "statistics filtered on persons": (
        IN_PLACE | {"request.filter_columns": ["subject_id"]},
        "SDC-04",
        (),
    ),
    "rows with quasi-identifiers": (IN_ENCLAVE, "SDC-07", ()),
    "level five": (IN_PLACE | {"dataset.classification.level": 5}, "GB-04", ()),
    "a flagged purpose": ({"request.purpose.flags": ["vulnerable"]}, "DUO-90", ()),
    "an unknown condition": ({"dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000001"}]}, "DUO-99", ()),
    "research of an unstated type": (
        {"dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000012", "types": ["cohort"]}]},
        "DUO-12",
        (),
    ),
    "an embargo without a day": ({"dataset.duo": [{"id": "DUO:0000006"}, {"id": "DUO:0000024"}]}, "DUO-24", ()),
    "pseudonymised European data": (EUROPEAN, "EHDS-05", ("GDPR-02",)),
    "European data in China": (EUROPEAN, "GDPR-02", ("EHDS-05",)),
}


@pytest.mark.parametrize(("changes", "code", "others"), REFERRED.values(), ids=REFERRED.keys())
def test_refers_until_a_committee_names_the_code(changes, code, others):
    decision = asked(changes | {"approvals.committee": [committee_decision(*others)]})
    assert decision.result == "refer"
    assert {found for _, found in spoken(decision)} == {code}
    assert asked(changes | {"approvals.committee": [committee_decision(*others, code)]}).result == "permit"


@pytest.mark.parametrize(
    "changes",
    [
        IMPORTANT | {"approvals.risk_assessment": dated(NOW - YEAR)},
        {"dataset.consent": consent(withdrawals_applied_at=NOW - DAY)},
    ],
)
def test_at_its_age_it_still_counts(changes):
    assert asked(changes).result == "permit"


@pytest.mark.parametrize("limits", [("dataset.important_data", True, "M3"), ("dataset.origin", ["DE"], "M4")], ids=str)
def test_the_lowest_cap_is_the_limit(limits):
    place, value, cap = limits
    assert asked({}).limits.mode == "M5"
    assert asked({place: value}).limits.mode == cap


def test_an_empty_input_is_refused_by_every_rule_and_by_nothing_silent():
    decision = answered({}, whole_embedded())
    assert {reason.rule for reason in decision.reasons} == set(whole_bundle().rules)
    assert "RULE-SILENT" not in {reason.code for reason in decision.reasons}


@pytest.mark.parametrize(
    "place", ["approvals.pia", "approvals.ethics", "approvals.risk_assessment", "approvals.permit"]
)
def test_dates_that_are_none_refuse_and_stop_no_engine(place):
    """The interpreter stops where it is to add to a null; an age must be a number before anything is added to it."""
    none = [approval("R-1", valid_from=None, valid_to=None, exempt=False)]
    decision = answered(changed(EUROPEAN | IMPORTANT | {place: none}, furnished()), whole_embedded())
    assert decision.result == "deny"


def test_an_age_is_a_limit_that_the_gateway_can_find():
    """Whoever keeps a permit must know when an age limit ends it: each is a member `..._age_s` of a rule's table."""
    added = re.compile(r"context\.now <=? [\w.]+ \+ data\.access\.rules\.(\w+)\.table\.(\w+_age_s)$")
    for path, text in whole_bundle().modules.items():
        for line in text.splitlines():
            if "context.now" in line and "+" in line:
                found = added.search(line)
                assert found, f"{path}: {line.strip()}"
                assert type(whole_bundle().data["access"]["rules"][found[1]]["table"][found[2]]) is int


def test_rules_of_packs_are_not_in_the_required_bundle():
    assert {rule.name for rule in whole_bundle().catalogue if rule.active} - set(bundle().rules) == {
        rule.name for rule in bundle().catalogue if not rule.active
    }
