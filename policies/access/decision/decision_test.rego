package access.decision_test

import data.access.decision
import data.lib.valid_test as valid

required := {
	"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
	"rules": ["contract_action", "classification_mode"],
	"obligations": ["generalise", "keep_record"],
}

test_a_permit_has_no_reasons if {
	answer := decision.decision with input as valid.document with data.bundle as required
	answer.result == "permit"
	answer.reasons == []
	answer.limits == {"mode": "M5"}
	count(answer.obligations) == 2
}

test_deny_beats_refer if {
	asked := json.patch(valid.document, [
		{"op": "replace", "path": "/dataset/classification/level", "value": 5},
		{"op": "replace", "path": "/request/action", "value": "train"},
	])
	answer := decision.decision with input as asked with data.bundle as required
	answer.result == "deny"
	[reason.effect | some reason in answer.reasons] == ["deny", "deny", "refer"]
	answer.obligations == []
}

test_refer_beats_permit if {
	asked := json.patch(valid.document, [
		{"op": "replace", "path": "/dataset/classification/level", "value": 5},
		{"op": "replace", "path": "/request/mode", "value": "M3"},
	])
	answer := decision.decision with input as asked with data.bundle as required
	answer.result == "refer"
	[reason.code | some reason in answer.reasons] == ["GB-04"]
}

test_a_rule_that_is_lost_refuses if {
	lost := object.union(required, {"rules": ["contract_action", "lost"]})
	answer := decision.decision with input as valid.document with data.bundle as lost
	answer.result == "deny"
	[[reason.rule, reason.code] | some reason in answer.reasons] == [["lost", "RULE-SILENT"]]
}

test_an_obligation_that_is_lost_refuses if {
	lost := object.union(required, {"obligations": ["lost"]})
	answer := decision.decision with input as valid.document with data.bundle as lost
	answer.result == "deny"
}

test_a_bundle_that_requires_nothing_refuses if {
	empty := object.union(required, {"rules": []})
	answer := decision.decision with input as valid.document with data.bundle as empty
	answer.result == "deny"
}

# What level 5 asks of a person, in a mode that it may be delivered in.
grave := json.patch(valid.document, [
	{"op": "replace", "path": "/dataset/classification/level", "value": 5},
	{"op": "replace", "path": "/request/mode", "value": "M3"},
])

decided_on(document, codes) := answer if {
	asked := json.patch(document, [{"op": "replace", "path": "/approvals/committee", "value": [valid.committee(codes)]}])
	answer := decision.decision with input as asked with data.bundle as required
}

test_a_committee_decides_what_is_referred if {
	answer := decided_on(grave, ["GB-04"])
	answer.result == "permit"
	answer.reasons == []
	count(answer.obligations) == 2
}

test_a_committee_decides_on_what_it_names if {
	answer := decided_on(grave, ["GB-05"])
	answer.result == "refer"
	[reason.code | some reason in answer.reasons] == ["GB-04"]
}

test_a_committee_lifts_no_denial if {
	asked := json.patch(grave, [{"op": "replace", "path": "/request/mode", "value": "M5"}])
	answer := decided_on(asked, ["GB-04", "GB-03"])
	answer.result == "deny"
	[[reason.code, reason.effect] | some reason in answer.reasons] == [["GB-03", "deny"]]
}

# What the rule on data use conditions has to say of a flag and of a code nobody knows.
doubtful := valid.with_all(
	valid.document,
	{"/request/purpose/flags": ["control_set"], "/dataset/duo/1": {"id": "DUO:0000001"}},
)

doubts(document, codes) := {[reason.code, reason.effect] | some reason in answer.reasons} if {
	shown := object.union(valid.committee(codes), {"use": valid.use_of(document)})
	asked := valid.with_all(document, {"/approvals/committee": [shown]})
	answer := decision.decision
		with input as asked
		with data.bundle as object.union(required, {"rules": ["duo_permission"]})
}

test_what_a_committee_leaves_open_is_still_asked if doubts(doubtful, ["DUO-90"]) == {["DUO-99", "refer"]}

test_a_committee_decides_on_all_that_a_rule_found if doubts(doubtful, ["DUO-90", "DUO-99"]) == set()

test_a_denial_is_said_beside_what_a_committee_decided if {
	denied := valid.with_all(doubtful, {"/request/purpose/ancestry": true})
	doubts(denied, ["DUO-06", "DUO-90"]) == {["DUO-06", "deny"], ["DUO-99", "refer"]}
}

test_without_decisions_it_is_referred if {
	answer := decision.decision with input as valid.lacking(grave, "/approvals/committee") with data.bundle as required
	answer.result == "refer"
}

test_a_committee_wakes_no_rule_that_is_silent if {
	lost := object.union(required, {"rules": ["classification_mode", "lost"]})
	asked := json.patch(
		grave,
		[{"op": "replace", "path": "/approvals/committee", "value": [valid.committee(["GB-04", "RULE-SILENT"])]}],
	)
	answer := decision.decision with input as asked with data.bundle as lost
	answer.result == "deny"
	[reason.code | some reason in answer.reasons] == ["RULE-SILENT"]
}

test_a_committee_makes_no_obligation_unnecessary if {
	lost := object.union(required, {"obligations": ["lost"]})
	asked := json.patch(grave, [{"op": "replace", "path": "/approvals/committee", "value": [valid.committee(["GB-04"])]}])
	answer := decision.decision with input as asked with data.bundle as lost
	answer.result == "deny"
}

test_a_bundle_that_demands_nothing_refuses if {
	empty := object.union(required, {"obligations": []})
	answer := decision.decision with input as valid.document with data.bundle as empty
	answer.result == "deny"
	[reason.text | some reason in answer.reasons] == ["The bundle names no rules or no obligations."]
}

test_silence_is_said_to_be_silence if {
	lost := object.union(required, {"rules": ["lost"]})
	answer := decision.decision with input as valid.document with data.bundle as lost
	[reason.text | some reason in answer.reasons] == ["The rule or obligation did not answer."]
}

test_of_no_reasons_nobody_is_asked if {
	decision.result(set()) == "deny"
	decision.result({["refer"]}) == "refer"
	decision.result({["refer"], ["deny"]}) == "deny"
}

# A verdict that is no set, an empty one, and one of which a part could not be read.
test_only_a_verdict_that_could_be_read_was_told if {
	decision.told({{"code": "OURS-01"}}, {["deny"]})
	not decision.told("no", {["deny"], ["refer"]})
	not decision.told(["deny"], {["deny"]})
	not decision.told(set(), set())
	not decision.told({{"code": "OURS-01"}, {"code": "OURS-02"}}, {["deny"]})
}

# The same of what a committee decides on.
test_only_findings_that_could_be_read_are_settled if {
	decision.settled("ok")
	asked := valid.with_all(grave, {"/approvals/committee": [valid.committee(["GB-04"])]})
	found := {"code": "GB-04", "effect": "refer"}
	decision.settled({found}) with input as asked
	not decision.settled([found]) with input as asked
	not decision.settled("no") with input as asked
	not decision.settled(set()) with input as asked
	not decision.settled({found, {"code": "GB-05", "effect": "refer"}}) with input as asked
}

test_without_a_cap_nothing_may_be_delivered if {
	answer := decision.decision with input as valid.without("/dataset/classification") with data.bundle as required
	answer.limits == {"mode": "M0"}
}

test_one_obligation_that_is_lost_refuses_beside_others if {
	lost := object.union(required, {"obligations": ["keep_record", "lost"]})
	answer := decision.decision with input as valid.document with data.bundle as lost
	[[reason.rule, reason.code] | some reason in answer.reasons] == [["lost", "RULE-SILENT"]]
}
