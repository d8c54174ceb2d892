package access.rules_test.sdc_row_view_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.sdc_row_view == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.sdc_row_view with input as document
	is_set(verdict)
}

looked_at(changes) := valid.with_all(
	valid.document,
	object.union({"/request/mode": "M4", "/request/columns": ["result", "site"]}, changes),
)

test_other_modes_are_not_asked if {
	every mode in ["M2", "M3", "M5"] { ok(valid.with_all(valid.document, {"/request/mode": mode, "/dataset/persons": 1})) }
}

test_columns_that_tell_nobody_apart_are_ok if {
	ok(looked_at({}))
	ok(looked_at({"/request/columns": ["subject_id", "result"]}))
	ok(looked_at({"/dataset/persons": 5}))
}

test_quasi_identifiers_are_referred if {
	every changes in [
		{"/request/columns": ["age", "result"]},
		{"/request/filter_columns": ["age"]},
		{"/request/group_by": ["visit"]},
		{"/request/columns": ["age", "result"], "/dataset/persons": 5},
	] {
		said(looked_at(changes)) == {["SDC-07", "refer"]}
	}
}

test_fewer_persons_are_refused if {
	every persons in [4, 0, null, "many"] {
		said(looked_at({"/dataset/persons": persons})) == {["SDC-07", "deny"]}
	}
	said(valid.lacking(looked_at({}), "/dataset/persons")) == {["SDC-07", "deny"]}
}

test_what_is_missing_is_referred if {
	said(valid.lacking(looked_at({}), "/request/columns")) == {["SDC-07", "refer"]}
	said(looked_at({"/request/columns": []})) == {["SDC-07", "refer"]}
	said(valid.lacking(looked_at({}), "/dataset/columns")) == {["SDC-07", "refer"]}
	said(valid.lacking(looked_at({}), "/dataset/columns/4/role")) == {["SDC-07", "refer"]}
	said(valid.lacking(looked_at({"/request/columns": ["age"]}), "/request/mode")) == {["SDC-07", "refer"]}
	said(looked_at({"/request/columns": ["age"], "/request/mode": null})) == {["SDC-07", "refer"]}
}
