package access.obligations_test.keep_record_test

import data.access.obligations
import data.lib.valid_test as valid

test_every_access if {
	obligations.owed.keep_record == {{"kind": "keep_record", "years": 3}}
		with input as valid.changed("/request/action", "read")
}
