package access.rules_test.genetic_partner_test

import data.access.rules
import data.lib.valid_test as valid

# A company in Beijing under foreign control asks for 480 exomes, in place.
foreign := json.patch(valid.document, [
	{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 100},
	{"op": "replace", "path": "/dataset/hgr", "value": exomes},
	{"op": "replace", "path": "/dataset/contains", "value": ["genetic"]},
	{"op": "replace", "path": "/request/mode", "value": "M3"},
])

exomes := {
	"information": true,
	"seq": "exome",
	"persons": 480,
	"important_pedigree": false,
	"specific_region": false,
	"other_trigger": false,
}

changed(path, value) := json.patch(foreign, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(foreign, [{"op": "remove", "path": path}])

test_a_chinese_hospital_is_ok if rules.verdict.genetic_partner == "ok" with input as foreign

alone := json.patch(foreign, [{"op": "replace", "path": "/provider/foreign_control", "value": true}])

test_a_foreign_provider_is_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner) with input as alone
}

test_nothing_is_asked_of_other_data if rules.verdict.genetic_partner == "ok"
	with input as json.patch(alone, [{"op": "replace", "path": "/dataset/hgr", "value": null}])

test_nothing_is_asked_of_other_information if rules.verdict.genetic_partner == "ok"
	with input as json.patch(alone, [{"op": "replace", "path": "/dataset/hgr/information", "value": false}])

test_nothing_is_asked_of_a_party_at_home if rules.verdict.genetic_partner == "ok"
	with input as json.patch(alone, [{"op": "replace", "path": "/participant/foreign_equity_pct", "value": 0}])

test_missing_hgr_is_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner)
		with input as json.patch(alone, [{"op": "remove", "path": "/dataset/hgr"}])
}

test_another_kind_is_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner) with input as changed("/provider/kind", "regulator")
}

test_a_missing_kind_is_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner) with input as without("/provider/kind")
}

test_a_missing_provider_is_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner) with input as without("/provider")
}

test_a_stranger_is_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner)
		with input as changed("/provider/id", "did:web:stranger.example")
}

test_no_parties_are_refused if {
	"HGR-04" in valid.codes(rules.verdict.genetic_partner) with input as changed("/contract/parties", [])
}
