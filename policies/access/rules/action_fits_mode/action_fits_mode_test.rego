package access.rules_test.action_fits_mode_test

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

# Action, mode, and whether the agent is in a secure environment: all that fits, and nothing else does.
fitting := {
	["read", "M4", true],
	["read", "M5", true],
	["read", "M5", false],
	["aggregate", "M2", true],
	["aggregate", "M2", false],
	["aggregate", "M3", true],
	["aggregate", "M3", false],
	["compute", "M3", true],
	["compute", "M3", false],
	["label", "M3", true],
	["label", "M3", false],
	["train", "M3", true],
	["train", "M3", false],
}

test_what_fits_and_nothing_else if {
	asked := {[action, mode, secure] |
		some action in ["read", "aggregate", "compute", "label", "train"]
		some mode in ["M0", "M1", "M2", "M3", "M4", "M5", "M6"]
		some secure in [true, false]
	}
	count(asked) == 70
	{each | some each in asked; rules.verdict.action_fits_mode == "ok" with input as valid.with_all(valid.document, {
		"/request/action": each[0],
		"/request/mode": each[1],
		"/user/secure_environment": each[2],
	})} == fitting
}
