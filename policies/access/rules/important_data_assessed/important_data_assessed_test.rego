package access.rules_test.important_data_assessed_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.important_data_assessed == "ok" with input as document

refused(document) if valid.codes(rules.verdict.important_data_assessed) == {"DSL-02"} with input as document

now := valid.document.context.now

base := valid.with_all(valid.document, {
	"/dataset/important_data": true,
	"/request/mode": "M3",
	"/approvals/risk_assessment": [valid.approval({})],
})

at(second) := valid.with_all(base, {"/approvals/risk_assessment/0/valid_from": second})

texts(document) := {found.text | some found in verdict} if verdict := rules.verdict.important_data_assessed
	with input as document

test_other_data_asks_for_none if ok(valid.document)

test_assessed_and_in_place_is_ok if ok(base)

test_a_year_old_is_ok if ok(at(now - 31536000))

test_older_than_a_year_is_refused if refused(at(now - 31536001))

test_one_to_come_is_refused if refused(at(now + 1))

test_what_is_missing_or_null_is_refused if {
	every path in [
		"/approvals/risk_assessment/0/ref",
		"/approvals/risk_assessment/0/valid_from",
		"/approvals/risk_assessment",
		"/context/now",
		"/request/mode",
	] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
	refused(valid.with_all(base, {"/approvals/risk_assessment/0/ref": ""}))
}

test_data_nobody_has_judged_is_taken_for_important if {
	refused(valid.without("/dataset/important_data"))
	refused(valid.changed("/dataset/important_data", null))
}

test_a_mode_above_the_limit_is_refused if {
	ok(valid.with_all(base, {"/request/mode": "M2"}))
	refused(valid.with_all(base, {"/request/mode": "M4"}))
}

test_each_reason_is_given_where_it_holds if {
	texts(at(0)) == {"This is important data, and no risk assessment of the last year is on file."}
	texts(valid.with_all(base, {"/request/mode": "M5"})) == {"Important data is delivered up to mode M3 only."}
	count(texts(valid.changed("/dataset/important_data", true))) == 2
}

test_the_cap_is_named if {
	rules.cap.important_data_assessed == "M3" with input as base
	rules.cap.important_data_assessed == "M3" with input as valid.without("/dataset/important_data")
	not rules.cap.important_data_assessed with input as valid.document
}
