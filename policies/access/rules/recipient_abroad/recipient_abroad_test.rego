package access.rules_test.recipient_abroad

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.recipient_abroad == "ok" with input as valid.document

test_a_place_abroad_is_refused if {
	"XB-12" in valid.codes(rules.verdict.recipient_abroad) with input as valid.changed("/request/processing_location", "US")
}

test_a_look_from_abroad_is_refused if {
	"XB-05" in valid.codes(rules.verdict.recipient_abroad) with input as valid.changed("/user/accessing_from", "DE")
}

test_a_recipient_abroad_is_refused if {
	"XB-05" in valid.codes(rules.verdict.recipient_abroad) with input as valid.changed("/request/recipient_overseas", true)
}

test_a_name_that_begins_alike_is_refused if {
	"XB-05" in valid.codes(rules.verdict.recipient_abroad) with input as valid.changed("/user/accessing_from", "CNX")
}

test_an_unstated_place_is_refused if {
	"XB-05" in valid.codes(rules.verdict.recipient_abroad) with input as valid.without("/user/accessing_from")
}

abroad := json.patch(valid.document, [
	{"op": "replace", "path": "/user/accessing_from", "value": "DE"},
	{"op": "replace", "path": "/approvals/export", "value": approval},
])

approval := {
	"ref": "XB-1",
	"mechanism": "scc",
	"dataset": valid.document.dataset.id,
	"recipient": valid.document.participant.id,
	"purposes": ["P05"],
	"valid_from": valid.document.context.now,
	"valid_to": valid.document.context.now + 1,
}

test_an_approval_that_covers_is_enough if rules.verdict.recipient_abroad == "ok" with input as abroad

test_an_approval_ends_on_time if {
	late := json.patch(abroad, [{"op": "replace", "path": "/approvals/export/valid_to", "value": valid.document.context.now}])
	rules.verdict.recipient_abroad != "ok" with input as late
}

test_an_approval_is_for_one_recipient if {
	other := json.patch(abroad, [{"op": "replace", "path": "/approvals/export/recipient", "value": "did:web:other.example"}])
	rules.verdict.recipient_abroad != "ok" with input as other
}

test_important_data_needs_the_assessment if {
	important := json.patch(abroad, [{"op": "replace", "path": "/dataset/important_data", "value": true}])
	rules.verdict.recipient_abroad != "ok" with input as important
}

test_data_from_elsewhere_is_free if {
	elsewhere := json.patch(valid.document, [
		{"op": "replace", "path": "/user/accessing_from", "value": "DE"},
		{"op": "replace", "path": "/dataset/origin", "value": ["DE"]},
	])
	rules.verdict.recipient_abroad == "ok" with input as elsewhere
}

test_anonymised_data_is_free if {
	anonymised := json.patch(valid.document, [
		{"op": "replace", "path": "/user/accessing_from", "value": "DE"},
		{"op": "replace", "path": "/dataset/identifiability", "value": "anonymised"},
	])
	rules.verdict.recipient_abroad == "ok" with input as anonymised
}
