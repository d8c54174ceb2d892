package access.rules_test.purpose_prohibited_test

import data.access.rules
import data.lib.valid_test as valid

test_the_valid_document_is_ok if rules.verdict.purpose_prohibited == "ok" with input as valid.document

test_marketing_is_refused if {
	"EHDS-02" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "X01")
}

test_insurance_is_refused if {
	"EHDS-02" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "X02")
}

test_decisions_on_persons_is_refused if {
	"EHDS-02" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "X03")
}

test_reidentification_is_refused if {
	"GEN-07" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "X04")
}

test_harmful_products_is_refused if {
	"EHDS-02" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "X05")
}

test_sale_is_refused if {
	"HGR-09" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "X06")
}

test_an_unknown_purpose_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.changed("/request/purpose/id", "P99")
}

test_a_missing_purpose_is_refused if {
	"GEN-01" in valid.codes(rules.verdict.purpose_prohibited) with input as valid.without("/request/purpose")
}
