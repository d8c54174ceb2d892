package access.rules_test.sdc_one_person_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.sdc_one_person == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.sdc_one_person with input as document
	is_set(verdict)
}

grouped(names) := valid.with_all(valid.document, {"/request/action": "aggregate", "/request/group_by": names})

test_shared_columns_are_ok if {
	ok(grouped([]))
	ok(grouped(["age", "visit", "result", "site"]))
}

test_the_person_column_is_refused if {
	said(grouped(["subject_id"])) == {["SDC-06", "deny"]}
	said(grouped(["site", "subject_id"])) == {["SDC-06", "deny"]}
	said(valid.with_all(grouped(["site"]), {"/dataset/person_column": "site"})) == {["SDC-06", "deny"]}
}

test_a_direct_identifier_is_refused if {
	said(grouped(["patient_name"])) == {["SDC-06", "deny"]}
	ok(valid.with_all(grouped(["site"]), {"/dataset/person_column": null}))
}

test_a_column_nobody_knows_is_refused if said(grouped(["moon"])) == {["SDC-06", "deny"]}

test_what_is_missing_or_null_is_refused if {
	said(grouped(null)) == {["SDC-06", "deny"]}
	said(valid.without("/request/group_by")) == {["SDC-06", "deny"]}
	every path in ["/dataset/columns", "/dataset/person_column"] {
		said(valid.lacking(grouped(["site"]), path)) == {["SDC-06", "deny"]}
	}
	said(valid.lacking(grouped(["site"]), "/dataset/columns/5/role")) == {["SDC-06", "deny"]}
	said(valid.with_all(grouped(["site"]), {"/dataset/columns": []})) == {["SDC-06", "deny"]}
}
