package access.rules_test.us_limited_data_set_test

import data.access.rules
import data.lib.valid_test as valid

american := json.patch(valid.document, [
	{"op": "replace", "path": "/dataset/origin", "value": ["US"]},
	{"op": "remove", "path": "/dataset/columns/1"},
])

changed(path, value) := json.patch(american, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(american, [{"op": "remove", "path": path}])

test_data_from_elsewhere_is_not_asked if rules.verdict.us_limited_data_set == "ok" with input as valid.document

test_a_limited_data_set_is_ok if rules.verdict.us_limited_data_set == "ok" with input as american

test_one_origin_of_several_is_enough if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as valid.changed("/dataset/origin", ["CN", "US"])
}

test_an_identifier_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set)
		with input as changed("/dataset/columns/-", {"name": "patient_name", "type": "string", "role": "direct_identifier"})
}

test_nothing_is_asked_of_other_data if rules.verdict.us_limited_data_set == "ok"
	with input as json.patch(
		changed("/dataset/columns/-", {"name": "patient_name", "type": "string", "role": "direct_identifier"}),
		[{"op": "replace", "path": "/dataset/identifiability", "value": "deidentified"}],
	)

test_an_unstated_claim_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set)
		with input as json.patch(
			changed("/dataset/columns/-", {"name": "patient_name", "type": "string", "role": "direct_identifier"}),
			[{"op": "remove", "path": "/dataset/identifiability"}],
		)
}

test_an_unstated_origin_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set)
		with input as json.patch(
			changed("/dataset/columns/-", {"name": "patient_name", "type": "string", "role": "direct_identifier"}),
			[{"op": "replace", "path": "/dataset/origin", "value": []}],
		)
}

test_a_missing_origin_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set)
		with input as json.patch(
			changed("/dataset/columns/-", {"name": "patient_name", "type": "string", "role": "direct_identifier"}),
			[{"op": "remove", "path": "/dataset/origin"}],
		)
}

test_no_columns_are_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as changed("/dataset/columns", [])
}

test_a_column_without_a_role_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as without("/dataset/columns/1/role")
}

test_no_person_column_excuses_nothing if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as changed("/dataset/person_column", null)
}

test_one_promise_is_not_enough if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set)
		with input as changed("/contract/prohibitions", ["reidentify"])
}

test_no_promises_are_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as changed("/contract/prohibitions", [])
}

test_missing_promises_are_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as without("/contract/prohibitions")
}

meant(id) := json.patch(american, [
	{"op": "replace", "path": "/request/purpose/research", "value": false},
	{"op": "replace", "path": "/request/purpose/id", "value": id},
])

test_public_health_is_ok if rules.verdict.us_limited_data_set == "ok" with input as meant("P18")

test_teaching_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as meant("P21")
}

test_an_unstated_purpose_is_refused if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set) with input as without("/request/purpose")
}

test_a_table_that_asks_for_no_promise_promises_nothing if {
	"US-03" in valid.codes(rules.verdict.us_limited_data_set)
		with input as american
		with rules.us_limited_data_set.table.promised as []
}

test_an_identifier_is_one_finding if {
	count(rules.verdict.us_limited_data_set) == 1
		with input as changed("/dataset/columns/-", {"name": "patient_name", "type": "string", "role": "direct_identifier"})
}

test_a_missing_promise_is_one_finding if {
	count(rules.verdict.us_limited_data_set) == 1 with input as without("/contract/prohibitions")
}

test_a_purpose_is_one_finding if {
	count(rules.verdict.us_limited_data_set) == 1 with input as meant("P21")
}
