package access.rules_test.sdc_few_persons_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.sdc_few_persons == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.sdc_few_persons with input as document
	is_set(verdict)
}

counting(persons) := valid.with_all(valid.document, {"/request/action": "aggregate", "/dataset/persons": persons})

test_rows_are_not_counted if ok(valid.changed("/dataset/persons", 1))

test_one_more_than_the_threshold_is_ok if ok(counting(13))

test_the_threshold_is_refused if {
	every action in ["aggregate", "compute", "label", "train", null] {
		said(valid.with_all(counting(12), {"/request/action": action})) == {["SDC-01", "deny"]}
	}
}

test_nobody_is_refused if said(counting(0)) == {["SDC-01", "deny"]}

test_what_is_missing_or_null_is_refused if {
	said(counting(null)) == {["SDC-01", "deny"]}
	said(counting("many")) == {["SDC-01", "deny"]}
	said(valid.lacking(counting(13), "/dataset/persons")) == {["SDC-01", "deny"]}
	said(valid.lacking(counting(12), "/request/action")) == {["SDC-01", "deny"]}
}
