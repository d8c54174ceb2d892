package access.rules_test.contract_place_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_place == "ok" with input as valid.document

test_a_place_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_place)
		with input as valid.changed("/request/processing_location", "CN-SH")
}

test_a_country_for_a_region_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_place)
		with input as valid.changed("/contract/processing_locations", ["CN"])
}

test_a_missing_list_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_place) with input as valid.without("/contract/processing_locations")
}
