package access.obligations_test.drop_test

import data.access.obligations
import data.lib.valid_test as valid

test_a_name if {
	obligations.owed.drop == {{"kind": "drop", "column": "patient_name"}}
		with input as valid.changed("/request/columns", ["patient_name"])
}

test_a_column_filtered_on if {
	obligations.owed.drop == {{"kind": "drop", "column": "patient_name"}}
		with input as valid.changed("/request/filter_columns", ["patient_name"])
}

test_an_unknown_role if {
	obligations.owed.drop == {{"kind": "drop", "column": "age"}}
		with input as valid.changed("/dataset/columns/2/role", "harmless")
}

test_the_person_column if {
	obligations.owed.drop == set() with input as valid.changed("/request/columns", ["subject_id"])
}

test_a_column_not_asked_for if {
	obligations.owed.drop == set() with input as valid.changed("/request/columns", ["site"])
}

test_a_column_without_a_role if {
	obligations.owed.drop == {{"kind": "drop", "column": "age"}} with input as valid.without("/dataset/columns/2/role")
}

test_a_person_column_that_nobody_names if {
	obligations.owed.drop == {{"kind": "drop", "column": "subject_id"}}
		with input as valid.with_all(valid.document, {"/request/columns": ["subject_id"], "/dataset/person_column": null})
}
