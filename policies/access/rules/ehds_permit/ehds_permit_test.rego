package access.rules_test.ehds_permit_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_permit == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ehds_permit) == {"EHDS-03"} with input as document

now := valid.document.context.now

base := valid.with_all(valid.document, {
	"/dataset/origin": ["CN", "DE"],
	"/approvals/permit": [valid.approval({})],
})

test_a_permit_that_covers_is_ok if ok(base)

test_no_permit_is_refused if refused(valid.changed("/dataset/origin", ["DE"]))

test_anonymised_data_needs_one_too if {
	ok(valid.with_all(base, {"/dataset/identifiability": "anonymised"}))
	refused(valid.with_all(base, {"/dataset/identifiability": "anonymised", "/approvals/permit": null}))
}

test_a_permit_begins_and_ends_on_time if {
	refused(valid.with_all(base, {"/approvals/permit/0/valid_from": now + 1}))
	refused(valid.with_all(base, {"/approvals/permit/0/valid_to": now}))
}

test_another_dataset_or_purpose_is_refused if {
	refused(valid.with_all(base, {"/dataset/id": "urn:uuid:01920000-0000-7000-8000-000000000009"}))
	refused(valid.with_all(base, {"/request/purpose/id": "P06"}))
	refused(valid.with_all(base, {"/approvals/permit/0/purposes": []}))
	refused(valid.with_all(base, {"/approvals/permit/0/ref": ""}))
}

test_two_nulls_are_no_dataset if {
	refused(valid.with_all(base, {"/approvals/permit/0/datasets": [null], "/dataset/id": null}))
}

test_what_is_missing_or_null_is_refused if {
	every path in [
		"/approvals/permit/0/ref",
		"/approvals/permit/0/datasets",
		"/approvals/permit/0/purposes",
		"/approvals/permit/0/valid_from",
		"/approvals/permit/0/valid_to",
		"/approvals/permit",
		"/dataset/id",
		"/request/purpose/id",
		"/context/now",
	] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
}

test_data_from_elsewhere_is_free if {
	ok(valid.document)
	refused(valid.changed("/dataset/origin", []))
	refused(valid.without("/dataset/origin"))
}
