package access.rules_test.ehds_purpose_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_purpose == "ok" with input as document

refused(document) if valid.codes(rules.verdict.ehds_purpose) == {"EHDS-01"} with input as document

european := valid.changed("/dataset/origin", ["DE"])

asked(purpose, public) := valid.with_all(european, {"/request/purpose/id": purpose, "/participant/public_body": public})

names(document) := {found.text | some found in verdict} if verdict := rules.verdict.ehds_purpose with input as document

effects(document) := {found.effect | some found in verdict} if verdict := rules.verdict.ehds_purpose
	with input as document

open := ["P02", "P03", "P04", "P05", "P06", "P07", "P09", "P10", "P11", "P12", "P14", "P15", "P17", "P21", "P22", "P23"]

test_purposes_that_are_open_to_all if {
	every purpose in open {
		ok(asked(purpose, false))
		ok(asked(purpose, true))
	}
}

test_purposes_of_public_bodies if {
	every purpose in ["P18", "P19", "P20"] {
		ok(asked(purpose, true))
		refused(asked(purpose, false))
		names(asked(purpose, false)) == {"For this purpose European health data is given to public bodies only."}
		refused(asked(purpose, null))
		refused(valid.lacking(asked(purpose, true), "/participant/public_body"))
	}
}

test_purposes_of_none if {
	every purpose in ["P01", "P08", "P13", "X01", "P99", null] {
		refused(asked(purpose, true))
		effects(asked(purpose, true)) == {"deny"}
		names(asked(purpose, true)) == {"The purpose is none for which European health data is given."}
	}
	refused(valid.lacking(european, "/request/purpose/id"))
}

test_what_is_in_doubt_is_referred if {
	refused(asked("P16", true))
	effects(asked("P16", true)) == {"refer"}
	refused(asked("P16", false))
	effects(asked("P16", false)) == {"refer"}
}

test_data_from_elsewhere_is_free if {
	elsewhere := valid.with_all(asked("P01", false), {"/dataset/origin": ["CN", "US"]})
	ok(elsewhere)
	refused(valid.with_all(elsewhere, {"/dataset/origin": ["CN", "FR"]}))
	refused(valid.with_all(elsewhere, {"/dataset/origin": ["NO", "CN"]}))
	refused(valid.with_all(elsewhere, {"/dataset/origin": []}))
	refused(valid.lacking(elsewhere, "/dataset/origin"))
}
