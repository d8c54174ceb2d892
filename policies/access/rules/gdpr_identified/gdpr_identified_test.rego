package access.rules_test.gdpr_identified_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.gdpr_identified == "ok" with input as document

refused(document) if valid.codes(rules.verdict.gdpr_identified) == {"GDPR-03"} with input as document

identified := valid.with_all(valid.document, {"/dataset/origin": ["DE"], "/dataset/identifiability": "identified"})

test_pseudonymised_data_is_ok if {
	every kind in ["deidentified", "limited", "anonymised"] {
		ok(valid.with_all(identified, {"/dataset/identifiability": kind}))
	}
}

test_identified_data_is_referred if {
	refused(identified)
	{found.effect | some found in rules.verdict.gdpr_identified} == {"refer"} with input as identified
}

test_what_is_no_research_is_not_asked if {
	ok(valid.with_all(identified, {"/request/purpose/research": false}))
	refused(valid.with_all(identified, {"/request/purpose/research": null}))
}

test_what_is_missing_or_null_is_referred if {
	every path in ["/dataset/identifiability", "/dataset/origin", "/request/purpose/research"] {
		refused(valid.lacking(identified, path))
	}
	refused(valid.with_all(identified, {"/dataset/identifiability": null}))
	refused(valid.with_all(identified, {"/dataset/origin": []}))
}

test_data_from_elsewhere_is_free if ok(valid.with_all(identified, {"/dataset/origin": ["US"]}))
