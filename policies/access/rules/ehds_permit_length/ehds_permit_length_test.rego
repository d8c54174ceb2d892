package access.rules_test.ehds_permit_length_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_permit_length == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.ehds_permit_length with input as document
	is_set(verdict)
}

now := valid.document.context.now

under(from, to) := valid.with_all(valid.document, {
	"/dataset/origin": ["DE"],
	"/approvals/permit": [valid.approval({"valid_from": from, "valid_to": to})],
})

test_data_from_elsewhere_is_not_asked if ok(valid.document)

test_ten_years_are_ok if ok(under(now, now + 315619200))

test_a_second_longer_is_referred if said(under(now, now + 315619201)) == {["EHDS-08", "refer"]}

test_what_is_missing_or_null_is_referred if {
	every path in ["/approvals/permit", "/approvals/permit/0/valid_from", "/approvals/permit/0/valid_to"] {
		said(valid.lacking(under(now, now + 1), path)) == {["EHDS-08", "refer"]}
		said(valid.with_all(under(now, now + 1), {path: null})) == {["EHDS-08", "refer"]}
	}
	said(valid.with_all(under(now, now + 315619201), {"/dataset/origin": []})) == {["EHDS-08", "refer"]}
}
