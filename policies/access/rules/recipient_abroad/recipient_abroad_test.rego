package access.rules_test.recipient_abroad_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.recipient_abroad == "ok" with input as valid.document

test_a_place_abroad_is_refused if {
	"XB-12" in valid.codes(rules.verdict.recipient_abroad)
		with input as valid.changed("/request/processing_location", "US")
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
	{"op": "replace", "path": "/approvals/export", "value": [approval]},
])

approval := valid.approval({"mechanism": "scc", "purposes": ["P05"]})

test_an_approval_that_covers_is_enough if rules.verdict.recipient_abroad == "ok" with input as abroad

test_an_approval_ends_on_time if {
	late := json.patch(
		abroad,
		[{"op": "replace", "path": "/approvals/export/0/valid_to", "value": valid.document.context.now}],
	)
	rules.verdict.recipient_abroad != "ok" with input as late
}

test_an_approval_is_for_one_recipient if {
	other := json.patch(
		abroad,
		[{"op": "replace", "path": "/approvals/export/0/recipients", "value": ["did:web:other.example"]}],
	)
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

# A request from abroad under which so many persons would have left this year.
many(sensitive, other, adding, kinds) := valid.with_all(abroad, {
	"/exports/before": {"sensitive": sensitive, "other": other},
	"/exports/after": {"sensitive": sensitive + adding, "other": other + adding},
	"/dataset/contains": kinds,
})

under(document, mechanism) := valid.with_all(document, {"/approvals/export/0/mechanism": mechanism})

unapproved(document) := valid.with_all(document, {"/approvals/export": []})

ok(document) if rules.verdict.recipient_abroad == "ok" with input as document

refused(document, code) if valid.codes(rules.verdict.recipient_abroad) == {code} with input as document

test_a_mechanism_is_enough_below_the_thresholds if {
	every mechanism in ["scc", "certification", "assessment"] {
		ok(under(many(0, 0, 9999, ["health"]), mechanism))
		ok(under(many(9998, 0, 1, ["health"]), mechanism))
		ok(under(many(0, 999998, 1, ["other"]), mechanism))
		ok(under(many(200, 49999, 1, ["other"]), mechanism))
	}
}

test_at_the_thresholds_only_the_assessment_is if {
	every document in [
		many(0, 0, 10000, ["health"]),
		many(9999, 0, 1, ["health"]),
		many(0, 999999, 1, ["other"]),
		many(10000, 0, 0, ["other"]),
	] {
		ok(under(document, "assessment"))
		refused(under(document, "scc"), "XB-04")
		refused(under(document, "certification"), "XB-04")
		refused(unapproved(document), "XB-04")
	}
}

test_few_persons_of_other_data_need_none if {
	ok(unapproved(many(0, 0, 99999, ["other"])))
	ok(unapproved(many(0, 99998, 1, ["other"])))
	refused(unapproved(many(0, 0, 100000, ["other"])), "XB-05")
	refused(unapproved(many(0, 99999, 1, ["other"])), "XB-05")
	refused(unapproved(many(1, 0, 1, ["other"])), "XB-05")
	refused(unapproved(many(0, 0, 1, ["health"])), "XB-05")
	refused(unapproved(many(0, 0, 0, ["health"])), "XB-05")
	refused(unapproved(many(0, 0, 1, [])), "XB-05")
}

test_infrastructure_and_important_data_are_assessed_however_few if {
	few := many(0, 0, 1, ["other"])
	every place in ["/provider/ciio", "/dataset/important_data"] {
		refused(unapproved(valid.with_all(few, {place: true})), "XB-05")
		refused(unapproved(valid.lacking(few, place)), "XB-05")
		refused(under(valid.with_all(few, {place: true}), "scc"), "XB-05")
		ok(under(valid.with_all(few, {place: true}), "assessment"))
	}
}

test_what_is_not_counted_is_refused if {
	every place in ["/exports/after/sensitive", "/exports/before/other", "/exports/after", "/exports/before"] {
		refused(valid.lacking(abroad, place), "XB-05")
		refused(valid.with_all(abroad, {place: null}), "XB-05")
		refused(valid.with_all(abroad, {place: "0"}), "XB-05")
	}
	refused(valid.lacking(abroad, "/exports"), "XB-05")
}

exemptions := ["exempt_collected_abroad", "exempt_contract", "exempt_staff", "exempt_emergency"]

test_an_exemption_is_for_a_person_to_confirm if {
	every reason in exemptions {
		refused(under(abroad, reason), "XB-08")
		refused(under(many(0, 0, 10000, ["health"]), reason), "XB-08")
		refused(under(valid.with_all(abroad, {"/provider/ciio": true}), reason), "XB-08")
	}
	effects := {found.effect | some found in rules.verdict.recipient_abroad} with input as under(abroad, "exempt_staff")
	effects == {"refer"}
}

test_important_data_is_never_exempt if {
	every document in [
		valid.with_all(abroad, {"/dataset/important_data": true}),
		valid.with_all(abroad, {"/dataset/important_data": null}),
		valid.lacking(abroad, "/dataset/important_data"),
	] {
		refused(under(document, "exempt_contract"), "XB-05")
	}
}

test_an_exemption_is_none_for_others_later_or_for_what_nobody_knows if {
	every change in [
		{"/approvals/export/0/mechanism": "exempt"},
		{"/approvals/export/0/mechanism": null},
		{"/approvals/export/0/mechanism": "exempt_staff", "/approvals/export/0/purposes": []},
		{"/approvals/export/0/mechanism": "exempt_staff", "/approvals/export/0/recipients": null},
		{"/approvals/export/0/mechanism": "exempt_staff", "/approvals/export/0/valid_to": valid.document.context.now},
	] {
		refused(valid.with_all(abroad, change), "XB-05")
	}
}

test_a_mechanism_beside_an_exemption_is_enough if {
	both := [valid.approval({"mechanism": "exempt_staff", "purposes": ["P05"]}), approval]
	ok(valid.with_all(abroad, {"/approvals/export": both}))
}

test_an_exemption_does_not_let_health_data_be_kept_abroad if {
	kept := under(valid.with_all(abroad, {"/request/processing_location": "DE"}), "exempt_staff")
	valid.codes(rules.verdict.recipient_abroad) == {"XB-08", "XB-12"} with input as kept
}
