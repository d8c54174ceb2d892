package access.rules_test.purpose_conditions_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.purpose_conditions == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.purpose_conditions with input as document
	is_set(verdict)
}

asked(purpose, changes) := valid.with_all(valid.document, object.union({"/request/purpose/id": purpose}, changes))

test_other_purposes_have_no_condition if {
	every purpose in ["P01", "P02", "P04", "P05", "P09", "P17", "P22", "P23"] { ok(asked(purpose, {})) }
}

test_feasibility_is_counts if {
	ok(asked("P07", {"/request/mode": "M2"}))
	every mode in ["M1", "M3", "M4", "M5", null, "", ["M3"]] {
		said(asked("P07", {"/request/mode": mode})) == {["GEN-12", "deny"]}
	}
	said(valid.lacking(asked("P07", {}), "/request/mode")) == {["GEN-12", "deny"]}
}

test_the_states_purposes_are_of_public_bodies if {
	every purpose in ["P18", "P19", "P20"] {
		ok(asked(purpose, {"/participant/public_body": true}))
		said(asked(purpose, {"/participant/public_body": false})) == {["GEN-12", "deny"]}
		said(asked(purpose, {"/participant/public_body": null})) == {["GEN-12", "deny"]}
		said(asked(purpose, {"/participant/public_body": [true]})) == {["GEN-12", "deny"]}
		said(valid.lacking(asked(purpose, {}), "/participant/public_body")) == {["GEN-12", "deny"]}
	}
}

test_teaching_is_with_anonymised_data if {
	every kind in ["anonymised", "aggregate"] { ok(asked("P21", {"/dataset/identifiability": kind})) }
	every kind in ["deidentified", "limited", "identified", null, "", ["anonymised"]] {
		said(asked("P21", {"/dataset/identifiability": kind})) == {["GEN-12", "deny"]}
	}
	said(valid.lacking(asked("P21", {}), "/dataset/identifiability")) == {["GEN-12", "deny"]}
}

test_a_disease_is_named if {
	ok(asked("P03", {"/request/purpose/disease_terms": ["MONDO:0004992"]}))
	every terms in [[], null, "MONDO:0004992"] {
		said(asked("P03", {"/request/purpose/disease_terms": terms})) == {["GEN-12", "deny"]}
	}
	said(valid.lacking(asked("P03", {}), "/request/purpose/disease_terms")) == {["GEN-12", "deny"]}
}

test_ancestry_asks_a_person if {
	said(asked("P16", {})) == {["GEN-13", "refer"]}
}

test_no_purpose_is_refused if {
	said(valid.without("/request/purpose/id")) == {["GEN-01", "deny"]}
	said(asked(null, {})) == {["GEN-01", "deny"]}
}
