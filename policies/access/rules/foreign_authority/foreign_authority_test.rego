package access.rules_test.foreign_authority_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.foreign_authority == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.foreign_authority with input as document
	is_set(verdict)
}

asked(changes) := valid.with_all(valid.document, object.union({"/participant/kind": "regulator"}, changes))

test_others_are_not_asked if ok(valid.changed("/participant/country", "US"))

test_an_authority_at_home_is_ok if ok(asked({}))

test_a_foreign_authority_is_refused if {
	every changes in [
		{"/participant/country": "US"},
		{"/participant/country": "HK"},
		{"/participant/overseas_entity": true},
		{"/participant/country": null},
		{"/participant/overseas_entity": null},
		{"/participant/country": "US", "/participant/kind": null},
	] {
		said(asked(changes)) == {["GEN-10", "deny"]}
	}
}

test_what_is_missing_is_refused if {
	said(valid.lacking(asked({}), "/participant/country")) == {["GEN-10", "deny"]}
	said(valid.lacking(asked({}), "/participant/overseas_entity")) == {["GEN-10", "deny"]}
	said(valid.lacking(asked({"/participant/country": "US"}), "/participant/kind")) == {["GEN-10", "deny"]}
}
