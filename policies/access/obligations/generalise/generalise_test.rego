package access.obligations_test.generalise_test

import data.access.obligations
import data.lib.valid_test as valid

test_an_age if {
	obligations.owed.generalise == {{"kind": "generalise", "column": "age", "method": "band", "width": 10}}
		with input as valid.changed("/request/columns", ["age"])
}

test_a_date_grouped_by if {
	obligations.owed.generalise == {
		{"kind": "generalise", "column": "age", "method": "band", "width": 10},
		{"kind": "generalise", "column": "visit", "method": "month"},
	}
		with input as valid.changed("/request/group_by", ["visit"])
}

test_level_two if {
	obligations.owed.generalise == set() with input as valid.changed("/dataset/classification/level", 2)
}

test_level_four if {
	obligations.owed.generalise == {{"kind": "generalise", "column": "age", "method": "band", "width": 10}}
		with input as valid.changed("/dataset/classification/level", 4)
}

test_numbers_are_banded_and_times_become_months if {
	obligations.owed.generalise == {
		{"kind": "generalise", "column": "age", "method": "band", "width": 10},
		{"kind": "generalise", "column": "visit", "method": "month"},
	} with input as valid.with_all(valid.document, {
		"/request/columns": ["age", "visit"],
		"/dataset/columns/2/type": "number",
		"/dataset/columns/3/type": "datetime",
	})
}

test_a_text_has_no_method if {
	obligations.owed.generalise == set()
		with input as valid.with_all(valid.document, {"/request/columns": ["age"], "/dataset/columns/2/type": "string"})
}

test_other_roles_stay_as_they_are if {
	obligations.owed.generalise == set()
		with input as valid.with_all(valid.document, {"/request/columns": ["age"], "/dataset/columns/2/role": "sensitive"})
}
