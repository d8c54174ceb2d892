package access.rules_test.duo_publish_test

import data.access.rules
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

taken(path) := [{"op": "remove", "path": path}]

test_no_such_condition_is_ok if rules.verdict.duo_publish == "ok" with input as valid.document

test_no_code_is_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish) with input as valid.changed("/dataset/duo", [])
}

test_missing_codes_are_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish) with input as valid.without("/dataset/duo")
}

test_whatever_is_said_no_code_is_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish)
		with input as asked([], array.concat(set_to("/request/accepts/publish", true), set_to("/dataset/duo", [])))
}

test_whatever_is_said_missing_codes_are_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish)
		with input as asked([], array.concat(set_to("/request/accepts/publish", true), taken("/dataset/duo")))
}

test_a_promise_is_ok if rules.verdict.duo_publish == "ok"
	with input as asked([{"id": "DUO:0000019"}], set_to("/request/accepts/publish", true))

test_no_promise_is_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish) with input as asked([{"id": "DUO:0000019"}], [])
}

test_a_missing_promise_is_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish)
		with input as asked([{"id": "DUO:0000019"}], taken("/request/accepts/publish"))
}

test_a_promise_that_is_null_is_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish)
		with input as asked([{"id": "DUO:0000019"}], set_to("/request/accepts/publish", null))
}

test_missing_promises_are_refused if {
	"DUO-19" in valid.codes(rules.verdict.duo_publish)
		with input as asked([{"id": "DUO:0000019"}], taken("/request/accepts"))
}
