package access.rules_test.duo_research_types_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

taken(path) := [{"op": "remove", "path": path}]

test_no_such_condition_is_ok if rules.verdict.duo_research_types == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-12" in valid.codes(rules.verdict.duo_research_types) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused if {
	"DUO-12" in valid.codes(rules.verdict.duo_research_types) with input as valid.without("/dataset/duo")
}

test_whatever_is_said_no_code_is_refused if {
	"DUO-12" in valid.codes(rules.verdict.duo_research_types)
		with input as asked([], array.concat(set_to("/request/research_types", ["cohort"]), set_to("/dataset/duo", [])))
}

test_whatever_is_said_missing_codes_are_refused if {
	"DUO-12" in valid.codes(rules.verdict.duo_research_types)
		with input as asked([], array.concat(set_to("/request/research_types", ["cohort"]), taken("/dataset/duo")))
}

test_a_type_of_the_list_is_ok if rules.verdict.duo_research_types == "ok"
	with input as asked(
		[{"id": "DUO:0000012", "types": ["paediatric", "cohort"]}],
		set_to("/request/research_types", ["cohort"]),
	)

test_all_types_of_the_list_are_ok if rules.verdict.duo_research_types == "ok"
	with input as asked(
		[{"id": "DUO:0000012", "types": ["paediatric", "cohort"]}],
		set_to("/request/research_types", ["cohort", "paediatric"]),
	)

test_one_type_beside_the_list_is_refused if {
	["DUO-12", "deny"] in {[found.code, found.effect] | some found in rules.verdict.duo_research_types}
		with input as asked(
			[{"id": "DUO:0000012", "types": ["paediatric", "cohort"]}],
			set_to("/request/research_types", ["cohort", "trial"]),
		)
}

test_no_type_is_referred if {
	["DUO-12", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_research_types}
		with input as asked([{"id": "DUO:0000012", "types": ["paediatric", "cohort"]}], [])
}

test_a_missing_type_is_referred if {
	["DUO-12", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_research_types}
		with input as asked([{"id": "DUO:0000012", "types": ["paediatric", "cohort"]}], taken("/request/research_types"))
}

test_no_list_is_referred if {
	["DUO-12", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_research_types}
		with input as asked([{"id": "DUO:0000012"}], set_to("/request/research_types", ["cohort"]))
}

test_an_empty_list_is_referred if {
	["DUO-12", "refer"] in {[found.code, found.effect] | some found in rules.verdict.duo_research_types}
		with input as asked([{"id": "DUO:0000012", "types": []}], set_to("/request/research_types", ["cohort"]))
}

test_every_tag_counts if {
	["DUO-12", "deny"] in {[found.code, found.effect] | some found in rules.verdict.duo_research_types}
		with input as asked(
			[{"id": "DUO:0000012", "types": ["cohort"]}, {"id": "DUO:0000012", "types": ["trial"]}],
			set_to("/request/research_types", ["cohort"]),
		)
}

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.duo_research_types with input as document
}

# One list leaves it open, the other does not name the type.
beside := asked(
	[{"id": "DUO:0000012", "types": []}, {"id": "DUO:0000012", "types": ["cohort"]}],
	set_to("/request/research_types", ["trial"]),
)

test_what_one_list_refuses_is_not_referred_for_another if {
	said(beside) == {["DUO-12", "deny"]}
	said(valid.with_all(beside, {"/request/research_types": ["cohort"]})) == {["DUO-12", "refer"]}
}
