package access.rules_test.contract_action_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_action == "ok" with input as valid.document

test_an_action_not_listed_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_action) with input as valid.changed("/request/action", "train")
}

test_no_actions_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_action) with input as valid.changed("/contract/actions", [])
}

test_a_missing_list_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_action) with input as valid.without("/contract/actions")
}
