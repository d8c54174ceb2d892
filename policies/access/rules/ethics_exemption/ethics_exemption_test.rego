package access.rules_test.ethics_exemption_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ethics_exemption == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ethics_exemption) == {"ETH-02"} with input as document

claimed := valid.with_all(valid.document, {
	"/approvals/ethics": [valid.approval({"exempt": true})],
	"/request/purpose/commercial": false,
})

anonymised := valid.with_all(claimed, {"/dataset/identifiability": "anonymised"})

public := valid.with_all(claimed, {"/dataset/consent": {"basis": "public_data"}, "/dataset/contains": ["other"]})

test_nothing_claimed_is_ok if ok(valid.document)

test_a_review_is_ok if ok(valid.with_all(claimed, {"/approvals/ethics/0/exempt": false}))

test_a_review_beside_an_exemption_is_ok if {
	ok(valid.with_all(claimed, {"/approvals/ethics/1": valid.approval({"exempt": false})}))
	refused(valid.with_all(claimed, {"/approvals/ethics/1": valid.approval({"exempt": true})}))
}

test_personal_data_is_not_exempt if refused(claimed)

test_anonymised_data_may_be if ok(anonymised)

test_public_data_that_is_not_sensitive_may_be if {
	ok(public)
	refused(valid.with_all(public, {"/dataset/contains": ["other", "health"]}))
	refused(valid.with_all(public, {"/dataset/contains": []}))
	refused(valid.with_all(public, {"/dataset/under_14": true}))
	refused(valid.with_all(public, {"/dataset/consent/basis": "statute"}))
	refused(valid.with_all(public, {"/dataset/consent": null}))
}

test_commerce_is_never_exempt if {
	every document in [anonymised, public] {
		refused(valid.with_all(document, {"/request/purpose/commercial": true}))
		refused(valid.with_all(document, {"/request/purpose/commercial": null}))
		refused(valid.lacking(document, "/request/purpose/commercial"))
	}
}

test_what_is_no_research_is_not_asked if {
	ok(valid.with_all(claimed, {"/request/purpose/research": false}))
	refused(valid.with_all(claimed, {"/request/purpose/research": null}))
	refused(valid.lacking(claimed, "/request/purpose/research"))
}

test_what_is_missing_is_refused if {
	refused(valid.without("/approvals/ethics"))
	refused(valid.lacking(claimed, "/approvals/ethics/0/exempt"))
	refused(valid.with_all(claimed, {"/approvals/ethics/0/exempt": null}))
	refused(valid.lacking(anonymised, "/dataset/identifiability"))
}
