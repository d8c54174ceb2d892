package access.rules_test.contract_purpose_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_purpose == "ok" with input as valid.document

test_a_purpose_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_purpose) with input as valid.changed("/request/purpose/id", "P06")
}

test_no_purposes_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_purpose) with input as valid.changed("/contract/purposes", [])
}

test_a_missing_list_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_purpose) with input as valid.without("/contract/purposes")
}
