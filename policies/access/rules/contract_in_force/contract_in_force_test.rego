package access.rules_test.contract_in_force

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_in_force == "ok" with input as valid.document

test_a_revoked_contract_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/status", "revoked")
}

test_a_missing_status_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.without("/contract/status")
}

test_the_first_second_is_ok if rules.verdict.contract_in_force == "ok" with input as valid.changed("/context/now", 1795305600)

test_the_second_before_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/context/now", 1795305599)
}

test_the_last_second_is_ok if rules.verdict.contract_in_force == "ok" with input as valid.changed("/context/now", 1795478399)

test_the_end_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/context/now", 1795478400)
}

test_an_altered_contract_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/digest_ok", false)
}

test_a_failed_signature_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/signatures/0/valid", false)
}

test_a_missing_signature_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.without("/contract/signatures/1")
}

test_no_signatures_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/signatures", [])
}

test_a_strangers_signature_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/signatures/-", {"party": "did:web:stranger.example", "alg": "ES256", "valid": true})
}
