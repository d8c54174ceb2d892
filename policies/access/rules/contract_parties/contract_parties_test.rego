package access.rules_test.contract_parties_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_parties == "ok" with input as valid.document

test_a_stranger_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties)
		with input as valid.changed("/participant/id", "did:web:stranger.example")
}

test_another_organisations_agent_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties)
		with input as valid.changed("/user/org_id", "did:web:hospital.example")
}

test_another_provider_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties)
		with input as valid.changed("/provider/id", "did:web:stranger.example")
}

test_the_provider_as_consumer_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties)
		with input as valid.changed("/contract/parties/1/role", "provider")
}

test_no_parties_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties) with input as valid.changed("/contract/parties", [])
}

test_two_consumers_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties)
		with input as valid.changed("/contract/parties/-", {"id": "did:web:stranger.example", "role": "consumer"})
}

test_a_missing_participant_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_parties) with input as valid.without("/participant")
}

test_nobody_contracts_with_itself if {
	valid.codes(rules.verdict.contract_parties) == {"GEN-03"} with input as valid.with_all(valid.document, {
		"/participant/id": "did:web:hospital.example",
		"/user/org_id": "did:web:hospital.example",
		"/contract/parties/1/id": "did:web:hospital.example",
	})
}
