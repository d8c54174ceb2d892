package access.rules_test.duo_recipients_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

taken(path) := [{"op": "remove", "path": path}]

test_no_such_condition_is_ok if rules.verdict.duo_recipients == "ok" with input as valid.document

test_no_code_is_refused_26 if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused_26 if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients) with input as valid.without("/dataset/duo")
}

test_no_code_is_refused_27 if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused_27 if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients) with input as valid.without("/dataset/duo")
}

test_no_code_is_refused_28 if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused_28 if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients) with input as valid.without("/dataset/duo")
}

test_one_of_the_users_is_ok if rules.verdict.duo_recipients == "ok"
	with input as asked(
		[{"id": "DUO:0000026", "users": ["a-other", valid.document.user.id]}],
		set_to("/user/id", valid.document.user.id),
	)

test_none_of_the_users_is_refused if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000026", "users": ["a-other"]}], set_to("/user/id", valid.document.user.id))
}

test_no_users_are_refused if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000026", "users": []}], set_to("/user/id", valid.document.user.id))
}

test_missing_users_are_refused if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000026"}], set_to("/user/id", valid.document.user.id))
}

test_nobody_of_the_users_is_refused if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000026", "users": [valid.document.user.id]}], taken("/user/id"))
}

test_null_of_the_users_is_refused if {
	"DUO-26" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000026", "users": [valid.document.user.id]}], set_to("/user/id", null))
}

test_one_of_the_projects_is_ok if rules.verdict.duo_recipients == "ok"
	with input as asked([{"id": "DUO:0000027", "projects": ["PRJ-2", "PRJ-1"]}], set_to("/request/project", "PRJ-1"))

test_none_of_the_projects_is_refused if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000027", "projects": ["PRJ-2"]}], set_to("/request/project", "PRJ-1"))
}

test_no_projects_are_refused if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000027", "projects": []}], set_to("/request/project", "PRJ-1"))
}

test_missing_projects_are_refused if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000027"}], set_to("/request/project", "PRJ-1"))
}

test_nobody_of_the_projects_is_refused if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000027", "projects": ["PRJ-1"]}], taken("/request/project"))
}

test_null_of_the_projects_is_refused if {
	"DUO-27" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000027", "projects": ["PRJ-1"]}], set_to("/request/project", null))
}

test_one_of_the_institutions_is_ok if rules.verdict.duo_recipients == "ok"
	with input as asked(
		[{"id": "DUO:0000028", "institutions": ["did:web:other.example", valid.document.participant.id]}],
		set_to("/participant/id", valid.document.participant.id),
	)

test_none_of_the_institutions_is_refused if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients)
		with input as asked(
			[{"id": "DUO:0000028", "institutions": ["did:web:other.example"]}],
			set_to("/participant/id", valid.document.participant.id),
		)
}

test_no_institutions_are_refused if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients)
		with input as asked(
			[{"id": "DUO:0000028", "institutions": []}],
			set_to("/participant/id", valid.document.participant.id),
		)
}

test_missing_institutions_are_refused if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients)
		with input as asked([{"id": "DUO:0000028"}], set_to("/participant/id", valid.document.participant.id))
}

test_nobody_of_the_institutions_is_refused if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients)
		with input as asked(
			[{"id": "DUO:0000028", "institutions": [valid.document.participant.id]}],
			taken("/participant/id"),
		)
}

test_null_of_the_institutions_is_refused if {
	"DUO-28" in valid.codes(rules.verdict.duo_recipients)
		with input as asked(
			[{"id": "DUO:0000028", "institutions": [valid.document.participant.id]}],
			set_to("/participant/id", null),
		)
}

test_only_what_does_not_hold_is_said if {
	valid.codes(rules.verdict.duo_recipients) == {"DUO-28"} with input as asked(
		[
			{"id": "DUO:0000026", "users": [valid.document.user.id]},
			{"id": "DUO:0000028", "institutions": ["did:web:other.example"]},
		],
		[],
	)
}

test_every_list_counts if {
	valid.codes(rules.verdict.duo_recipients) == {"DUO-26", "DUO-27", "DUO-28"} with input as asked(
		[
			{"id": "DUO:0000026", "users": ["a-other"]},
			{"id": "DUO:0000027", "projects": ["PRJ-2"]},
			{"id": "DUO:0000028", "institutions": ["did:web:other.example"]},
		],
		set_to("/request/project", "PRJ-1"),
	)
}

test_a_null_on_the_list_names_nobody if {
	valid.codes(rules.verdict.duo_recipients) == {"DUO-26"}
		with input as asked([{"id": "DUO:0000026", "users": [null]}], set_to("/user/id", null))
}
