package access.rules_test.input_complete

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.input_complete == "ok" with input as valid.document

test_a_missing_time_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as valid.without("/context/now")
}

test_a_text_for_a_time_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as valid.changed("/contract/valid_to", "later")
}

test_a_null_for_a_version_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as valid.changed("/dataset/version", null)
}

test_an_empty_document_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as {}
}
