package access.rules_test.genetic_report_test

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

test_a_report_with_backup_is_ok if rules.verdict.genetic_report == "ok" with input as approved("prior_report", {})

test_data_without_genetic_resources_is_not_asked if rules.verdict.genetic_report == "ok"
	with input as changed("/dataset/hgr", null)

test_data_that_is_no_such_information_is_not_asked if rules.verdict.genetic_report == "ok"
	with input as changed("/dataset/hgr/information", false)

test_a_party_at_home_is_not_asked if rules.verdict.genetic_report == "ok"
	with input as changed("/participant/foreign_equity_pct", 49)

test_missing_hgr_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as without("/dataset/hgr")
}

test_missing_information_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as without("/dataset/hgr/information")
}

test_an_unstated_share_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as without("/participant/foreign_equity_pct")
}

test_no_approvals_are_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as foreign
}

test_missing_approvals_are_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as without("/approvals/hgr")
}

test_an_approval_of_another_party_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report)
		with input as approved("prior_report", {"recipients": ["did:web:other.example"]})
}

test_an_approval_of_another_dataset_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report)
		with input as approved("prior_report", {"datasets": ["urn:uuid:01920000-0000-7000-8000-000000000009"]})
}

test_an_approval_without_a_reference_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as approved("prior_report", {"ref": ""})
}

test_an_approval_whose_reference_is_null_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as approved("prior_report", {"ref": null})
}

test_a_report_without_backup_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report)
		with input as approved("prior_report", {"backup_submitted": false})
}

test_another_approval_is_refused if {
	"HGR-06" in valid.codes(rules.verdict.genetic_report) with input as approved("cooperation_approval", {})
}

test_computing_unreported_is_denied if {
	["HGR-06", "deny"] in {[found.code, found.effect] | some found in rules.verdict.genetic_report} with input as foreign
}

test_counts_unreported_are_referred if {
	["HGR-06", "refer"] in {[found.code, found.effect] | some found in rules.verdict.genetic_report}
		with input as changed("/request/mode", "M2")
}

test_a_missing_mode_is_denied if {
	["HGR-06", "deny"] in {[found.code, found.effect] | some found in rules.verdict.genetic_report}
		with input as without("/request/mode")
}
