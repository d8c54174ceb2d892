package access.rules_test.contract_mode_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_mode == "ok" with input as valid.document

test_a_mode_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_mode) with input as valid.changed("/request/mode", "M4")
}

test_no_modes_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_mode) with input as valid.changed("/contract/delivery_modes", [])
}

test_a_missing_list_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_mode) with input as valid.without("/contract/delivery_modes")
}
