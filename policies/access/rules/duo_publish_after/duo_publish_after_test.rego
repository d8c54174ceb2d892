package access.rules_test.duo_publish_after_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

test_no_such_condition_is_ok if rules.verdict.duo_publish_after == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-24" in valid.codes(rules.verdict.duo_publish_after) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused if {
	"DUO-24" in valid.codes(rules.verdict.duo_publish_after) with input as valid.without("/dataset/duo")
}

test_a_day_is_ok if rules.verdict.duo_publish_after == "ok"
	with input as asked([{"id": "DUO:0000024", "date": "2027-06-30"}], [])

test_no_day_is_referred if {
	["DUO-24", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_publish_after}
		with input as asked([{"id": "DUO:0000024"}], [])
}

test_a_day_that_is_null_is_referred if {
	["DUO-24", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_publish_after}
		with input as asked([{"id": "DUO:0000024", "date": null}], [])
}

test_every_tag_counts if {
	["DUO-24", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_publish_after}
		with input as asked([{"id": "DUO:0000024", "date": "2027-06-30"}, {"id": "DUO:0000024"}], [])
}

test_a_day_that_is_empty_is_referred if {
	["DUO-24", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_publish_after}
		with input as asked([{"id": "DUO:0000024", "date": ""}], [])
}
