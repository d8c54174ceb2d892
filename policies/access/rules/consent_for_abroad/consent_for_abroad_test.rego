package access.rules_test.consent_for_abroad_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.consent_for_abroad == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.consent_for_abroad with input as document
	is_set(verdict)
}

home := valid.changed("/dataset/consent", {"basis": "consent", "overseas": false})

seen_abroad := valid.with_all(home, {"/user/accessing_from": "DE"})

test_at_home_is_not_asked if ok(home)

test_abroad_without_such_consent_is_refused if {
	every changes in [
		{"/user/accessing_from": "DE"},
		{"/request/processing_location": "US-CA"},
		{"/request/recipient_overseas": true},
		{"/user/accessing_from": "HK"},
		{"/user/accessing_from": null},
		{"/request/processing_location": null},
		{"/request/recipient_overseas": null},
	] {
		said(valid.with_all(home, changes)) == {["XB-09", "deny"]}
	}
}

test_abroad_with_such_consent_is_ok if ok(valid.with_all(seen_abroad, {"/dataset/consent/overseas": true}))

test_another_basis_is_not_asked if ok(valid.with_all(seen_abroad, {"/dataset/consent/basis": "statute"}))

test_anonymised_data_is_not_asked if ok(valid.with_all(seen_abroad, {"/dataset/identifiability": "anonymised"}))

test_data_collected_abroad_is_not_asked if {
	ok(valid.with_all(seen_abroad, {"/dataset/origin": ["DE"]}))
	said(valid.with_all(seen_abroad, {"/dataset/origin": ["DE", "CN"]})) == {["XB-09", "deny"]}
	said(valid.with_all(seen_abroad, {"/dataset/origin": []})) == {["XB-09", "deny"]}
}

test_what_is_missing_is_refused if {
	every path in ["/user/accessing_from", "/request/processing_location", "/request/recipient_overseas"] {
		said(valid.lacking(home, path)) == {["XB-09", "deny"]}
	}
	every path in ["/dataset/consent", "/dataset/consent/overseas", "/dataset/origin", "/dataset/identifiability"] {
		said(valid.lacking(seen_abroad, path)) == {["XB-09", "deny"]}
	}
	said(valid.with_all(seen_abroad, {"/dataset/consent": null})) == {["XB-09", "deny"]}
}
