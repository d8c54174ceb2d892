package access.rules_test.duo_region_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

taken(path) := [{"op": "remove", "path": path}]

test_no_such_condition_is_ok if rules.verdict.duo_region == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region) with input as valid.without("/dataset/duo")
}

test_the_region_itself_is_ok if rules.verdict.duo_region == "ok"
	with input as asked([{"id": "DUO:0000022", "regions": ["CN-BJ"]}], [])

test_a_part_of_a_country_is_ok if rules.verdict.duo_region == "ok"
	with input as asked([{"id": "DUO:0000022", "regions": ["DE", "CN"]}], [])

test_another_place_of_processing_is_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["CN-BJ"]}], set_to("/request/processing_location", "CN-SH"))
}

test_another_place_to_look_from_is_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["CN-BJ"]}], set_to("/user/accessing_from", "US"))
}

test_a_whole_country_is_not_inside_its_part if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["CN-BJ"]}], set_to("/user/accessing_from", "CN"))
}

test_a_name_that_begins_alike_is_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["DE", "CN"]}], set_to("/user/accessing_from", "CNX"))
}

test_no_regions_are_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region) with input as asked([{"id": "DUO:0000022"}], [])
}

test_empty_regions_are_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region) with input as asked([{"id": "DUO:0000022", "regions": []}], [])
}

test_a_missing_place_is_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["CN-BJ"]}], taken("/request/processing_location"))
}

test_a_place_that_is_null_is_refused if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["CN-BJ"]}], set_to("/user/accessing_from", null))
}

test_every_tag_counts if {
	"DUO-22" in valid.codes(rules.verdict.duo_region)
		with input as asked([{"id": "DUO:0000022", "regions": ["CN"]}, {"id": "DUO:0000022", "regions": ["DE"]}], [])
}
