package access.rules_test.genetic_trade_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.genetic_trade == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.genetic_trade with input as document
	is_set(verdict)
}

# Asked for by a party at home: to sell is refused to everybody.
exomes := valid.changed("/dataset/hgr", {"information": true, "seq": "exome", "persons": 480})

priced(price) := valid.with_all(exomes, {"/contract/price": price})

test_free_or_at_cost_is_ok if {
	every price in ["free", "cost_recovery"] { ok(priced(price)) }
}

test_another_price_is_refused if said(priced("other")) == {["HGR-09", "deny"]}

test_a_price_that_is_not_stated_is_refused if {
	every price in [null, "", [], ["free"], 0] { said(priced(price)) == {["HGR-09", "deny"]} }
	said(valid.lacking(exomes, "/contract/price")) == {["HGR-09", "deny"]}
	said(valid.lacking(exomes, "/contract")) == {["HGR-09", "deny"]}
}

test_other_data_is_not_asked if {
	ok(valid.with_all(priced("other"), {"/dataset/hgr": null}))
	ok(valid.with_all(priced("other"), {"/dataset/hgr/information": false}))
}

test_data_that_does_not_say_so_is_asked if {
	said(valid.lacking(priced("other"), "/dataset/hgr")) == {["HGR-09", "deny"]}
	said(valid.lacking(priced("other"), "/dataset/hgr/information")) == {["HGR-09", "deny"]}
	said(valid.with_all(priced("other"), {"/dataset/hgr/information": null})) == {["HGR-09", "deny"]}
}
