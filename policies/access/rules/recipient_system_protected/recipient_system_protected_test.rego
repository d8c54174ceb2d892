package access.rules_test.recipient_system_protected_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.recipient_system_protected == "ok" with input as document

refused(document) if valid.codes(rules.verdict.recipient_system_protected) == {"DSL-06"} with input as document

at(level, mode) := valid.with_all(valid.document, {"/participant/mlps_level": level, "/request/mode": mode})

test_level_three_is_ok if {
	every mode in ["M4", "M5"] {
		ok(at(3, mode))
		ok(at(4, mode))
		refused(at(2, mode))
		refused(at(0, mode))
	}
}

test_a_mode_that_leaves_the_data_asks_for_none if {
	every mode in ["M0", "M1", "M2", "M3", "M6"] {
		ok(at(2, mode))
	}
}

test_what_is_missing_or_null_is_refused if {
	refused(valid.without("/participant/mlps_level"))
	refused(valid.changed("/participant/mlps_level", null))
	refused(valid.changed("/participant/mlps_level", "three"))
	refused(at(2, null))
	refused(valid.lacking(at(2, "M3"), "/request/mode"))
}
