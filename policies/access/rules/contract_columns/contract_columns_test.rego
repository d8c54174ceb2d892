package access.rules_test.contract_columns

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_columns == "ok" with input as valid.document

test_a_column_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.changed("/request/columns/-", "patient_name")
}

test_a_group_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.changed("/request/group_by", ["patient_name"])
}

test_a_filter_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.changed("/request/filter_columns", ["patient_name"])
}

test_a_column_not_published_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.changed("/dataset/columns", [{"name": "result", "type": "string", "role": "sensitive"}])
}

test_no_column_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.changed("/request/columns", [])
}

test_a_missing_list_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.without("/contract/columns")
}

test_every_listed_column_is_ok if rules.verdict.contract_columns == "ok" with input as valid.changed("/request/columns", ["subject_id", "age", "visit", "result", "site"])
