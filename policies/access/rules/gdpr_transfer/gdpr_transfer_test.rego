package access.rules_test.gdpr_transfer_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.gdpr_transfer == "ok" with input as document

refused(document) if valid.codes(rules.verdict.gdpr_transfer) == {"GDPR-02"} with input as document

inside := valid.with_all(valid.document, {
	"/dataset/origin": ["DE"],
	"/request/processing_location": "FR-IDF",
	"/user/accessing_from": "NO",
})

abroad := valid.changed("/dataset/origin", ["DE"])

test_inside_the_area_is_ok if ok(inside)

test_processing_in_china_is_referred if {
	refused(abroad)
	refused(valid.with_all(inside, {"/request/processing_location": "CN-BJ"}))
	{found.effect | some found in rules.verdict.gdpr_transfer} == {"refer"} with input as abroad
}

test_a_look_from_china_is_referred if {
	refused(valid.with_all(inside, {"/user/accessing_from": "CN"}))
	refused(valid.with_all(inside, {"/user/accessing_from": "DEX"}))
}

test_what_is_missing_or_null_is_refused if {
	every path in ["/request/processing_location", "/user/accessing_from"] {
		refused(valid.lacking(inside, path))
		refused(valid.with_all(inside, {path: null}))
	}
	refused(valid.without("/dataset/origin"))
	refused(valid.changed("/dataset/origin", []))
	refused(valid.lacking(abroad, "/dataset/identifiability"))
}

test_anonymised_data_is_free if ok(valid.with_all(abroad, {"/dataset/identifiability": "anonymised"}))

test_data_from_elsewhere_is_free if ok(valid.document)
