package access.rules_test.ehds_opt_out_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.ehds_opt_out == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.ehds_opt_out with input as document
	is_set(verdict)
}

now := valid.document.context.now

european := valid.with_all(valid.document, {
	"/dataset/origin": ["DE"],
	"/dataset/consent": {"withdrawals_applied_at": now - 10},
	"/approvals/permit": [valid.approval({"valid_from": now - 10})],
})

test_data_from_elsewhere_is_not_asked if ok(valid.document)

test_anonymised_data_is_not_asked if {
	ok(valid.with_all(valid.document, {"/dataset/origin": ["DE"], "/dataset/identifiability": "anonymised"}))
}

test_applied_when_the_permit_was_given_is_ok if ok(european)

test_applied_since_is_ok if {
	ok(valid.with_all(european, {"/dataset/consent/withdrawals_applied_at": now - 9}))
	ok(valid.with_all(european, {"/dataset/consent/withdrawals_applied_at": now}))
}

test_applied_a_second_before_is_refused if {
	said(valid.with_all(european, {"/dataset/consent/withdrawals_applied_at": now - 11})) == {["EHDS-06", "deny"]}
}

test_one_to_come_is_refused if {
	said(valid.with_all(european, {"/dataset/consent/withdrawals_applied_at": now + 1})) == {["EHDS-06", "deny"]}
}

test_what_is_missing_or_null_is_refused if {
	every path in [
		"/dataset/consent",
		"/dataset/consent/withdrawals_applied_at",
		"/approvals/permit",
		"/approvals/permit/0/valid_from",
	] {
		said(valid.lacking(european, path)) == {["EHDS-06", "deny"]}
		said(valid.with_all(european, {path: null})) == {["EHDS-06", "deny"]}
	}
	said(valid.lacking(european, "/context/now")) == {["EHDS-06", "deny"]}
	stale := valid.with_all(european, {"/dataset/consent/withdrawals_applied_at": now - 11})
	every path in ["/dataset/identifiability", "/dataset/origin"] {
		said(valid.lacking(stale, path)) == {["EHDS-06", "deny"]}
	}
}
