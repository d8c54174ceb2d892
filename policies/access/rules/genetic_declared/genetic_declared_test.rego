package access.rules_test.genetic_declared_test

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

test_the_valid_document_is_ok if rules.verdict.genetic_declared == "ok" with input as valid.document

test_declared_data_is_ok if rules.verdict.genetic_declared == "ok" with input as foreign

test_no_declaration_is_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared) with input as changed("/dataset/hgr", null)
}

test_a_missing_declaration_is_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared) with input as without("/dataset/hgr")
}

test_a_denial_is_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared) with input as changed("/dataset/hgr/information", false)
}

test_imaging_and_values_are_none if rules.verdict.genetic_declared == "ok" with input as json.patch(foreign, [
	{"op": "replace", "path": "/dataset/contains", "value": ["imaging", "health"]},
	{"op": "replace", "path": "/dataset/hgr", "value": object.union(exomes, {"information": false, "seq": "none"})},
])

test_sequences_under_another_name_are_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared) with input as json.patch(foreign, [
		{"op": "replace", "path": "/dataset/contains", "value": ["other"]},
		{"op": "replace", "path": "/dataset/hgr/information", "value": false},
	])
}

undeclared := json.patch(foreign, [{"op": "replace", "path": "/dataset/hgr", "value": null}])

test_data_from_elsewhere_is_not_asked if rules.verdict.genetic_declared == "ok"
	with input as json.patch(undeclared, [{"op": "replace", "path": "/dataset/origin", "value": ["DE"]}])

test_one_origin_of_several_is_enough if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared)
		with input as json.patch(undeclared, [{"op": "replace", "path": "/dataset/origin", "value": ["DE", "CN"]}])
}

test_no_origin_is_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared)
		with input as json.patch(undeclared, [{"op": "replace", "path": "/dataset/origin", "value": []}])
}

test_no_contents_are_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared)
		with input as json.patch(undeclared, [{"op": "replace", "path": "/dataset/contains", "value": []}])
}

test_missing_contents_are_refused if {
	"HGR-01" in valid.codes(rules.verdict.genetic_declared)
		with input as json.patch(undeclared, [{"op": "remove", "path": "/dataset/contains"}])
}

test_one_kind_of_several_is_enough if {
	valid.codes(rules.verdict.genetic_declared) == {"HGR-01"}
		with input as valid.changed("/dataset/contains", ["health", "genetic"])
}
