package access.obligations_test.pseudonymise_test

import data.access.obligations
import data.lib.valid_test as valid

test_the_person_column if {
	obligations.owed.pseudonymise == {{"kind": "pseudonymise", "column": "subject_id"}}
		with input as valid.changed("/request/columns", ["subject_id", "site"])
}

test_a_person_column_of_any_role if {
	obligations.owed.pseudonymise == {{"kind": "pseudonymise", "column": "age"}}
		with input as valid.changed("/dataset/person_column", "age")
}

test_no_person_column if {
	obligations.owed.pseudonymise == set() with input as valid.changed("/dataset/person_column", null)
}
