package lib.approval_test

import data.lib.approval
import data.lib.valid_test as valid

now := valid.document.context.now

entry := {"code": "OURS-01", "effect": "refer"}

asked := valid.changed("/approvals/committee", valid.committee(["OURS-02", "OURS-01"]))

term(from, to) := valid.with_all(asked, {"/approvals/committee/valid_from": from, "/approvals/committee/valid_to": to})

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
