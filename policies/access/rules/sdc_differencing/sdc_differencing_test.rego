package access.rules_test.sdc_differencing_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.sdc_differencing == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.sdc_differencing with input as document
	is_set(verdict)
}

filtered(names) := valid.with_all(valid.document, {"/request/action": "aggregate", "/request/filter_columns": names})

test_shared_columns_are_ok if {
	ok(filtered([]))
	ok(filtered(["age", "site"]))
}

test_rows_are_not_asked if ok(valid.with_all(filtered(["subject_id"]), {"/request/action": "read"}))

test_what_picks_persons_is_referred if {
	every names in [["subject_id"], ["site", "patient_name"], ["moon"]] {
		said(filtered(names)) == {["SDC-04", "refer"]}
	}
}

test_what_is_missing_or_null_is_referred if {
	said(filtered(null)) == {["SDC-04", "refer"]}
	said(valid.lacking(filtered([]), "/request/filter_columns")) == {["SDC-04", "refer"]}
	said(valid.lacking(filtered(["subject_id"]), "/request/action")) == {["SDC-04", "refer"]}
	every path in ["/dataset/columns", "/dataset/person_column"] {
		said(valid.lacking(filtered(["site"]), path)) == {["SDC-04", "refer"]}
	}
}
