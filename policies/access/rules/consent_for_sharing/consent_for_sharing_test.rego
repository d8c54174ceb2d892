package access.rules_test.consent_for_sharing_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.consent_for_sharing == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.consent_for_sharing with input as document
	is_set(verdict)
}

base := valid.changed("/dataset/consent", {"basis": "consent", "sharing_clause": true})

silent := valid.with_all(base, {"/dataset/consent/sharing_clause": false})

test_a_form_that_speaks_of_it_is_ok if ok(base)

test_one_that_does_not_is_referred if said(silent) == {["ETH-04", "refer"]}

test_what_is_missing_empty_or_null_is_referred if {
	every document in [
		valid.lacking(base, "/dataset/consent/sharing_clause"),
		valid.with_all(base, {"/dataset/consent/sharing_clause": null}),
		valid.with_all(base, {"/dataset/consent/sharing_clause": "true"}),
		valid.with_all(base, {"/dataset/consent": null}),
		valid.with_all(base, {"/dataset/consent": {}}),
		valid.lacking(base, "/dataset/consent"),
	] {
		said(document) == {["ETH-04", "refer"]}
	}
}

test_another_basis_is_not_asked if {
	ok(valid.with_all(silent, {"/dataset/consent/basis": "statute"}))
	said(valid.with_all(silent, {"/dataset/consent/basis": "habit"})) == {["ETH-04", "refer"]}
	said(valid.with_all(silent, {"/dataset/consent/basis": null})) == {["ETH-04", "refer"]}
	said(valid.lacking(silent, "/dataset/consent/basis")) == {["ETH-04", "refer"]}
}

test_what_is_no_research_is_not_asked if {
	ok(valid.with_all(silent, {"/request/purpose/research": false}))
	said(valid.with_all(silent, {"/request/purpose/research": null})) == {["ETH-04", "refer"]}
	said(valid.lacking(silent, "/request/purpose/research")) == {["ETH-04", "refer"]}
}

test_anonymised_data_is_not_asked if {
	ok(valid.with_all(silent, {"/dataset/identifiability": "anonymised"}))
	said(valid.with_all(silent, {"/dataset/identifiability": null})) == {["ETH-04", "refer"]}
	said(valid.lacking(silent, "/dataset/identifiability")) == {["ETH-04", "refer"]}
}
