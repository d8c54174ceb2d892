package access.rules_test.classification_mode

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.classification_mode == "ok" with input as valid.document

test_no_classification_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification", null)
}

test_an_unknown_scheme_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification/scheme", "four levels")
}

test_a_level_of_no_scheme_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification/level", 6)
}

test_level_zero_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification/level", 0)
}

test_a_file_that_is_not_limited_is_refused if {
	"GB-03" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/identifiability", "deidentified")
}

test_level_four_is_refused if {
	"GB-03" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification/level", 4)
}

test_level_five_is_refused if {
	"GB-04" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/classification/level", 5)
}

test_no_report_is_refused if {
	"GB-05" in valid.codes(rules.verdict.classification_mode) with input as valid.changed("/dataset/deidentification_report", null)
}

test_a_missing_classification_is_refused if {
	"GB-01" in valid.codes(rules.verdict.classification_mode) with input as valid.without("/dataset/classification")
}

test_the_cap_is_named if {
	rules.cap.classification_mode == "M5" with input as valid.document
	rules.cap.classification_mode == "M4" with input as valid.changed("/dataset/identifiability", "deidentified")
	not rules.cap.classification_mode with input as valid.changed("/dataset/classification", null)
}
