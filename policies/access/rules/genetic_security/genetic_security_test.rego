package access.rules_test.genetic_security_test

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

touched(path, value) := changed(sprintf("/dataset/hgr/%s", [path]), value)

test_few_people_are_ok if rules.verdict.genetic_security == "ok" with input as foreign

test_five_hundred_are_ok if rules.verdict.genetic_security == "ok" with input as changed("/dataset/hgr/persons", 500)

test_one_more_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as changed("/dataset/hgr/persons", 501)
}

test_a_panel_is_not_counted if rules.verdict.genetic_security == "ok"
	with input as json.patch(touched("persons", 501), [{"op": "replace", "path": "/dataset/hgr/seq", "value": "panel"}])

test_an_unknown_sequencing_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as touched("seq", null)
}

test_a_missing_sequencing_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as without("/dataset/hgr/seq")
}

test_a_number_that_is_null_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as changed("/dataset/hgr/persons", null)
}

test_a_missing_number_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as without("/dataset/hgr/persons")
}

test_important_pedigree_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as touched("important_pedigree", true)
}

test_missing_important_pedigree_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as without("/dataset/hgr/important_pedigree")
}

test_specific_region_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as touched("specific_region", true)
}

test_missing_specific_region_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as without("/dataset/hgr/specific_region")
}

test_other_trigger_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as touched("other_trigger", true)
}

test_missing_other_trigger_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as without("/dataset/hgr/other_trigger")
}

reviewed(changes) := json.patch(
	approved("security_review", changes),
	[{"op": "replace", "path": "/dataset/hgr/persons", "value": 501}],
)

test_a_review_is_enough if rules.verdict.genetic_security == "ok" with input as reviewed({})

test_a_review_of_another_party_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security)
		with input as reviewed({"recipients": ["did:web:other.example"]})
}

test_a_review_of_another_dataset_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security)
		with input as reviewed({"datasets": ["urn:uuid:01920000-0000-7000-8000-000000000009"]})
}

test_another_approval_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security)
		with input as json.patch(
			approved("prior_report", {}),
			[{"op": "replace", "path": "/dataset/hgr/persons", "value": 501}],
		)
}

test_nothing_is_asked_of_other_data if rules.verdict.genetic_security == "ok"
	with input as changed("/dataset/hgr", null)

test_nothing_is_asked_of_other_information if rules.verdict.genetic_security == "ok"
	with input as json.patch(
		touched("persons", 501),
		[{"op": "replace", "path": "/dataset/hgr/information", "value": false}],
	)

test_nothing_is_asked_of_a_party_at_home if rules.verdict.genetic_security == "ok"
	with input as json.patch(
		touched("persons", 501),
		[{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 0}],
	)

test_missing_hgr_is_refused if {
	"HGR-07" in valid.codes(rules.verdict.genetic_security) with input as without("/dataset/hgr")
}

test_a_number_that_was_not_stated_is_refused if {
	valid.codes(rules.verdict.genetic_security) == {"HGR-07"} with input as changed("/dataset/hgr/persons", 0)
	rules.verdict.genetic_security == "ok" with input as changed("/dataset/hgr/persons", 1)
}
