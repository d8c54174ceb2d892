package access.rules_test.impact_assessment_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.impact_assessment == "ok" with input as document

refused(document) if valid.codes(rules.verdict.impact_assessment) == {"PIPL-06"} with input as document

now := valid.document.context.now

base := valid.changed("/approvals/pia", [valid.approval({})])

test_an_assessment_on_file_is_ok if ok(base)

test_no_assessment_is_refused if refused(valid.document)

test_one_to_come_is_refused if refused(valid.with_all(base, {"/approvals/pia/0/valid_from": now + 1}))

test_an_old_one_still_counts if ok(valid.with_all(base, {"/approvals/pia/0/valid_from": 0}))

test_what_is_missing_or_null_is_refused if {
	every path in ["/approvals/pia/0/ref", "/approvals/pia/0/valid_from", "/approvals/pia", "/context/now"] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
	refused(valid.with_all(base, {"/approvals/pia/0/ref": ""}))
}

test_anonymised_data_asks_for_none if {
	ok(valid.changed("/dataset/identifiability", "anonymised"))
	refused(valid.changed("/dataset/identifiability", "deidentified"))
	refused(valid.without("/dataset/identifiability"))
}
