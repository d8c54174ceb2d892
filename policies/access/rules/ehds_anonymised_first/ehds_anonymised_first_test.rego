package access.rules_test.ehds_anonymised_first

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_anonymised_first == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ehds_anonymised_first) == {"EHDS-05"} with input as document

now := valid.document.context.now

european := valid.changed("/dataset/origin", ["DE"])

decided := valid.with_all(european, {"/approvals/committee": [valid.committee(["EHDS-05"])]})

effects(document) := {found.effect | some found in verdict} if verdict := rules.verdict.ehds_anonymised_first with input as document

test_anonymised_data_is_ok if ok(valid.with_all(european, {"/dataset/identifiability": "anonymised"}))

test_pseudonymised_data_is_referred if {
	every kind in ["deidentified", "limited"] {
		refused(valid.with_all(european, {"/dataset/identifiability": kind}))
		effects(valid.with_all(european, {"/dataset/identifiability": kind})) == {"refer"}
	}
}

test_a_committee_may_decide if ok(decided)

test_a_committee_of_another_code_or_time_may_not if {
	refused(valid.with_all(decided, {"/approvals/committee/0/rules": ["EHDS-03"]}))
	refused(valid.with_all(decided, {"/approvals/committee/0/rules": []}))
	refused(valid.with_all(decided, {"/approvals/committee/0/valid_from": now + 1}))
	refused(valid.with_all(decided, {"/approvals/committee/0/valid_to": now}))
}

test_what_is_missing_or_null_is_refused if {
	every path in [
		"/approvals/committee/0/rules",
		"/approvals/committee/0/valid_from",
		"/approvals/committee/0/valid_to",
		"/approvals/committee",
		"/dataset/identifiability",
		"/context/now",
	] {
		refused(valid.lacking(decided, path))
		refused(valid.with_all(decided, {path: null}))
	}
	refused(valid.lacking(european, "/dataset/origin"))
}

test_identified_data_is_denied_whatever_a_committee_says if {
	every kind in ["identified", "unheard of", null] {
		refused(valid.with_all(decided, {"/dataset/identifiability": kind}))
		effects(valid.with_all(decided, {"/dataset/identifiability": kind})) == {"deny"}
	}
}

test_data_from_elsewhere_is_free if ok(valid.document)
