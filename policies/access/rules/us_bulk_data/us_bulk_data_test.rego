package access.rules_test.us_bulk_data_test

import data.access.rules
import data.lib.valid_test as valid

american := json.patch(valid.document, [
	{"op": "replace", "path": "/dataset/origin", "value": ["US"]},
	{"op": "remove", "path": "/dataset/columns/1"},
])

without(path) := json.patch(american, [{"op": "remove", "path": path}])

of(kinds, persons) := json.patch(american, [
	{"op": "replace", "path": "/dataset/contains", "value": kinds},
	{"op": "replace", "path": "/dataset/persons", "value": persons},
])

test_data_from_elsewhere_is_not_asked if rules.verdict.us_bulk_data == "ok" with input as valid.document

test_few_people_are_ok if rules.verdict.us_bulk_data == "ok" with input as american

test_fewer_of_genetic_are_ok if rules.verdict.us_bulk_data == "ok" with input as of(["genetic"], 99)

test_the_number_of_genetic_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["genetic"], 100)
}

test_fewer_of_biometric_are_ok if rules.verdict.us_bulk_data == "ok" with input as of(["biometric"], 999)

test_the_number_of_biometric_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["biometric"], 1000)
}

test_fewer_of_location_are_ok if rules.verdict.us_bulk_data == "ok" with input as of(["location"], 999)

test_the_number_of_location_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["location"], 1000)
}

test_fewer_of_health_are_ok if rules.verdict.us_bulk_data == "ok" with input as of(["health"], 9999)

test_the_number_of_health_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["health"], 10000)
}

test_fewer_of_financial_are_ok if rules.verdict.us_bulk_data == "ok" with input as of(["financial"], 9999)

test_the_number_of_financial_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["financial"], 10000)
}

test_fewer_of_imaging_are_ok if rules.verdict.us_bulk_data == "ok" with input as of(["imaging"], 9999)

test_the_number_of_imaging_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["imaging"], 10000)
}

test_the_lowest_number_counts if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["health", "genetic"], 100)
}

test_anonymised_counts_too if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(
			of(["health"], 10000),
			[{"op": "replace", "path": "/dataset/identifiability", "value": "anonymised"}],
		)
}

test_an_unknown_number_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of(["health"], null)
}

test_no_contents_are_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as of([], 1)
}

test_missing_contents_are_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data) with input as without("/dataset/contains")
}

test_an_unstated_origin_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(of(["health"], 10000), [{"op": "replace", "path": "/dataset/origin", "value": []}])
}

test_a_missing_origin_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(of(["health"], 10000), [{"op": "remove", "path": "/dataset/origin"}])
}

elsewhere := json.patch(of(["health"], 10000), [
	{"op": "replace", "path": "/participant/country", "value": "US"},
	{"op": "replace", "path": "/request/processing_location", "value": "US-CA"},
	{"op": "replace", "path": "/user/accessing_from", "value": "DE"},
])

test_no_country_of_concern_is_ok if rules.verdict.us_bulk_data == "ok" with input as elsewhere

test_a_party_of_concern_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(elsewhere, [{"op": "replace", "path": "/participant/country", "value": "CN"}])
}

test_a_party_unstated_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(elsewhere, [{"op": "remove", "path": "/participant/country"}])
}

test_a_place_of_concern_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(elsewhere, [{"op": "replace", "path": "/request/processing_location", "value": "CN-BJ"}])
}

test_a_place_unstated_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(elsewhere, [{"op": "remove", "path": "/request/processing_location"}])
}

test_a_look_of_concern_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(elsewhere, [{"op": "replace", "path": "/user/accessing_from", "value": "RU"}])
}

test_a_look_unstated_is_refused if {
	"XB-13" in valid.codes(rules.verdict.us_bulk_data)
		with input as json.patch(elsewhere, [{"op": "remove", "path": "/user/accessing_from"}])
}

test_a_place_that_is_null_is_refused if {
	american := valid.with_all(valid.document, {
		"/dataset/origin": ["US"],
		"/dataset/persons": 10000,
		"/participant/country": "DE",
		"/request/processing_location": "DE",
		"/user/accessing_from": "DE",
	})
	rules.verdict.us_bulk_data == "ok" with input as american
	every path in ["/participant/country", "/request/processing_location", "/user/accessing_from"] {
		valid.codes(rules.verdict.us_bulk_data) == {"XB-13"} with input as valid.with_all(american, {path: null})
	}
}

test_each_kind_has_its_number if {
	thresholds := {
		"genetic": 100,
		"omic": 1000,
		"epigenomic": 1000,
		"proteomic": 1000,
		"transcriptomic": 1000,
		"biometric": 1000,
		"location": 1000,
		"health": 10000,
		"financial": 10000,
		"imaging": 10000,
		"moon": 10000,
	}
	every kind, number in thresholds {
		every kinds in [[kind], ["health", kind]] {
			document := valid.with_all(valid.document, {"/dataset/origin": ["US"], "/dataset/contains": kinds})
			rules.verdict.us_bulk_data == "ok" with input as valid.with_all(document, {"/dataset/persons": number - 1})
			valid.codes(rules.verdict.us_bulk_data) == {"XB-13"}
				with input as valid.with_all(document, {"/dataset/persons": number})
		}
	}
}

test_one_origin_of_several_is_enough if {
	valid.codes(rules.verdict.us_bulk_data) == {"XB-13"} with input as valid.with_all(valid.document, {
		"/dataset/origin": ["DE", "US"],
		"/dataset/persons": 10000,
	})
}
