package lib.finding_test

import data.lib.finding
import data.lib.valid_test as valid

entry(facts) := {
	"code": "OURS-01",
	"effect": "deny",
	"text": "Said of %s.",
	"facts": facts,
	"source": "Ours",
	"remedy": "None.",
}

listed := [{"id": "DUO:0000006"}, {"id": "DUO:0000026", "users": ["a-other"]}]

test_it_says_what_stands_in_the_table if {
	finding.made(entry([])) == {
		"code": "OURS-01",
		"effect": "deny",
		"text": "Said of %s.",
		"facts": {},
		"source": "Ours",
		"remedy": "None.",
	}
}

test_the_text_is_filled_in if finding.filled(entry([]), ["M3"]).text == "Said of M3."

test_facts_are_shown_as_the_input_has_them if {
	finding.made(entry(["request.mode", "dataset.hgr"])).facts == {"request.mode": "M5", "dataset.hgr": null}
		with input as valid.document
}

test_a_fact_that_is_not_there_is_shown_as_null if {
	finding.made(entry(["request.mode"])).facts == {"request.mode": null} with input as valid.without("/request/mode")
}

test_who_else_is_let_in_is_not_shown if {
	finding.made(entry(["dataset.duo"])).facts["dataset.duo"] == [{"id": "DUO:0000006"}, {"id": "DUO:0000026"}]
		with input as valid.changed("/dataset/duo", listed)
}

test_other_lists_are_shown if {
	finding.made(entry(["request.columns"])).facts["request.columns"] == ["age", "result"] with input as valid.document
}

test_a_list_that_is_not_there_is_shown_as_null if {
	finding.made(entry(["dataset.duo"])).facts["dataset.duo"] == null with input as valid.without("/dataset/duo")
}

long(count) := [sprintf("c%d", [n]) | some n in numbers.range(1, count)]

test_ten_of_a_list_are_shown if {
	finding.made(entry(["request.columns"])).facts["request.columns"] == long(10)
		with input as valid.changed("/request/columns", long(10))
}

test_of_a_longer_one_ten_and_how_many_more if {
	finding.made(entry(["request.columns"])).facts["request.columns"] == array.concat(long(10), ["and 1 more"])
		with input as valid.changed("/request/columns", long(11))
}

test_lists_inside_are_shortened_too if {
	tag := {"id": "DUO:0000007", "disease_terms": long(12)}
	shown := {"id": "DUO:0000007", "disease_terms": array.concat(long(10), ["and 2 more"])}
	finding.made(entry(["dataset.duo"])).facts["dataset.duo"] == [shown]
		with input as valid.changed("/dataset/duo", [tag])
}
