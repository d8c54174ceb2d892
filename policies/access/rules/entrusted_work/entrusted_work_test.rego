package access.rules_test.entrusted_work_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.entrusted_work == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.entrusted_work with input as document
	is_set(verdict)
}

labelling := valid.with_all(valid.document, {
	"/request/purpose/id": "P13",
	"/contract/purposes": ["P13", "P11"],
	"/contract/prohibitions": ["subprocess"],
})

texts(document) := count(verdict) if {
	verdict := rules.verdict.entrusted_work with input as document
	is_set(verdict)
}

test_other_work_is_not_asked if ok(valid.changed("/contract/prohibitions", []))

test_named_and_kept_is_ok if ok(labelling)

test_without_the_principals_purpose_it_is_refused if {
	every purposes in [["P13"], [], null, [null]] {
		said(valid.with_all(labelling, {"/contract/purposes": purposes})) == {["PIPL-07", "deny"]}
	}
	said(valid.lacking(labelling, "/contract/purposes")) == {["PIPL-07", "deny"]}
}

test_where_it_may_be_passed_on_it_is_refused if {
	every prohibitions in [["reidentify"], [], null] {
		said(valid.with_all(labelling, {"/contract/prohibitions": prohibitions})) == {["PIPL-07", "deny"]}
	}
	said(valid.lacking(labelling, "/contract/prohibitions")) == {["PIPL-07", "deny"]}
}

test_each_fault_is_told if {
	texts(valid.with_all(labelling, {"/contract/purposes": ["P13"]})) == 1
	texts(valid.with_all(labelling, {"/contract/prohibitions": []})) == 1
	texts(valid.with_all(labelling, {"/contract/purposes": ["P13"], "/contract/prohibitions": []})) == 2
}

test_without_a_purpose_it_is_taken_for_entrusted if {
	bare := valid.with_all(labelling, {"/contract/prohibitions": []})
	said(valid.lacking(bare, "/request/purpose/id")) == {["PIPL-07", "deny"]}
	said(valid.with_all(bare, {"/request/purpose/id": null})) == {["PIPL-07", "deny"]}
}

test_anonymised_data_is_not_asked if {
	ok(valid.with_all(labelling, {"/contract/prohibitions": [], "/dataset/identifiability": "anonymised"}))
	unbound := valid.with_all(labelling, {"/contract/prohibitions": []})
	said(valid.lacking(unbound, "/dataset/identifiability")) == {["PIPL-07", "deny"]}
}
