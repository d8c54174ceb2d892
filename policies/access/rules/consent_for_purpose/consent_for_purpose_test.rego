package access.rules_test.consent_for_purpose_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.consent_for_purpose == "ok" with input as document

refused(document) if valid.codes(rules.verdict.consent_for_purpose) == {"PIPL-05"} with input as document

base := valid.changed("/dataset/consent", {"basis": "consent", "purposes": ["P02", "P05"]})

test_a_purpose_that_is_named_is_ok if ok(base)

test_another_purpose_is_refused if refused(valid.with_all(base, {"/request/purpose/id": "P06"}))

test_no_purposes_permit_none if refused(valid.with_all(base, {"/dataset/consent/purposes": []}))

test_what_is_missing_or_null_is_refused if {
	every path in ["/dataset/consent/purposes", "/dataset/consent", "/request/purpose/id"] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
}

test_another_basis_asks_for_no_consent if {
	ok(valid.changed("/dataset/consent", {"basis": "statute", "purposes": []}))
	refused(valid.changed("/dataset/consent", {"basis": null, "purposes": []}))
}

test_anonymised_data_asks_for_none if {
	ok(valid.changed("/dataset/identifiability", "anonymised"))
	refused(valid.changed("/dataset/identifiability", "deidentified"))
	refused(valid.without("/dataset/identifiability"))
}
