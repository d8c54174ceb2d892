package access.rules_test.genetic_copy_test

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

test_in_place_in_china_is_ok if rules.verdict.genetic_copy == "ok" with input as foreign

copied := json.patch(foreign, [{"op": "replace", "path": "/request/mode", "value": "M5"}])

test_a_copy_is_refused if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as copied
}

test_a_copy_of_no_such_data_is_not_asked if rules.verdict.genetic_copy == "ok"
	with input as json.patch(copied, [{"op": "replace", "path": "/dataset/hgr", "value": null}])

test_a_copy_of_no_such_information_is_not_asked if rules.verdict.genetic_copy == "ok"
	with input as json.patch(copied, [{"op": "replace", "path": "/dataset/hgr/information", "value": false}])

test_a_copy_at_home_is_not_asked if rules.verdict.genetic_copy == "ok"
	with input as json.patch(copied, [{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 49}])

test_a_share_of_half_is_foreign if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy)
		with input as json.patch(copied, [{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 50}])
}

test_a_share_that_is_null_is_foreign if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy)
		with input as json.patch(copied, [{"op": "replace", "path": "/participant/foreign_equity_pct", "value": null}])
}

test_control_is_foreign_at_49_per_cent if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as json.patch(copied, [
		{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 49},
		{"op": "replace", "path": "/participant/foreign_control", "value": true},
	])
}

test_an_entity_abroad_is_foreign if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as json.patch(copied, [
		{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 0},
		{"op": "replace", "path": "/participant/overseas_entity", "value": true},
	])
}

test_another_country_is_foreign if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as json.patch(copied, [
		{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 0},
		{"op": "replace", "path": "/participant/country", "value": "HK"},
	])
}

test_missing_facts_are_refused if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy)
		with input as json.patch(copied, [{"op": "remove", "path": "/dataset/hgr"}])
}

test_no_mode_is_refused if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as without("/request/mode")
}

test_a_look_from_abroad_is_refused if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as changed("/user/accessing_from", "US")
}

test_a_place_abroad_is_refused if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as changed("/request/processing_location", "US-CA")
}

test_a_missing_place_is_refused if {
	"HGR-03" in valid.codes(rules.verdict.genetic_copy) with input as without("/user/accessing_from")
}

test_a_copy_is_one_finding if {
	count(rules.verdict.genetic_copy) == 1 with input as copied
}

test_a_look_from_abroad_is_one_finding if {
	count(rules.verdict.genetic_copy) == 1 with input as changed("/user/accessing_from", "US")
}
