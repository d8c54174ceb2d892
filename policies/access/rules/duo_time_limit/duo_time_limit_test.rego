package access.rules_test.duo_time_limit_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

taken(path) := [{"op": "remove", "path": path}]

test_no_such_condition_is_ok if rules.verdict.duo_time_limit == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit) with input as valid.without("/dataset/duo")
}

test_whatever_is_said_no_code_is_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit)
		with input as asked([], array.concat(set_to("/request/months", 1), set_to("/dataset/duo", [])))
}

test_whatever_is_said_missing_codes_are_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit)
		with input as asked([], array.concat(set_to("/request/months", 1), taken("/dataset/duo")))
}

test_as_many_months_are_ok if rules.verdict.duo_time_limit == "ok"
	with input as asked([{"id": "DUO:0000025", "months": 12}], set_to("/request/months", 12))

test_one_month_more_is_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit)
		with input as asked([{"id": "DUO:0000025", "months": 12}], set_to("/request/months", 13))
}

test_no_months_are_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit) with input as asked([{"id": "DUO:0000025", "months": 12}], [])
}

test_missing_months_are_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit)
		with input as asked([{"id": "DUO:0000025", "months": 12}], taken("/request/months"))
}

test_a_limit_without_months_is_refused if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit)
		with input as asked([{"id": "DUO:0000025"}], set_to("/request/months", 1))
}

test_every_tag_counts if {
	"DUO-25" in valid.codes(rules.verdict.duo_time_limit)
		with input as asked(
			[{"id": "DUO:0000025", "months": 12}, {"id": "DUO:0000025", "months": 6}],
			set_to("/request/months", 12),
		)
}

test_a_limit_that_is_no_number_is_refused if {
	every months in ["12", null, []] {
		valid.codes(rules.verdict.duo_time_limit) == {"DUO-25"}
			with input as asked([{"id": "DUO:0000025", "months": months}], set_to("/request/months", 6))
	}
}
