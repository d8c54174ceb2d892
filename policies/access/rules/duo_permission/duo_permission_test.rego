package access.rules_test.duo_permission

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.duo_permission == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-00" in valid.codes(rules.verdict.duo_permission) with input as valid.changed("/dataset/duo", [])
}

test_two_permissions_is_refused if {
	"DUO-00" in valid.codes(rules.verdict.duo_permission) with input as valid.changed("/dataset/duo/-", {"id": "DUO:0000042"})
}

test_ancestry_is_refused if {
	"DUO-06" in valid.codes(rules.verdict.duo_permission) with input as valid.changed("/request/purpose/ancestry", true)
}

test_an_unproven_fact_is_refused if {
	"DUO-06" in valid.codes(rules.verdict.duo_permission) with input as valid.without("/request/purpose/ancestry")
}

test_an_unknown_code_is_refused if {
	"DUO-99" in valid.codes(rules.verdict.duo_permission) with input as valid.changed("/dataset/duo/-", {"id": "DUO:0000001"})
}

test_a_code_of_another_rule_is_not_decided_here if {
	rules.verdict.duo_permission == "ok" with input as valid.changed("/dataset/duo/-", {"id": "DUO:0000021"})
}

test_a_flag_is_refused if {
	"DUO-90" in valid.codes(rules.verdict.duo_permission) with input as valid.changed("/request/purpose/flags", ["paediatric"])
}

test_commerce_is_refused if {
	"DUO-46" in valid.codes(rules.verdict.duo_permission) with input as valid.changed("/dataset/duo/-", {"id": "DUO:0000046"})
}

test_a_missing_list_is_refused if {
	"DUO-00" in valid.codes(rules.verdict.duo_permission) with input as valid.without("/dataset/duo")
}

on_cancer(terms) := json.patch(valid.document, [
	{"op": "replace", "path": "/dataset/duo", "value": [{"id": "DUO:0000007", "disease_terms": ["MONDO:0004992"]}]},
	{"op": "replace", "path": "/request/purpose/disease_terms", "value": terms},
])

test_diseases_match_upwards_only if {
	rules.verdict.duo_permission == "ok" with input as on_cancer(["MONDO:0008903"])
	rules.verdict.duo_permission != "ok" with input as on_cancer(["MONDO:0008903", "MONDO:0005148"])
	rules.verdict.duo_permission != "ok" with input as on_cancer([])
}
