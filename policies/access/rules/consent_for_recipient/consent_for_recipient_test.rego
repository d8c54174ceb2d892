package access.rules_test.consent_for_recipient_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.consent_for_recipient == "ok" with input as document

refused(document) if valid.codes(rules.verdict.consent_for_recipient) == {"PIPL-03"} with input as document

base := valid.changed(
	"/dataset/consent",
	{"basis": "consent", "recipients": ["did:web:other.example", valid.document.participant.id]},
)

test_a_recipient_that_is_named_is_ok if ok(base)

test_another_recipient_is_refused if {
	refused(valid.with_all(base, {"/participant/id": "did:web:stranger.example"}))
	refused(valid.with_all(base, {"/dataset/consent/recipients": ["did:web:other.example"]}))
}

test_nobody_named_is_nobody_permitted if refused(valid.with_all(base, {"/dataset/consent/recipients": []}))

test_what_is_missing_or_null_is_refused if {
	every path in ["/dataset/consent/recipients", "/dataset/consent", "/participant/id"] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
}

test_another_basis_asks_for_no_consent if {
	ok(valid.changed("/dataset/consent", {"basis": "statute", "recipients": []}))
	refused(valid.changed("/dataset/consent", {"basis": null, "recipients": []}))
}

test_anonymised_data_asks_for_none if {
	ok(valid.changed("/dataset/identifiability", "anonymised"))
	refused(valid.changed("/dataset/identifiability", "deidentified"))
	refused(valid.without("/dataset/identifiability"))
}
