package lib.classification_test

import data.lib.classification
import data.lib.valid_test as valid

test_from_level_three_on_quasi_identifiers_are_generalised if {
	every row in [[1, false], [2, false], [3, true], [4, true], [5, true]] {
		classification.row.generalise == row[1] with input as valid.changed("/dataset/classification/level", row[0])
	}
}

test_at_level_five_a_person_decides if {
	every row in [[1, false], [2, false], [3, false], [4, false], [5, true]] {
		classification.row.refer == row[1] with input as valid.changed("/dataset/classification/level", row[0])
	}
}

test_there_is_no_level_beside_those if {
	every level in [0, 6, null, "3"] {
		classification.row == null with input as valid.changed("/dataset/classification/level", level)
	}
}

test_a_number_of_another_scheme_says_nothing if {
	classification.row == null with input as valid.changed("/dataset/classification/scheme", "four levels")
}

test_without_a_classification_there_is_no_row if {
	not classification.row with input as valid.without("/dataset/classification")
}
