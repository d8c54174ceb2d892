package access.obligations_test.committee_conditions_test

import data.access.obligations
import data.lib.valid_test as valid

cap := {"kind": "cap_rows", "rows": 10}

drop := {"kind": "drop", "column": "result"}

asking(demands) := object.union(valid.committee(["OURS-01"]), {"obligations": demands})

owed(document) := found if found := obligations.owed.committee_conditions with input as document

decided(decisions) := valid.changed("/approvals/committee", decisions)

test_no_decision_asks_for_nothing if {
	owed(valid.document) == set()
	owed(valid.without("/approvals/committee")) == set()
	owed(decided([asking([])])) == set()
}

test_what_it_asks_for_is_owed if {
	owed(decided([asking([cap, drop])])) == {cap, drop}
	owed(decided([asking([cap]), asking([drop])])) == {cap, drop}
}

test_a_decision_on_something_else_asks_for_nothing if {
	owed(valid.with_all(decided([asking([cap])]), {"/request/mode": "M4"})) == set()
	owed(valid.with_all(decided([asking([cap])]), {"/request/purpose/id": "P06"})) == set()
	over := {"/approvals/committee/0/valid_to": valid.document.context.now}
	owed(valid.with_all(decided([asking([cap])]), over)) == set()
}
