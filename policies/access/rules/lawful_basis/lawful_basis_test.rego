package access.rules_test.lawful_basis_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.lawful_basis == "ok" with input as document

refused(document) if valid.codes(rules.verdict.lawful_basis) == {"PIPL-01"} with input as document

base := valid.changed("/dataset/consent", {"basis": "statute"})

test_every_known_basis_is_ok if {
	every basis in ["consent", "statute", "public_interest", "contract", "public_data"] {
		ok(valid.with_all(base, {"/dataset/consent/basis": basis}))
	}
}

test_no_consent_record_is_refused if refused(valid.document)

test_a_basis_nobody_knows_is_refused if {
	every basis in [null, "", "habit"] {
		refused(valid.with_all(base, {"/dataset/consent/basis": basis}))
	}
}

test_what_is_missing_is_refused if {
	every path in ["/dataset/consent/basis", "/dataset/consent", "/dataset"] {
		refused(valid.lacking(base, path))
	}
}

test_what_is_not_personal_needs_none if {
	every kind in ["anonymised", "aggregate"] {
		ok(valid.changed("/dataset/identifiability", kind))
	}
}

test_de_identified_is_still_personal if {
	every kind in ["deidentified", "identified", "unheard of", null] {
		refused(valid.changed("/dataset/identifiability", kind))
	}
	refused(valid.without("/dataset/identifiability"))
}
