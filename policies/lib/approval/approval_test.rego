package lib.approval_test

import data.lib.approval
import data.lib.valid_test as valid

now := valid.document.context.now

entry := {"code": "OURS-01", "effect": "refer"}

asked := valid.changed("/approvals/committee", [valid.committee(["OURS-02", "OURS-01"])])

term(from, to) := valid.with_all(
	asked,
	{"/approvals/committee/0/valid_from": from, "/approvals/committee/0/valid_to": to},
)

test_a_decision_stands_in_for_what_it_names if approval.decided(asked, entry)

test_it_never_lifts_a_denial if not approval.decided(asked, {"code": "OURS-01", "effect": "deny"})

test_it_stands_in_for_nothing_else if not approval.decided(asked, {"code": "OURS-03", "effect": "refer"})

test_it_holds_in_its_term if {
	approval.decided(term(now, now + 1), entry)
	not approval.decided(term(now + 1, now + 2), entry)
	not approval.decided(term(now - 1, now), entry)
}

test_a_time_that_is_none_is_no_term if {
	every times in [[null, now + 1], ["0", now + 1], [now, null], [now, "later"]] {
		not approval.decided(term(times[0], times[1]), entry)
	}
}

test_no_decision_decides_nothing if not approval.decided(valid.document, entry)

test_what_is_no_decision_decides_nothing if {
	every decisions in [null, "OURS-01", ["OURS-01"], [null], {"rules": ["OURS-01"]}] {
		not approval.decided(valid.changed("/approvals/committee", decisions), entry)
	}
	not approval.decided(valid.without("/approvals/committee"), entry)
}

test_a_decision_is_on_what_was_asked if {
	every path, value in {
		"/contract/id": "urn:uuid:01920000-0000-7000-8000-000000000009",
		"/request/action": "aggregate",
		"/request/mode": "M4",
		"/request/columns": ["age", "site"],
		"/request/group_by": ["site"],
		"/request/filter_columns": ["site"],
		"/dataset/id": "urn:uuid:01920000-0000-7000-8000-000000000009",
		"/participant/id": "did:web:other.example",
		"/request/purpose/id": "P06",
	} {
		not approval.decided(valid.with_all(asked, {path: value}), entry)
		not approval.decided(valid.with_all(asked, {path: null}), entry)
		not approval.decided(valid.lacking(asked, path), entry)
	}
}

test_a_decision_on_some_columns_is_one_on_fewer if approval.decided(
	valid.with_all(asked, {"/request/columns": ["age"]}),
	entry,
)

test_two_nulls_are_no_agreement if {
	every name, path in {"datasets": "/dataset/id", "recipients": "/participant/id", "purposes": "/request/purpose/id"} {
		not approval.decided(valid.with_all(asked, {path: null, sprintf("/approvals/committee/0/%s", [name]): [null]}), entry)
	}
	not approval.decided(valid.with_all(asked, {"/contract/id": null, "/approvals/committee/0/contract": null}), entry)
}

test_a_decision_that_lacks_a_part_decides_nothing if {
	needed := object.remove(valid.committee([]), ["issuer", "country", "obligations"])
	every name, _ in needed {
		not approval.decided(valid.lacking(asked, sprintf("/approvals/committee/0/%s", [name])), entry)
		not approval.decided(valid.with_all(asked, {sprintf("/approvals/committee/0/%s", [name]): null}), entry)
	}
	not approval.decided(valid.with_all(asked, {"/approvals/committee/0/ref": ""}), entry)
}

test_any_decision_will_do if {
	other := valid.committee(["OURS-09"])
	approval.decided(valid.with_all(asked, {"/approvals/committee": [other, valid.committee(["OURS-01"])]}), entry)
	not approval.decided(valid.with_all(asked, {"/approvals/committee": [other, other]}), entry)
}

test_a_decision_is_on_the_use_it_was_shown if {
	every path, value in {
		"/request/purpose/flags": ["vulnerable"],
		"/request/purpose/commercial": false,
		"/request/purpose/disease_terms": ["MONDO:0004992"],
		"/request/months": 6,
		"/request/accepts/publish": true,
		"/request/collaboration_ref": "letter-1",
		"/request/project": "PRJ-1",
		"/request/research_types": ["cohort"],
	} {
		not approval.decided(valid.with_all(asked, {path: value}), entry)
		shown := valid.with_all(asked, {path: value})
		approval.decided(valid.with_all(shown, {"/approvals/committee/0/use": valid.use_of(shown)}), entry)
	}
	every name, _ in valid.use_of(valid.document) {
		not approval.decided(valid.lacking(asked, sprintf("/approvals/committee/0/use/%s", [name])), entry)
	}
	not approval.decided(valid.with_all(asked, {"/approvals/committee/0/use": {}, "/request": {}}), entry)
}

test_a_decision_on_every_row_is_one_on_fewer_and_one_on_a_filter_is_on_that_one if {
	one := "sha256:0000000000000000000000000000000000000000000000000000000000000001"
	filtered := valid.with_all(asked, {"/request/filter_digest": one})
	approval.decided(filtered, entry)
	approval.decided(valid.with_all(filtered, {"/approvals/committee/0/use/filter_digest": one}), entry)
	not approval.decided(valid.with_all(asked, {"/approvals/committee/0/use/filter_digest": one}), entry)
	not approval.decided(valid.with_all(filtered, {"/approvals/committee/0/use/filter_digest": "sha256:2"}), entry)
}

test_a_purpose_that_is_none_is_covered_by_nothing if {
	nulls := valid.with_all(valid.document, {
		"/request/purpose/id": null,
		"/approvals/ethics": [valid.approval({"purposes": [null], "exempt": false})],
	})
	count(approval.covering("ethics", nulls)) == 0
}
