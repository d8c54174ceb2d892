package access.obligations_test.generalise

import data.access.obligations
import data.lib.valid_test as valid

test_an_age if {
	obligations.owed.generalise == {{"kind": "generalise", "column": "age", "method": "band", "width": 10}} with input as valid.changed("/request/columns", ["age"])
}

test_a_date_grouped_by if {
	obligations.owed.generalise == {{"kind": "generalise", "column": "age", "method": "band", "width": 10}, {"kind": "generalise", "column": "visit", "method": "month"}} with input as valid.changed("/request/group_by", ["visit"])
}

test_level_two if {
	obligations.owed.generalise == set() with input as valid.changed("/dataset/classification/level", 2)
}

test_level_four if {
	obligations.owed.generalise == {{"kind": "generalise", "column": "age", "method": "band", "width": 10}} with input as valid.changed("/dataset/classification/level", 4)
}
