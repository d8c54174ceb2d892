package access.rules_test.withdrawals_applied_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.withdrawals_applied == "ok" with input as document

refused(document) if valid.codes(rules.verdict.withdrawals_applied) == {"PIPL-08"} with input as document

now := valid.document.context.now

base := valid.changed("/dataset/consent", {"basis": "consent", "withdrawals_applied_at": now})

at(second) := valid.with_all(base, {"/dataset/consent/withdrawals_applied_at": second})

test_just_applied_is_ok if ok(base)

test_a_day_old_is_ok if ok(at(now - 86400))

test_older_than_a_day_is_refused if refused(at(now - 86401))

test_one_to_come_is_refused if refused(at(now + 1))

test_what_is_missing_or_null_is_refused if {
	every path in ["/dataset/consent/withdrawals_applied_at", "/dataset/consent", "/context/now"] {
		refused(valid.lacking(base, path))
		refused(valid.with_all(base, {path: null}))
	}
}

test_counts_and_catalogue_have_no_limit if {
	every mode in ["M0", "M1", "M2"] {
		ok(valid.changed("/request/mode", mode))
	}
}

test_other_modes_have_one if {
	every mode in ["M3", "M4", "M5", "M6", null] {
		refused(valid.changed("/request/mode", mode))
	}
	refused(valid.without("/request/mode"))
}

test_anonymised_data_asks_for_none if {
	ok(valid.changed("/dataset/identifiability", "anonymised"))
	refused(valid.changed("/dataset/identifiability", "deidentified"))
	refused(valid.without("/dataset/identifiability"))
}
