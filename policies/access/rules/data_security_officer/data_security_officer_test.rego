package access.rules_test.data_security_officer_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.data_security_officer == "ok" with input as document

referred(document) if {
	verdict := rules.verdict.data_security_officer with input as document
	valid.codes(verdict) == {"DSL-04"}
	{found.effect | some found in verdict} == {"refer"}
}

held(persons) := valid.changed("/provider/persons_held", persons)

test_few_persons_ask_for_nobody if {
	ok(valid.document)
	ok(held(0))
	ok(held(9999999))
}

test_from_ten_million_on_somebody_is_in_charge if {
	referred(held(10000000))
	referred(held(1400000000))
	ok(valid.with_all(held(10000000), {"/provider/security_officer": true}))
}

test_one_dataset_is_enough if {
	referred(valid.changed("/dataset/persons", 10000000))
	ok(valid.changed("/dataset/persons", 9999999))
	ok(valid.with_all(valid.document, {"/dataset/persons": 10000000, "/provider/security_officer": true}))
}

test_a_dataset_that_does_not_say_is_part_of_what_is_held if {
	ok(valid.changed("/dataset/persons", null))
	ok(valid.without("/dataset/persons"))
	referred(valid.with_all(held(10000000), {"/dataset/persons": null}))
}

test_what_nobody_established_is_not_taken_for_few if {
	referred(valid.without("/provider/persons_held"))
	referred(held(null))
	referred(held("0"))
	referred(valid.changed("/dataset/persons", "4200"))
	every officer in [false, null, "yes"] {
		referred(valid.with_all(held(10000000), {"/provider/security_officer": officer}))
	}
	referred(valid.lacking(held(10000000), "/provider/security_officer"))
}

test_the_threshold_is_told if {
	verdict := rules.verdict.data_security_officer with input as held(10000000)
	some found in verdict
	startswith(found.text, "The provider holds the data of 10000000 persons or more")
}
