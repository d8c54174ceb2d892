package access.rules_test.contract_security_duties_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.contract_security_duties == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.contract_security_duties with input as document
	is_set(verdict)
}

without := valid.changed("/contract/clauses", ["cn_party_data_backup", "cn_party_full_participation", "ip_shared"])

test_a_contract_that_lays_them_down_is_ok if ok(valid.changed("/contract/clauses", ["security_duties"]))

test_personal_data_without_them_is_refused if {
	every kind in ["identified", "deidentified", "limited"] {
		said(valid.with_all(without, {"/dataset/identifiability": kind})) == {["GEN-04", "deny"]}
	}
}

test_what_is_neither_personal_nor_important_is_not_asked if {
	every kind in ["anonymised", "aggregate"] {
		ok(valid.with_all(without, {"/dataset/identifiability": kind}))
	}
}

test_important_data_is_asked_even_when_anonymised if {
	anonymised := valid.with_all(without, {"/dataset/identifiability": "anonymised"})
	every important in [true, null] {
		said(valid.with_all(anonymised, {"/dataset/important_data": important})) == {["GEN-04", "deny"]}
	}
	said(valid.lacking(anonymised, "/dataset/important_data")) == {["GEN-04", "deny"]}
}

test_what_is_missing_empty_or_null_is_refused if {
	every document in [
		valid.without("/contract/clauses"),
		valid.changed("/contract/clauses", []),
		valid.changed("/contract/clauses", null),
		valid.changed("/contract/clauses", "security_duties"),
		valid.changed("/contract/clauses", {"clause": "security_duties"}),
		valid.lacking(without, "/dataset/identifiability"),
		valid.with_all(without, {"/dataset/identifiability": null}),
	] {
		said(document) == {["GEN-04", "deny"]}
	}
}
