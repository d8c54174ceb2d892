package access.rules_test.input_complete_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.input_complete == "ok" with input as valid.document

test_a_missing_time_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as valid.without("/context/now")
}

test_a_text_for_a_time_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as valid.changed("/contract/valid_to", "later")
}

test_a_null_for_a_version_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as valid.changed("/dataset/version", null)
}

test_an_empty_document_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.input_complete) with input as {}
}

# Every place the rule names, and every place its table names: without it, with a null, and with a value of another
# kind.
places := {
	"/context/now": "number",
	"/participant/id": "string",
	"/provider/id": "string",
	"/dataset/id": "string",
	"/dataset/version": "string",
	"/dataset/identifiability": "string",
	"/dataset/source_level": "number",
	"/dataset/columns": "array",
	"/contract/valid_from": "number",
	"/contract/valid_to": "number",
	"/request/mode": "string",
	"/request/columns": "array",
	"/request/group_by": "array",
	"/request/filter_columns": "array",
	"/request/purpose/flags": "array",
	"/request/purpose/disease_terms": "array",
}

others := {"number": "5", "string": 5, "array": "none"}

test_each_place_must_be_of_its_kind if {
	every path, kind in places {
		every document in [valid.without(path), valid.changed(path, null), valid.changed(path, others[kind])] {
			verdict := rules.verdict.input_complete with input as document
			[found.text | some found in verdict] == [
				sprintf("The input has no %s at %s.", [kind, concat(".", array.slice(split(path, "/"), 1, 9))]),
			]
		}
	}
}

test_the_table_names_no_other_place if {
	named := {sprintf("/%s", [concat("/", place.path)]): place.type |
		some place in rules.input_complete.table.places
	}
	named == places
}
