package access.rules_test.contract_reidentification_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.contract_reidentification == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.contract_reidentification with input as document
	is_set(verdict)
}

without := valid.changed("/contract/prohibitions", ["distribute", "subprocess"])

test_a_contract_that_forbids_it_is_ok if ok(valid.changed("/contract/prohibitions", ["reidentify"]))

test_one_that_does_not_is_refused if {
	every kind in ["deidentified", "limited", "anonymised", "aggregate"] {
		said(valid.with_all(without, {"/dataset/identifiability": kind})) == {["GEN-07", "deny"]}
	}
}

test_identified_data_already_says_it if ok(valid.with_all(without, {"/dataset/identifiability": "identified"}))

test_what_is_missing_empty_or_null_is_refused if {
	every document in [
		valid.without("/contract/prohibitions"),
		valid.changed("/contract/prohibitions", []),
		valid.changed("/contract/prohibitions", null),
		valid.lacking(without, "/dataset/identifiability"),
		valid.with_all(without, {"/dataset/identifiability": null}),
	] {
		said(document) == {["GEN-07", "deny"]}
	}
}
