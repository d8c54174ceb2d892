package access.rules_test.genetic_ethics_test

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

approved := valid.approval({"purposes": ["P05"], "exempt": false})

under(changes) := object.union(approved, changes)

test_an_approval_for_this_second_is_ok if rules.verdict.genetic_ethics == "ok"
	with input as changed("/approvals/ethics", [under({})])

test_an_approval_that_is_over_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"valid_to": valid.document.context.now})])
}

test_an_approval_to_come_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"valid_from": valid.document.context.now + 1})])
}

test_an_approval_without_a_beginning_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"valid_from": null})])
}

test_an_approval_without_an_end_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"valid_to": null})])
}

test_an_approval_of_another_dataset_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"datasets": ["urn:uuid:01920000-0000-7000-8000-000000000009"]})])
}

test_an_approval_of_no_dataset_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"datasets": []})])
}

test_an_approval_of_another_purpose_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"purposes": ["P06"]})])
}

test_an_approval_of_no_purpose_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"purposes": []})])
}

test_an_exemption_is_no_approval if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"exempt": true})])
}

test_an_approval_without_a_reference_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics) with input as changed("/approvals/ethics", [under({"ref": ""})])
}

test_an_approval_whose_reference_is_null_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics)
		with input as changed("/approvals/ethics", [under({"ref": null})])
}

test_data_without_genetic_resources_is_not_asked if rules.verdict.genetic_ethics == "ok"
	with input as changed("/dataset/hgr", null)

test_data_that_is_no_such_information_is_not_asked if rules.verdict.genetic_ethics == "ok"
	with input as changed("/dataset/hgr/information", false)

test_a_party_at_home_is_not_asked if rules.verdict.genetic_ethics == "ok"
	with input as changed("/participant/foreign_equity_pct", 49)

test_missing_hgr_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics) with input as without("/dataset/hgr")
}

test_missing_information_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics) with input as without("/dataset/hgr/information")
}

test_an_unstated_share_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics) with input as without("/participant/foreign_equity_pct")
}

test_no_approval_is_denied if {
	["HGR-08", "deny"] in {[found.code, found.effect] | some found in rules.verdict.genetic_ethics} with input as foreign
}

test_a_missing_approval_is_refused if {
	"HGR-08" in valid.codes(rules.verdict.genetic_ethics) with input as without("/approvals/ethics")
}

german := valid.approval({"country": "DE", "exempt": false})

given(country, approvals) := json.patch(
	changed("/approvals/ethics", approvals),
	[{"op": "add", "path": "/participant/country", "value": country}],
)

refused(document) if valid.codes(rules.verdict.genetic_ethics) == {"HGR-08"} with input as document

test_a_party_of_another_country_needs_the_approval_of_both if {
	rules.verdict.genetic_ethics == "ok" with input as given("DE", [approved, german])
	refused(given("DE", [approved]))
	refused(given("DE", [german]))
	refused(given("FR", [approved, german]))
	refused(given(null, [approved, german]))
	refused(json.patch(given("DE", [approved, german]), [{"op": "remove", "path": "/participant/country"}]))
}

# Whether there is none, or one of two.
looked_at(document) := found.facts if {
	some found in rules.verdict.genetic_ethics with input as document
}

test_a_refusal_says_whether_there_is_one if {
	object.keys(looked_at(given("DE", [approved]))) == {"approvals.ethics", "participant.country"}
	object.keys(looked_at(given("DE", []))) == {"approvals.ethics", "dataset.id", "request.purpose.id", "context.now"}
}

test_the_approval_of_a_party_at_home_is_of_its_country if refused(given("CN", [german]))

test_an_exemption_abroad_is_none if refused(given("DE", [approved, object.union(german, {"exempt": true})]))
