package access.rules_test.contract_in_force_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_in_force == "ok" with input as valid.document

test_a_revoked_contract_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/status", "revoked")
}

test_a_missing_status_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.without("/contract/status")
}

test_the_first_second_is_ok if rules.verdict.contract_in_force == "ok"
	with input as valid.changed("/context/now", 1795305600)

test_the_second_before_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/context/now", 1795305599)
}

test_the_last_second_is_ok if rules.verdict.contract_in_force == "ok"
	with input as valid.changed("/context/now", 1795478399)

test_the_end_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/context/now", 1795478400)
}

test_an_altered_contract_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/digest_ok", false)
}

test_a_failed_signature_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force)
		with input as valid.changed("/contract/signatures/0/valid", false)
}

test_a_missing_signature_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.without("/contract/signatures/1")
}

test_no_signatures_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force) with input as valid.changed("/contract/signatures", [])
}

test_a_strangers_signature_is_refused if {
	"GEN-02" in valid.codes(rules.verdict.contract_in_force)
		with input as valid.changed(
			"/contract/signatures/-",
			{"party": "did:web:stranger.example", "alg": "ES256", "valid": true},
		)
}

# What is wrong, by the words it is told in.
wrong(document) := {word |
	words := {
		"not active": "status",
		"not the one that was signed": "digest",
		"has not begun or is over": "term",
		"one valid signature": "signatures",
	}
	some found in verdict
	some part, word in words
	contains(found.text, part)
} if {
	verdict := rules.verdict.contract_in_force with input as document
}

test_each_fault_is_told_and_no_other if {
	wrong(valid.changed("/contract/status", "suspended")) == {"status"}
	wrong(valid.changed("/contract/digest_ok", false)) == {"digest"}
	wrong(valid.without("/contract/digest_ok")) == {"digest"}
	wrong(valid.changed("/context/now", 1795305599)) == {"term"}
	wrong(valid.changed("/context/now", 1795478400)) == {"term"}
	wrong(valid.without("/contract/valid_from")) == {"term"}
	wrong(valid.without("/contract/valid_to")) == {"term"}
	wrong(valid.changed("/contract/signatures/1/valid", false)) == {"signatures"}
	wrong(valid.without("/contract/signatures/1/valid")) == {"signatures"}
	wrong(valid.without("/contract/signatures")) == {"signatures"}
	wrong(valid.without("/contract/parties")) == {"signatures"}
}

test_all_faults_are_told if {
	wrong({}) == {"status", "digest", "term", "signatures"}
}

# One party that signs for itself, and nobody at all, would be everybody that there is.
test_fewer_than_two_parties_are_refused if {
	alone := valid.with_all(valid.document, {
		"/contract/parties": [{"id": "did:web:pharma.example", "role": "consumer"}],
		"/contract/signatures": [{"party": "did:web:pharma.example", "alg": "ES256", "valid": true}],
	})
	wrong(alone) == {"signatures"}
	wrong(valid.with_all(alone, {"/contract/parties": [], "/contract/signatures": []})) == {"signatures"}
}

test_the_same_party_twice_is_refused if {
	twice := [
		{"party": "did:web:pharma.example", "alg": "ES256", "valid": true},
		{"party": "did:web:pharma.example", "alg": "ES256", "valid": true},
	]
	wrong(valid.changed("/contract/signatures", twice)) == {"signatures"}
}

test_a_stranger_in_the_place_of_a_party_is_refused if {
	wrong(valid.changed("/contract/signatures/0/party", "did:web:stranger.example")) == {"signatures"}
}

test_the_first_second_is_not_told_as_a_fault_beside_another if {
	wrong(valid.with_all(valid.document, {"/context/now": 1795305600, "/contract/status": "suspended"})) == {"status"}
}
