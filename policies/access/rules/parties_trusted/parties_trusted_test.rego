package access.rules_test.parties_trusted_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.parties_trusted == "ok" with input as valid.document

test_an_unverified_consumer_is_refused if {
	"GEN-05" in valid.codes(rules.verdict.parties_trusted)
		with input as valid.changed("/participant/identity_verified", false)
}

test_an_unverified_provider_is_refused if {
	"GEN-05" in valid.codes(rules.verdict.parties_trusted)
		with input as valid.changed("/provider/identity_verified", false)
}

test_no_statement_is_refused if {
	"GEN-05" in valid.codes(rules.verdict.parties_trusted)
		with input as valid.changed("/dataset/provenance_statement", null)
}

test_a_blocked_consumer_is_refused if {
	"GEN-08" in valid.codes(rules.verdict.parties_trusted) with input as valid.changed("/participant/blocked", true)
}

test_a_blocked_provider_is_refused if {
	"GEN-08" in valid.codes(rules.verdict.parties_trusted) with input as valid.changed("/provider/blocked", true)
}

test_a_missing_block_is_refused if {
	"GEN-08" in valid.codes(rules.verdict.parties_trusted) with input as valid.without("/provider/blocked")
}

test_an_empty_source_statement_is_refused if {
	valid.codes(rules.verdict.parties_trusted) == {"GEN-05"}
		with input as valid.changed("/dataset/provenance_statement", "")
}

# What is wrong, by the words it is told in.
wrong(document) := {word |
	words := {"identity of one": "identity", "where the data comes from": "origin", "is blocked": "blocked"}
	some found in verdict
	some part, word in words
	contains(found.text, part)
} if {
	verdict := rules.verdict.parties_trusted with input as document
}

test_each_fault_is_told_and_no_other if {
	every side in ["participant", "provider"] {
		wrong(valid.changed(sprintf("/%s/identity_verified", [side]), false)) == {"identity"}
		wrong(valid.without(sprintf("/%s/identity_verified", [side]))) == {"identity"}
		wrong(valid.changed(sprintf("/%s/blocked", [side]), true)) == {"blocked"}
		wrong(valid.without(sprintf("/%s/blocked", [side]))) == {"blocked"}
	}
	wrong(valid.without("/dataset/provenance_statement")) == {"origin"}
	wrong({}) == {"identity", "origin", "blocked"}
}
