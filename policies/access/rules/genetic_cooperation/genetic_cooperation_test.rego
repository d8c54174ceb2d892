package access.rules_test.genetic_cooperation_test

import data.access.rules
import data.lib.valid_test as valid

# A company in Beijing under foreign control asks for 480 exomes, in place.
foreign := json.patch(valid.document, [
	{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 100},
	{"op": "replace", "path": "/dataset/hgr", "value": exomes},
	{"op": "replace", "path": "/dataset/contains", "value": ["genetic"]},
	{"op": "replace", "path": "/request/mode", "value": "M3"},
])

exomes := {
	"information": true,
	"seq": "exome",
	"persons": 480,
	"important_pedigree": false,
	"specific_region": false,
	"other_trigger": false,
}

changed(path, value) := json.patch(foreign, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(foreign, [{"op": "remove", "path": path}])

approved(kind, changes) := changed(
	"/approvals/hgr",
	[valid.approval(object.union({"kind": kind, "backup_submitted": true}, changes))],
)

test_an_approved_cooperation_is_ok if rules.verdict.genetic_cooperation == "ok"
	with input as approved("cooperation_approval", {})

test_data_without_genetic_resources_is_not_asked if rules.verdict.genetic_cooperation == "ok"
	with input as changed("/dataset/hgr", null)

test_data_that_is_no_such_information_is_not_asked if rules.verdict.genetic_cooperation == "ok"
	with input as changed("/dataset/hgr/information", false)

test_a_party_at_home_is_not_asked if rules.verdict.genetic_cooperation == "ok"
	with input as changed("/participant/foreign_equity_pct", 49)

test_missing_hgr_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as without("/dataset/hgr")
}

test_missing_information_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as without("/dataset/hgr/information")
}

test_an_unstated_share_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as without("/participant/foreign_equity_pct")
}

test_no_approvals_are_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as foreign
}

test_missing_approvals_are_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as without("/approvals/hgr")
}

test_an_approval_of_another_party_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation)
		with input as approved("cooperation_approval", {"recipients": ["did:web:other.example"]})
}

test_an_approval_of_another_dataset_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation)
		with input as approved("cooperation_approval", {"datasets": ["urn:uuid:01920000-0000-7000-8000-000000000009"]})
}

test_an_approval_without_a_reference_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as approved("cooperation_approval", {"ref": ""})
}

test_an_approval_whose_reference_is_null_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation)
		with input as approved("cooperation_approval", {"ref": null})
}

test_another_approval_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as approved("security_review", {})
}

test_a_filing_is_for_trials if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation) with input as approved("trial_filing", {})
}

trial := json.patch(
	approved("trial_filing", {"purposes": ["P05", "P08"]}),
	[{"op": "replace", "path": "/request/purpose/id", "value": "P08"}],
)

test_a_filed_trial_is_ok if rules.verdict.genetic_cooperation == "ok" with input as trial

test_a_trial_without_a_filing_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation)
		with input as json.patch(trial, [{"op": "replace", "path": "/approvals/hgr", "value": []}])
}

test_a_trial_outside_a_clinic_is_refused if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation)
		with input as json.patch(trial, [{"op": "replace", "path": "/provider/kind", "value": "ai_lab"}])
}

test_a_study_of_past_records_is_no_trial if {
	"HGR-05" in valid.codes(rules.verdict.genetic_cooperation)
		with input as json.patch(trial, [{"op": "replace", "path": "/request/purpose/id", "value": "P09"}])
}
