package access.rules_test.duo_ethics_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

taken(path) := [{"op": "remove", "path": path}]

test_no_such_condition_is_ok if rules.verdict.duo_ethics == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics) with input as valid.without("/dataset/duo")
}

test_whatever_is_said_no_code_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([], array.concat(set_to("/approvals/ethics", [approved]), set_to("/dataset/duo", [])))
}

test_whatever_is_said_missing_codes_are_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([], array.concat(set_to("/approvals/ethics", [approved]), taken("/dataset/duo")))
}

approved := valid.approval({"purposes": ["P05"], "exempt": false})

under(changes) := object.union(approved, changes)

test_an_approval_for_this_second_is_ok if rules.verdict.duo_ethics == "ok"
	with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({})]))

test_an_approval_that_is_over_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked(
			[{"id": "DUO:0000021"}],
			set_to("/approvals/ethics", [under({"valid_to": valid.document.context.now})]),
		)
}

test_an_approval_to_come_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked(
			[{"id": "DUO:0000021"}],
			set_to("/approvals/ethics", [under({"valid_from": valid.document.context.now + 1})]),
		)
}

test_an_approval_without_a_beginning_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"valid_from": null})]))
}

test_an_approval_without_an_end_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"valid_to": null})]))
}

test_an_approval_of_another_dataset_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked(
			[{"id": "DUO:0000021"}],
			set_to("/approvals/ethics", [under({"datasets": ["urn:uuid:01920000-0000-7000-8000-000000000009"]})]),
		)
}

test_an_approval_of_no_dataset_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"datasets": []})]))
}

test_an_approval_of_another_purpose_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"purposes": ["P06"]})]))
}

test_an_approval_of_no_purpose_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"purposes": []})]))
}

test_an_exemption_is_no_approval if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"exempt": true})]))
}

test_an_approval_without_a_reference_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"ref": ""})]))
}

test_an_approval_whose_reference_is_null_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], set_to("/approvals/ethics", [under({"ref": null})]))
}

test_no_approval_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics) with input as asked([{"id": "DUO:0000021"}], [])
}

test_a_missing_approval_is_refused if {
	"DUO-21" in valid.codes(rules.verdict.duo_ethics)
		with input as asked([{"id": "DUO:0000021"}], taken("/approvals/ethics"))
}
