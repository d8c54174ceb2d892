package access.rules_test.core_data_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.core_data == "ok" with input as valid.document

test_core_data_is_refused if {
	"DSL-01" in valid.codes(rules.verdict.core_data) with input as valid.changed("/dataset/core_data", true)
}

test_an_unstated_fact_is_refused if {
	"DSL-01" in valid.codes(rules.verdict.core_data) with input as valid.without("/dataset/core_data")
}
