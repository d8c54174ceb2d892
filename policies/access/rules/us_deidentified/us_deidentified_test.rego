package access.rules_test.us_deidentified_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.us_deidentified == "ok" with input as document

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.us_deidentified with input as document
	is_set(verdict)
}

columns := [
	{"name": "subject_id", "type": "string", "role": "direct_identifier"},
	{"name": "result", "type": "string", "role": "sensitive"},
	{"name": "site", "type": "integer", "role": "plain"},
]

base := valid.with_all(valid.document, {
	"/dataset/origin": ["US"],
	"/dataset/identifiability": "deidentified",
	"/dataset/deidentification_report": null,
	"/dataset/columns": columns,
})

with_column(column) := valid.with_all(base, {"/dataset/columns": array.concat(columns, [column])})

reported := {"/dataset/deidentification_report": "doc-1"}

test_data_from_elsewhere_is_not_asked if {
	ok(valid.with_all(valid.document, {"/dataset/identifiability": "deidentified"}))
}

test_what_claims_nothing_of_the_kind_is_not_asked if {
	every kind in ["identified", "limited", "aggregate"] {
		ok(valid.with_all(
			with_column({"name": "n", "type": "date", "role": "direct_identifier"}),
			{"/dataset/identifiability": kind},
		))
	}
}

test_without_identifiers_it_is_ok if {
	ok(base)
	ok(valid.with_all(base, {"/dataset/identifiability": "anonymised"}))
}

test_a_direct_identifier_is_refused_whatever_an_expert_says if {
	named := with_column({"name": "patient_name", "type": "string", "role": "direct_identifier"})
	said(named) == {["US-01", "deny"], ["US-02", "deny"]}
	said(valid.with_all(named, reported)) == {["US-01", "deny"]}
}

test_dates_and_quasi_identifiers_need_an_expert if {
	every column in [
		{"name": "visit", "type": "date", "role": "plain"},
		{"name": "visit", "type": "datetime", "role": "sensitive"},
		{"name": "age", "type": "integer", "role": "quasi_identifier"},
		{"name": "age", "role": "plain"},
	] {
		said(with_column(column)) == {["US-02", "deny"]}
		ok(valid.with_all(with_column(column), reported))
		said(valid.with_all(with_column(column), {"/dataset/deidentification_report": ""})) == {["US-02", "deny"]}
		said(valid.lacking(with_column(column), "/dataset/deidentification_report")) == {["US-02", "deny"]}
	}
}

test_what_is_missing_or_empty_is_refused if {
	both := {["US-01", "deny"], ["US-02", "deny"]}
	said(valid.with_all(base, {"/dataset/columns": []})) == both
	said(valid.lacking(base, "/dataset/columns")) == both
	said(with_column({"name": "n", "type": "string"})) == both
	said(valid.lacking(base, "/dataset/person_column")) == both
	said(valid.with_all(base, {"/dataset/person_column": null})) == both
	named := with_column({"name": "patient_name", "type": "string", "role": "direct_identifier"})
	said(valid.with_all(named, {"/dataset/origin": []})) == both
	said(valid.with_all(named, {"/dataset/origin": ["DE", "US"]})) == both
	said(valid.lacking(named, "/dataset/origin")) == both
	said(valid.lacking(named, "/dataset/identifiability")) == both
}
