package access.rules_test.ethics_follow_up_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ethics_follow_up == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.ethics_follow_up with input as document
	is_set(verdict)
}

now := valid.document.context.now

since(second) := valid.changed("/approvals/ethics", [valid.approval({"valid_from": second})])

old := since(now - 31536001)

test_no_approval_is_nothing_to_follow_up if ok(valid.document)

test_a_year_is_ok if ok(since(now - 31536000))

test_older_than_a_year_is_referred if said(old) == {["ETH-03", "refer"]}

test_what_is_no_research_is_not_asked if {
	ok(valid.with_all(old, {"/request/purpose/research": false}))
	said(valid.lacking(old, "/request/purpose/research")) == {["ETH-03", "refer"]}
}

test_anonymised_data_is_not_asked if {
	ok(valid.with_all(old, {"/dataset/identifiability": "anonymised"}))
	said(valid.lacking(old, "/dataset/identifiability")) == {["ETH-03", "refer"]}
}

test_what_is_missing_or_null_is_referred if {
	said(valid.without("/approvals/ethics")) == {["ETH-03", "refer"]}
	said(valid.changed("/approvals/ethics", null)) == {["ETH-03", "refer"]}
}

test_one_that_does_not_cover_is_not_followed_up if {
	ok(valid.lacking(since(now), "/approvals/ethics/0/valid_from"))
	ok(valid.with_all(old, {"/approvals/ethics/0/valid_to": now}))
	ok(valid.with_all(old, {"/approvals/ethics/0/purposes": ["P06"]}))
}

test_one_that_is_lately_is_enough if {
	approvals := [valid.approval({"valid_from": now - 31536001}), valid.approval({"valid_from": now - 31536000})]
	ok(valid.changed("/approvals/ethics", approvals))
}
