package access.rules_test.recipient_abroad_edges_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.recipient_abroad == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.recipient_abroad with input as document
	is_set(verdict)
}

now := valid.document.context.now

abroad := valid.with_all(valid.document, {
	"/user/accessing_from": "DE",
	"/approvals/export": [valid.approval({"mechanism": "scc"})],
})

refused(changes) if said(valid.with_all(abroad, changes)) == {["XB-05", "deny"]}

test_an_approval_for_this_second_is_ok if ok(abroad)

test_an_approval_is_for_its_term_dataset_recipient_and_purpose if {
	refused({"/approvals/export/0/valid_from": now + 1})
	refused({"/approvals/export/0/valid_to": now})
	refused({"/approvals/export/0/datasets": ["urn:uuid:01920000-0000-7000-8000-000000000009"]})
	refused({"/approvals/export/0/recipients": ["did:web:other.example"]})
	refused({"/approvals/export/0/purposes": ["P06"]})
	refused({"/approvals/export/0/purposes": []})
	refused({"/approvals/export/0/mechanism": "promise"})
	refused({"/approvals/export/0/ref": ""})
	refused({"/approvals/export": []})
	refused({"/approvals/export": null})
}

test_each_mechanism_will_do if {
	every mechanism in ["assessment", "scc", "certification"] {
		ok(valid.with_all(abroad, {"/approvals/export/0/mechanism": mechanism}))
	}
}

test_infrastructure_and_important_data_need_the_assessment if {
	every path in ["/provider/ciio", "/dataset/important_data"] {
		every mechanism in ["scc", "certification"] {
			refused({path: true, "/approvals/export/0/mechanism": mechanism})
		}
		ok(valid.with_all(abroad, {path: true, "/approvals/export/0/mechanism": "assessment"}))
		refused({path: null})
		said(valid.lacking(abroad, path)) == {["XB-05", "deny"]}
	}
}

test_of_no_origin_all_would_be_from_elsewhere if {
	every origin in [[], ["DE", "CN"]] { refused({"/dataset/origin": origin, "/approvals/export": []}) }
	said(valid.lacking(valid.with_all(abroad, {"/approvals/export": []}), "/dataset/origin")) == {["XB-05", "deny"]}
	ok(valid.with_all(abroad, {"/dataset/origin": ["DE", "HK"], "/approvals/export": []}))
}

test_only_a_file_abroad_is_storage_abroad if {
	kept := {"/request/processing_location": "US-CA", "/approvals/export": []}
	said(valid.with_all(abroad, kept)) == {["XB-05", "deny"], ["XB-12", "deny"]}
	said(valid.with_all(abroad, object.union(kept, {"/request/mode": "M3"}))) == {["XB-05", "deny"]}
	said(valid.with_all(abroad, {"/approvals/export": []})) == {["XB-05", "deny"]}
}

test_what_is_missing_is_refused if {
	every path in [
		"/approvals/export",
		"/approvals/export/0/ref",
		"/approvals/export/0/mechanism",
		"/approvals/export/0/datasets",
		"/approvals/export/0/recipients",
		"/approvals/export/0/purposes",
		"/approvals/export/0/valid_from",
		"/approvals/export/0/valid_to",
		"/dataset/id",
		"/participant/id",
		"/request/purpose/id",
		"/context/now",
	] {
		said(valid.lacking(abroad, path)) == {["XB-05", "deny"]}
	}
	said(valid.lacking(valid.document, "/request/recipient_overseas")) == {["XB-05", "deny"]}
	said(valid.lacking(valid.document, "/request/processing_location")) == {["XB-05", "deny"], ["XB-12", "deny"]}
	said(valid.changed("/request/processing_location", null)) == {["XB-05", "deny"], ["XB-12", "deny"]}
}
