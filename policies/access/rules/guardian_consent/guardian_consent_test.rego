package access.rules_test.guardian_consent_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.guardian_consent == "ok" with input as document

refused(document) if valid.codes(rules.verdict.guardian_consent) == {"PIPL-04"} with input as document

base := valid.with_all(
	valid.document,
	{"/dataset/under_14": true, "/dataset/consent": {"basis": "statute", "guardian": true}},
)

test_adults_have_no_guardian if ok(valid.document)

test_a_guardians_consent_is_ok if ok(base)

test_children_without_it_are_refused if {
	every guardian in [false, null] {
		refused(valid.with_all(base, {"/dataset/consent/guardian": guardian}))
	}
	every path in ["/dataset/consent/guardian", "/dataset/consent"] {
		refused(valid.lacking(base, path))
	}
}

test_an_age_nobody_states_is_refused if {
	refused(valid.without("/dataset/under_14"))
	refused(valid.changed("/dataset/under_14", null))
}

test_anonymised_data_asks_for_none if {
	ok(valid.with_all(base, {"/dataset/consent": null, "/dataset/identifiability": "anonymised"}))
	refused(valid.with_all(base, {"/dataset/consent": null, "/dataset/identifiability": "deidentified"}))
}
