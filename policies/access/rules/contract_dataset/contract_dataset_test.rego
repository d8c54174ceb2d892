package access.rules_test.contract_dataset_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.contract_dataset == "ok" with input as valid.document

test_another_dataset_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_dataset)
		with input as valid.changed("/dataset/id", "urn:uuid:01920000-0000-7000-8000-00000000000f")
}

test_another_version_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_dataset)
		with input as valid.changed(
			"/dataset/version",
			"sha256:0000000000000000000000000000000000000000000000000000000000000000",
		)
}

test_a_missing_dataset_is_refused if {
	"GEN-03" in valid.codes(rules.verdict.contract_dataset) with input as valid.without("/dataset")
}
