package access.rules_test.ehds_environment_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_environment == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ehds_environment) == {"EHDS-04"} with input as document

european := valid.with_all(valid.document, {"/dataset/origin": ["DE"], "/request/mode": "M4"})

test_inside_the_environment_is_ok if {
	ok(european)
	ok(valid.with_all(european, {"/request/mode": "M3"}))
}

test_a_file_is_refused if {
	every mode in ["M5", "M6"] {
		refused(valid.with_all(european, {"/request/mode": mode}))
	}
}

test_what_is_missing_or_null_is_refused if {
	refused(valid.lacking(european, "/request/mode"))
	refused(valid.with_all(european, {"/request/mode": null}))
	refused(valid.without("/dataset/origin"))
	refused(valid.changed("/dataset/origin", []))
	refused(valid.lacking(valid.changed("/dataset/origin", ["DE"]), "/dataset/identifiability"))
}

test_results_that_are_not_personal_may_leave if {
	every kind in ["anonymised", "aggregate"] {
		ok(valid.with_all(european, {"/dataset/identifiability": kind, "/request/mode": "M5"}))
	}
	refused(valid.with_all(european, {"/dataset/identifiability": "deidentified", "/request/mode": "M5"}))
}

test_data_from_elsewhere_is_free if ok(valid.document)

test_the_cap_is_named if {
	rules.cap.ehds_environment == "M4" with input as european
	rules.cap.ehds_environment == "M4" with input as valid.without("/dataset/origin")
	not rules.cap.ehds_environment with input as valid.document
	not rules.cap.ehds_environment with input as valid.with_all(european, {"/dataset/identifiability": "anonymised"})
	"Personal data of European origin stays in a secure processing environment: mode M4 at most." in texts
}

texts := {found.text | some found in verdict} if verdict := rules.verdict.ehds_environment
	with input as valid.changed("/dataset/origin", ["DE"])
