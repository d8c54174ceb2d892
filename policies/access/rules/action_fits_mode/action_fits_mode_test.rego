package access.rules_test.action_fits_mode

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.action_fits_mode == "ok" with input as valid.document

test_rows_by_aggregates_is_refused if {
	"GEN-11" in valid.codes(rules.verdict.action_fits_mode) with input as valid.changed("/request/mode", "M3")
}

test_an_enclave_outside_is_refused if {
	"GEN-11" in valid.codes(rules.verdict.action_fits_mode) with input as valid.changed("/request/mode", "M4")
}

test_a_count_as_a_file_is_refused if {
	"GEN-11" in valid.codes(rules.verdict.action_fits_mode) with input as valid.changed("/request/action", "aggregate")
}

test_training_on_a_copy_is_refused if {
	"GEN-11" in valid.codes(rules.verdict.action_fits_mode) with input as valid.changed("/request/action", "train")
}

test_a_missing_mode_is_refused if {
	"GEN-11" in valid.codes(rules.verdict.action_fits_mode) with input as valid.without("/request/mode")
}

test_an_enclave_inside_is_enough if {
	asked := json.patch(valid.document, [
		{"op": "replace", "path": "/request/mode", "value": "M4"},
		{"op": "replace", "path": "/user/secure_environment", "value": true},
	])
	rules.verdict.action_fits_mode == "ok" with input as asked
}
