package access.rules_test.ehds_anonymised_first_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_anonymised_first == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ehds_anonymised_first) == {"EHDS-05"} with input as document

european := valid.changed("/dataset/origin", ["DE"])

effects(document) := {found.effect | some found in verdict} if verdict := rules.verdict.ehds_anonymised_first
	with input as document

test_anonymised_data_is_ok if ok(valid.with_all(european, {"/dataset/identifiability": "anonymised"}))

test_pseudonymised_data_is_referred if {
	every kind in ["deidentified", "limited"] {
		refused(valid.with_all(european, {"/dataset/identifiability": kind}))
		effects(valid.with_all(european, {"/dataset/identifiability": kind})) == {"refer"}
	}
}

test_what_is_missing_or_null_is_refused if {
	every path in ["/dataset/origin", "/dataset/identifiability"] { refused(valid.lacking(european, path)) }
	refused(valid.with_all(european, {"/dataset/identifiability": null}))
}

test_identified_data_is_denied if {
	every kind in ["identified", "unheard of", null] {
		refused(valid.with_all(european, {"/dataset/identifiability": kind}))
		effects(valid.with_all(european, {"/dataset/identifiability": kind})) == {"deny"}
	}
}

test_data_from_elsewhere_is_free if ok(valid.document)
