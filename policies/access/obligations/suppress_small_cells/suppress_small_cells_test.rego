package access.obligations_test.suppress_small_cells_test

import data.access.obligations
import data.lib.valid_test as valid

test_a_count if {
	obligations.owed.suppress_small_cells == {{"kind": "suppress_small_cells", "threshold": 12, "complementary": true}}
		with input as valid.changed("/request/action", "aggregate")
}

test_rows if {
	obligations.owed.suppress_small_cells == set() with input as valid.changed("/request/action", "read")
}
