package access.rules_test.separate_consent_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.separate_consent == "ok" with input as document

refused(document) if valid.codes(rules.verdict.separate_consent) == {"PIPL-02"} with input as document

base := valid.changed("/dataset/consent", {"basis": "consent", "separate": true})

plain := valid.with_all(base, {"/dataset/consent/separate": false, "/dataset/contains": ["other"]})

test_separate_consent_is_ok if ok(base)

test_consent_among_other_things_is_refused if refused(valid.with_all(base, {"/dataset/consent/separate": false}))

test_what_is_missing_or_null_is_refused if {
	every path in ["/dataset/consent/separate", "/dataset/consent", "/dataset"] {
		refused(valid.lacking(base, path))
	}
	every path in ["/dataset/consent/separate", "/dataset/consent"] {
		refused(valid.with_all(base, {path: null}))
	}
}

test_another_basis_asks_for_no_consent if {
	every basis in ["statute", "public_interest", "contract", "public_data"] {
		ok(valid.changed("/dataset/consent", {"basis": basis, "separate": false}))
	}
	refused(valid.changed("/dataset/consent", {"basis": null, "separate": false}))
}

test_data_that_is_not_sensitive_asks_for_none if ok(plain)

test_every_kind_must_be_plain if {
	every kinds in [["other", "health"], ["genetic"], ["biometric"], ["imaging", "other"], ["unheard_of"], [], [null]] {
		refused(valid.with_all(plain, {"/dataset/contains": kinds}))
	}
	refused(valid.lacking(plain, "/dataset/contains"))
}

test_everything_on_children_is_sensitive if {
	refused(valid.with_all(plain, {"/dataset/under_14": true}))
	refused(valid.with_all(plain, {"/dataset/under_14": null}))
	refused(valid.lacking(plain, "/dataset/under_14"))
}

test_anonymised_data_asks_for_none if {
	ok(valid.changed("/dataset/identifiability", "anonymised"))
	refused(valid.changed("/dataset/identifiability", "deidentified"))
	refused(valid.without("/dataset/identifiability"))
}
