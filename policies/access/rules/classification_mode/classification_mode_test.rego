package access.rules_test.classification_mode_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.classification_mode == "ok" with input as valid.document

test_no_classification_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification", null)
}

test_an_unknown_scheme_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/classification/scheme", "four levels")
}

test_a_level_of_no_scheme_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/classification/level", 6)
}

test_level_zero_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/classification/level", 0)
}

test_a_file_that_is_not_limited_is_refused if {
	"GB-03" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/identifiability", "deidentified")
}

test_level_four_is_refused if {
	"GB-03" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/classification/level", 4)
}

test_level_five_is_refused if {
	"GB-04" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/classification/level", 5)
}

test_no_report_is_refused if {
	"GB-05" in valid.codes(rules.verdict.classification_mode)
		with input as valid.changed("/dataset/deidentification_report", null)
}

test_a_missing_classification_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.without("/dataset/classification")
}

test_the_cap_is_named if {
	rules.cap.classification_mode == "M5" with input as valid.document
	rules.cap.classification_mode == "M4" with input as valid.changed("/dataset/identifiability", "deidentified")
	not rules.cap.classification_mode with input as valid.changed("/dataset/classification", null)
}

said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.classification_mode with input as document
}

ok(document) if rules.verdict.classification_mode == "ok" with input as document

at(level, mode, identifiability) := valid.with_all(valid.document, {
	"/dataset/classification/level": level,
	"/dataset/source_level": level,
	"/dataset/deidentification_report": null,
	"/dataset/identifiability": identifiability,
	"/request/mode": mode,
})

test_the_highest_mode_of_each_level_is_ok if {
	ok(at(1, "M6", "deidentified"))
	ok(at(2, "M5", "deidentified"))
	ok(at(3, "M4", "deidentified"))
	ok(at(3, "M5", "limited"))
	ok(at(4, "M3", "limited"))
}

test_the_next_mode_is_refused if {
	every document in [
		at(2, "M6", "deidentified"),
		at(3, "M5", "deidentified"),
		at(3, "M6", "limited"),
		at(4, "M4", "limited"),
	] {
		said(document) == {["GB-03", "deny"]}
	}
}

test_level_five_asks_a_person if {
	said(at(5, "M3", "identified")) == {["GB-04", "refer"]}
	said(at(5, "M4", "identified")) == {["GB-03", "deny"], ["GB-04", "refer"]}
}

test_a_level_below_its_source_needs_a_report if {
	lowered := valid.with_all(at(3, "M4", "deidentified"), {"/dataset/source_level": 4})
	said(lowered) == {["GB-05", "deny"]}
	said(valid.with_all(lowered, {"/dataset/deidentification_report": ""})) == {["GB-05", "deny"]}
	said(valid.lacking(lowered, "/dataset/deidentification_report")) == {["GB-05", "deny"]}
	said(valid.lacking(lowered, "/dataset/source_level")) == {["GB-05", "deny"]}
	ok(valid.with_all(lowered, {"/dataset/deidentification_report": "doc-1"}))
	ok(valid.with_all(lowered, {"/dataset/source_level": 2}))
}

test_without_a_classification_nothing_else_is_said if {
	said(valid.changed("/dataset/classification", null)) == {["GB-01", "deny"]}
	unlevelled := valid.lacking(at(3, "M4", "deidentified"), "/dataset/classification/level")
	said(unlevelled) == {["GB-01", "deny"], ["GB-05", "deny"]}
	said(valid.without("/request/mode")) == {["GB-03", "deny"]}
}
