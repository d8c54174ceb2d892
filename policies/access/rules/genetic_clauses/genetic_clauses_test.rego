package access.rules_test.genetic_clauses_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.genetic_clauses == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.genetic_clauses with input as document
	is_set(verdict)
}

needed := {"cn_party_data_backup", "cn_party_full_participation", "ip_shared"}

# A company in Beijing under foreign control asks for 480 exomes, in place.
foreign := valid.with_all(valid.document, {
	"/participant/foreign_equity_pct": 100,
	"/dataset/hgr": {"information": true, "seq": "exome", "persons": 480},
	"/request/mode": "M3",
	"/contract/clauses": ["cn_party_data_backup", "cn_party_full_participation", "ip_shared"],
})

stating(clauses) := valid.with_all(foreign, {"/contract/clauses": clauses})

test_all_three_are_ok if ok(foreign)

texts(document) := [found.text | some found in verdict] if verdict := rules.verdict.genetic_clauses
	with input as document

lacking := "A foreign party uses human genetic resources, and the contract lacks the clauses: %s."

test_each_that_is_missing_is_refused_and_named if {
	every clause in needed {
		rest := stating([other | some other in (needed - {clause})])
		said(rest) == {["HGR-10", "deny"]}
		texts(rest) == [sprintf(lacking, [clause])]
	}
}

test_all_that_are_missing_are_named_in_one_finding if {
	texts(stating(["ip_shared"])) == [sprintf(lacking, ["cn_party_full_participation, cn_party_data_backup"])]
}

test_a_party_at_home_is_not_asked if {
	ok(valid.with_all(stating([]), {"/participant/foreign_equity_pct": 49}))
	said(valid.with_all(stating([]), {"/participant/foreign_equity_pct": 50})) == {["HGR-10", "deny"]}
}

test_other_data_is_not_asked if {
	ok(valid.with_all(stating([]), {"/dataset/hgr": null}))
	ok(valid.with_all(stating([]), {"/dataset/hgr/information": false}))
	said(valid.lacking(stating([]), "/dataset/hgr")) == {["HGR-10", "deny"]}
}

test_what_is_missing_empty_or_null_is_refused if {
	every clauses in [[], null, "ip_shared", {"clauses": "ip_shared"}] { said(stating(clauses)) == {["HGR-10", "deny"]} }
	said(stating({clause: clause | some clause in needed})) == {["HGR-10", "deny"]}
	said(valid.lacking(foreign, "/contract/clauses")) == {["HGR-10", "deny"]}
	said(valid.lacking(foreign, "/contract")) == {["HGR-10", "deny"]}
}
