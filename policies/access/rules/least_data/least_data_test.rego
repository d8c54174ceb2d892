package access.rules_test.least_data_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.least_data == "ok" with input as document

refused(document) if valid.codes(rules.verdict.least_data) == {"PIPL-10"} with input as document

identified := valid.changed("/dataset/identifiability", "identified")

test_what_is_not_identified_is_ok if {
	every kind in ["deidentified", "limited", "anonymised", "aggregate"] {
		ok(valid.changed("/dataset/identifiability", kind))
	}
}

test_identified_data_is_referred if {
	refused(identified)
	{found.effect | some found in rules.verdict.least_data} == {"refer"} with input as identified
}

test_an_unknown_kind_is_referred if {
	refused(valid.without("/dataset/identifiability"))
	refused(valid.changed("/dataset/identifiability", null))
	refused(valid.changed("/dataset/identifiability", "unheard of"))
}

test_care_knows_the_person if {
	ok(valid.with_all(identified, {"/request/purpose/clinical_care": true}))
	refused(valid.lacking(identified, "/request/purpose/clinical_care"))
	refused(valid.with_all(identified, {"/request/purpose/clinical_care": null}))
}
