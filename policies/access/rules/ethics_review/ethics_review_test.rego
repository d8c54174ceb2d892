package access.rules_test.ethics_review_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ethics_review == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ethics_review) == {"ETH-01"} with input as document

now := valid.document.context.now

base := valid.changed("/approvals/ethics", [valid.approval({"purposes": ["P05"], "exempt": false})])

test_a_decision_that_covers_is_ok if ok(base)

test_no_decision_is_refused if refused(valid.document)

test_a_decision_begins_and_ends_on_time if {
	refused(valid.with_all(base, {"/approvals/ethics/0/valid_from": now + 1}))
	refused(valid.with_all(base, {"/approvals/ethics/0/valid_to": now}))
}

test_another_dataset_or_purpose_is_refused if {
	refused(valid.with_all(base, {"/dataset/id": "urn:uuid:01920000-0000-7000-8000-000000000009"}))
	refused(valid.with_all(base, {"/request/purpose/id": "P06"}))
}

test_an_empty_scope_covers_nothing if {
	refused(valid.with_all(base, {"/approvals/ethics/0/datasets": []}))
	refused(valid.with_all(base, {"/approvals/ethics/0/purposes": []}))
	refused(valid.with_all(base, {"/approvals/ethics/0/ref": ""}))
}

test_what_is_missing_or_null_is_refused if {
	every path in [
		"/approvals/ethics/0/ref",
		"/approvals/ethics/0/datasets",
		"/approvals/ethics/0/purposes",
		"/approvals/ethics/0/valid_from",
		"/approvals/ethics/0/valid_to",
		"/approvals/ethics",
		"/dataset/id",
		"/request/purpose/id",
		"/context/now",
	] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
}

test_what_is_no_research_asks_for_none if {
	ok(valid.changed("/request/purpose/research", false))
	refused(valid.changed("/request/purpose/research", null))
	refused(valid.without("/request/purpose/research"))
}

test_anonymised_data_asks_for_none if {
	ok(valid.changed("/dataset/identifiability", "anonymised"))
	refused(valid.changed("/dataset/identifiability", "deidentified"))
	refused(valid.without("/dataset/identifiability"))
}
