"""Each rule: what it lets pass, what it refuses, where the edge is, and that a missing fact refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.policy.errors import PolicyUnavailable
from tests.policy.documents import COLUMNS, DATASET, HOSPITAL, NOW, PHARMA, changed, document, export_approval, party
from tests.policy.engines import answered, bundle, decided, spoken
from tests.policy.inputs import TURNED

STRANGER = "did:web:stranger.example"
PARTIES = document()["contract"]["parties"]
SIGNATURES = document()["contract"]["signatures"]
ABROAD = {"user.accessing_from": "DE"}


def tag(number: int) -> dict[str, Any]:
    return {"id": f"DUO:{number:07}"}


def test_the_valid_document_is_permitted():
    decision = decided(document())
    assert decision.result == "permit"
    assert decision.reasons == ()
    assert decision.bundle == bundle().digest


PERMITTED = {
    "first second of the term": {"context.now": NOW, "contract.valid_from": NOW},
    "last second of the term": {"context.now": NOW, "contract.valid_to": NOW + 1},
    "every column of the contract": {"request.columns": ["subject_id", "age", "visit", "result", "site"]},
    "a total without columns": {"request.action": "aggregate", "request.mode": "M3", "request.columns": []},
    "a mode below the cap": {"request.action": "aggregate", "request.mode": "M2"},
    "rows in the enclave": {
        "request.mode": "M4",
        "contract.delivery_modes": ["M4"],
        "user.secure_environment": True,
        "dataset.identifiability": "deidentified",
    },
    "a file of level two": {
        "dataset.classification": {"scheme": "GB/T 39725-2020", "level": 2},
        "dataset.identifiability": "deidentified",
    },
    "no report where nothing was lowered": {"dataset.source_level": 3, "dataset.deidentification_report": None},
    "a place that is the whole country": {
        "request.processing_location": "CN",
        "contract.processing_locations": ["CN"],
    },
    "abroad, with an approval that covers it": ABROAD | {"approvals.export": [export_approval()]},
    "abroad, approved to the last second": ABROAD | {"approvals.export": [export_approval(valid_to=NOW + 1)]},
    "abroad, anonymised": ABROAD
    | {"dataset.identifiability": "anonymised", "request.mode": "M5"}
    | {"dataset.classification": {"scheme": "GB/T 39725-2020", "level": 2}},
    "abroad, of another country's data": ABROAD | {"dataset.origin": ["DE"]},
    "important data, assessed": ABROAD
    | {"dataset.important_data": True, "approvals.export": [export_approval(mechanism="assessment")]},
}


PERMITTED |= {f"{rule}, content": content for rule, (content, _, _) in TURNED.items()}


@pytest.mark.parametrize("changes", PERMITTED.values(), ids=PERMITTED.keys())
def test_permits(changes):
    decision = decided(changed(changes))
    assert decision.result == "permit", spoken(decision)


REFUSED = {
    "revoked": ({"contract.status": "revoked"}, "contract_in_force", "GEN-02"),
    "suspended": ({"contract.status": "suspended"}, "contract_in_force", "GEN-02"),
    "a second too early": ({"contract.valid_from": NOW + 1}, "contract_in_force", "GEN-02"),
    "the second of the end": ({"contract.valid_to": NOW}, "contract_in_force", "GEN-02"),
    "altered bytes": ({"contract.digest_ok": False}, "contract_in_force", "GEN-02"),
    "no signature at all": ({"contract.signatures": []}, "contract_in_force", "GEN-02"),
    "one party's signature": ({"contract.signatures": SIGNATURES[:1]}, "contract_in_force", "GEN-02"),
    "the same party twice": ({"contract.signatures": SIGNATURES[:1] * 2}, "contract_in_force", "GEN-02"),
    "a failed signature beside two good ones": (
        {"contract.signatures": [*SIGNATURES, {**SIGNATURES[0], "valid": False}]},
        "contract_in_force",
        "GEN-02",
    ),
    "a stranger's signature too": (
        {"contract.signatures": [*SIGNATURES, {**SIGNATURES[0], "party": STRANGER}]},
        "contract_in_force",
        "GEN-02",
    ),
    "no parties, no signatures": (
        {"contract.parties": [], "contract.signatures": []},
        "contract_in_force",
        "GEN-02",
    ),
    "a stranger": ({"participant": party(STRANGER), "user.org_id": STRANGER}, "contract_parties", "GEN-03"),
    "the provider itself": ({"participant": party(HOSPITAL), "user.org_id": HOSPITAL}, "contract_parties", "GEN-03"),
    "an agent of another": ({"user.org_id": STRANGER}, "contract_parties", "GEN-03"),
    "another provider's data": ({"provider.id": STRANGER}, "contract_parties", "GEN-03"),
    "roles turned round": (
        {"contract.parties": [{"id": HOSPITAL, "role": "consumer"}, {"id": PHARMA, "role": "provider"}]},
        "contract_parties",
        "GEN-03",
    ),
    "two consumers": (
        {"contract.parties": [*PARTIES, {"id": STRANGER, "role": "consumer"}]},
        "contract_parties",
        "GEN-03",
    ),
    "another dataset": ({"dataset.id": DATASET[:-1] + "9"}, "contract_dataset", "GEN-03"),
    "a new governance version": ({"dataset.version": "sha256:" + "00" * 32}, "contract_dataset", "GEN-03"),
    "an action not listed": ({"request.action": "label"}, "contract_action", "GEN-03"),
    "a mode not listed": ({"request.mode": "M4"}, "contract_mode", "GEN-03"),
    "no modes listed": ({"contract.delivery_modes": []}, "contract_mode", "GEN-03"),
    "a purpose not listed": ({"request.purpose.id": "P06"}, "contract_purpose", "GEN-03"),
    "no purposes listed": ({"contract.purposes": []}, "contract_purpose", "GEN-03"),
    "a place not listed": ({"request.processing_location": "CN-SH"}, "contract_place", "GEN-03"),
    "a column not listed": ({"request.columns": ["age", "patient_name"]}, "contract_columns", "GEN-03"),
    "grouped by a column not listed": ({"request.group_by": ["patient_name"]}, "contract_columns", "GEN-03"),
    "filtered on a column not listed": ({"request.filter_columns": ["patient_name"]}, "contract_columns", "GEN-03"),
    "a column no longer published": ({"dataset.columns": COLUMNS[:2]}, "contract_columns", "GEN-03"),
    "no column": ({"request.columns": []}, "contract_columns", "GEN-03"),
    "consumer not verified": ({"participant.identity_verified": False}, "parties_trusted", "GEN-05"),
    "provider not verified": ({"provider.identity_verified": False}, "parties_trusted", "GEN-05"),
    "no source statement": ({"dataset.provenance_statement": None}, "parties_trusted", "GEN-05"),
    "consumer blocked": ({"participant.blocked": True}, "parties_trusted", "GEN-08"),
    "provider blocked": ({"provider.blocked": True}, "parties_trusted", "GEN-08"),
    "core data": ({"dataset.core_data": True}, "core_data", "DSL-01"),
    "rows by the mode of counts": ({"request.mode": "M3"}, "action_fits_mode", "GEN-11"),
    "counts as a file": ({"request.action": "aggregate"}, "action_fits_mode", "GEN-11"),
    "training on a copy": ({"request.action": "train"}, "action_fits_mode", "GEN-11"),
    "labelling on a copy": ({"request.action": "label"}, "action_fits_mode", "GEN-11"),
    "an enclave from outside": ({"request.mode": "M4"}, "action_fits_mode", "GEN-11"),
    "public": ({"request.mode": "M6"}, "action_fits_mode", "GEN-11"),
    "not classified": ({"dataset.classification": None}, "classification_mode", "GB-01"),
    "a scheme of others": ({"dataset.classification.scheme": "four levels"}, "classification_mode", "GB-01"),
    "a level beyond the scheme": ({"dataset.classification.level": 6}, "classification_mode", "GB-01"),
    "level three as a file": ({"dataset.identifiability": "deidentified"}, "classification_mode", "GB-03"),
    "level four as a file": ({"dataset.classification.level": 4}, "classification_mode", "GB-03"),
    "level five as a file": ({"dataset.classification.level": 5}, "classification_mode", "GB-03"),
    "lowered without a report": ({"dataset.deidentification_report": None}, "classification_mode", "GB-05"),
    "seen from abroad": (ABROAD, "recipient_abroad", "XB-05"),
    "recipient abroad": ({"request.recipient_overseas": True}, "recipient_abroad", "XB-05"),
    "a file kept abroad": ({"request.processing_location": "US-CA"}, "recipient_abroad", "XB-12"),
    "de-identified is still personal": (
        ABROAD | {"dataset.identifiability": "deidentified"},
        "recipient_abroad",
        "XB-05",
    ),
    "one origin of several": (ABROAD | {"dataset.origin": ["DE", "CN"]}, "recipient_abroad", "XB-05"),
    "approval over": (ABROAD | {"approvals.export": [export_approval(valid_to=NOW)]}, "recipient_abroad", "XB-05"),
    "approval to come": (
        ABROAD | {"approvals.export": [export_approval(valid_from=NOW + 1)]},
        "recipient_abroad",
        "XB-05",
    ),
    "approval of another purpose": (
        ABROAD | {"approvals.export": [export_approval(purposes=["P06"])]},
        "recipient_abroad",
        "XB-05",
    ),
    "approval of another recipient": (
        ABROAD | {"approvals.export": [export_approval(recipients=[STRANGER])]},
        "recipient_abroad",
        "XB-05",
    ),
    "approval of another dataset": (
        ABROAD | {"approvals.export": [export_approval(datasets=[DATASET[:-1] + "9"])]},
        "recipient_abroad",
        "XB-05",
    ),
    "important data under a standard contract": (
        ABROAD | {"dataset.important_data": True, "approvals.export": [export_approval()]},
        "recipient_abroad",
        "XB-05",
    ),
    "critical infrastructure under a standard contract": (
        ABROAD | {"provider.ciio": True, "approvals.export": [export_approval()]},
        "recipient_abroad",
        "XB-05",
    ),
} | {
    f"purpose {purpose}": ({"request.purpose.id": purpose, "contract.purposes": [purpose]}, "purpose_prohibited", code)
    for purpose, code in {
        "X01": "EHDS-02",
        "X02": "EHDS-02",
        "X03": "EHDS-02",
        "X04": "GEN-07",
        "X05": "EHDS-02",
        "X06": "HGR-09",
    }.items()
}
REFUSED |= {
    f"{rule}, turned": (content | turn, rule, code)
    for rule, (content, turn, code) in TURNED.items()
    if rule != "duo_publish_after"  # it asks a person
}


@pytest.mark.parametrize(("changes", "rule", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(changes, rule, code):
    decision = decided(changed(changes))
    assert decision.result == "deny"
    assert (rule, code) in spoken(decision)
    assert decision.obligations == ()


def test_every_required_rule_has_a_refusal_here_or_in_its_own_tests():
    elsewhere = {"duo_permission", "duo_publish_after", "input_complete"}
    assert {rule for _, rule, _ in REFUSED.values()} | elsewhere == set(bundle().rules)


# Everything a rule reads, taken away: the engine alone must refuse, without the schema before it.
READ = {
    "contract.status": "contract_in_force",
    "contract.digest_ok": "contract_in_force",
    "contract.valid_from": "contract_in_force",
    "contract.valid_to": "contract_in_force",
    "contract.signatures": "contract_in_force",
    "contract.parties": "contract_parties",
    "user.org_id": "contract_parties",
    "contract.dataset": "contract_dataset",
    "contract.dataset_version": "contract_dataset",
    "contract.actions": "contract_action",
    "contract.delivery_modes": "contract_mode",
    "contract.purposes": "contract_purpose",
    "contract.processing_locations": "contract_place",
    "contract.columns": "contract_columns",
    "dataset.columns": "contract_columns",
    "participant.identity_verified": "parties_trusted",
    "provider.blocked": "parties_trusted",
    "dataset.provenance_statement": "parties_trusted",
    "request.purpose.id": "purpose_prohibited",
    "dataset.core_data": "core_data",
    "request.mode": "action_fits_mode",
    "user.secure_environment": "action_fits_mode",
    "dataset.classification": "classification_mode",
    "dataset.duo": "duo_permission",
    "request.purpose.ancestry": "duo_permission",
    "request.purpose.flags": "duo_permission",
    "user.accessing_from": "recipient_abroad",
    "request.recipient_overseas": "recipient_abroad",
    "context.now": "input_complete",
    "request.filter_columns": "input_complete",
    "dataset.source_level": "input_complete",
}


@pytest.mark.parametrize(("place", "rule"), READ.items())
def test_what_is_missing_refuses(place, rule):
    decision = answered(changed({place: ...}))
    assert decision.result == "deny"
    assert rule in {reason.rule for reason in decision.reasons}


@pytest.mark.parametrize("place", READ)
def test_null_refuses(place):
    # The interpreter stops at a builtin that is given null; an OPA server takes it for undefined. Both refuse.
    try:
        decision = answered(changed({place: None}))
    except PolicyUnavailable:
        return
    assert decision.result == "deny"


def test_the_written_out_checks_are_those_of_the_table():
    """`input_complete` says each place twice, for speed: both lists must be one."""
    text = bundle().modules["access/rules/input_complete/input_complete.rego"]
    checked = {(place, kind) for kind, place in re.findall(r"is_(\w+)\(input\.([\w.]+)\)", text)}
    table = bundle().data["access"]["rules"]["input_complete"]["table"]["places"]
    assert checked == {(".".join(place["path"]), place["type"]) for place in table}


def test_an_empty_input_is_refused_by_every_rule_and_by_nothing_silent():
    decision = answered({})
    assert {reason.rule for reason in decision.reasons} == set(bundle().rules)
    assert "RULE-SILENT" not in {reason.code for reason in decision.reasons}


def test_level_five_is_referred_in_the_mode_it_allows():
    asked = {"dataset.classification.level": 5, "request.mode": "M3", "request.action": "aggregate"}
    decision = decided(changed(asked))
    assert decision.result == "refer"
    assert spoken(decision) == {("classification_mode", "GB-04")}


def test_all_reasons_are_given_and_denials_come_first():
    decision = decided(
        changed({"contract.status": "revoked", "dataset.classification.level": 5, "request.purpose.id": "X01"})
    )
    assert decision.result == "deny"
    assert len(decision.reasons) >= 4
    effects = [reason.effect for reason in decision.reasons]
    assert effects == sorted(effects)
    assert "refer" in effects


def test_a_reason_shows_the_facts_it_saw():
    (reason,) = decided(changed({"request.purpose.id": "P06"})).reasons
    assert reason.facts == {"request.purpose.id": "P06", "contract.purposes": ["P02", "P05"]}
    assert reason.text.endswith(".")
    assert reason.remedy.endswith(".")


@pytest.mark.parametrize(
    ("level", "identifiability", "cap"),
    [
        (1, "deidentified", "M6"),
        (2, "limited", "M5"),
        (3, "deidentified", "M4"),
        (3, "limited", "M5"),
        (4, "limited", "M3"),
    ],
)
def test_the_limit_is_the_classifications_cap(level, identifiability, cap):
    asked = {"dataset.classification.level": level, "dataset.identifiability": identifiability}
    assert decided(changed(asked)).limits.mode == cap


def test_without_a_known_classification_nothing_may_be_delivered():
    assert decided(changed({"dataset.classification": None})).limits.mode == "M0"
