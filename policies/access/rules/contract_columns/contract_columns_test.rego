package access.rules_test.contract_columns_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_columns == "ok" with input as valid.document

test_a_column_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns)
		with input as valid.changed("/request/columns/-", "patient_name")
}

test_a_group_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns)
		with input as valid.changed("/request/group_by", ["patient_name"])
}

test_a_filter_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns)
		with input as valid.changed("/request/filter_columns", ["patient_name"])
}

test_a_column_not_published_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns)
		with input as valid.changed("/dataset/columns", [{"name": "result", "type": "string", "role": "sensitive"}])
}

test_no_column_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.changed("/request/columns", [])
}

test_a_missing_list_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_columns) with input as valid.without("/contract/columns")
}

test_every_listed_column_is_ok if rules.verdict.contract_columns == "ok"
	with input as valid.changed("/request/columns", ["subject_id", "age", "visit", "result", "site"])

ok(document) if rules.verdict.contract_columns == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.contract_columns with input as document
	is_set(verdict)
}

test_only_a_count_may_do_without_columns if {
	ok(valid.with_all(valid.document, {"/request/columns": [], "/request/action": "aggregate"}))
	every action in ["read", "compute", "label", "train", null] {
		said(valid.with_all(valid.document, {"/request/columns": [], "/request/action": action})) == {["GEN-03", "deny"]}
	}
}

test_what_is_grouped_by_or_filtered_on_counts if {
	every place in ["/request/group_by", "/request/filter_columns"] {
		ok(valid.changed(place, ["site"]))
		said(valid.changed(place, ["patient_name"])) == {["GEN-03", "deny"]}
		granted := {place: ["moon"], "/contract/columns": ["age", "result", "moon"]}
		said(valid.with_all(valid.document, granted)) == {["GEN-03", "deny"]}
	}
}

test_what_is_missing_is_refused if {
	every path in [
		"/request/columns",
		"/request/group_by",
		"/request/filter_columns",
		"/contract/columns",
		"/dataset/columns",
	] {
		said(valid.without(path)) == {["GEN-03", "deny"]}
	}
}
