package access.rules_test.gdpr_ground_test

import data.access.rules
import data.lib.valid_test as valid

ok(document) if rules.verdict.gdpr_ground == "ok" with input as document

refused(document) if valid.codes(rules.verdict.gdpr_ground) == {"GDPR-01"} with input as document

european := valid.with_all(valid.document, {"/dataset/origin": ["DE"], "/dataset/consent": {"basis": "statute"}})

consented := valid.with_all(european, {"/dataset/consent": {"basis": "consent", "separate": true}})

with_basis(basis, kinds) := valid.with_all(
	european,
	{"/dataset/consent/basis": basis, "/dataset/contains": kinds},
)

sources(document) := {found.source | some found in verdict} if verdict := rules.verdict.gdpr_ground
	with input as document

test_a_law_or_the_public_interest_is_ok if {
	ok(european)
	ok(with_basis("public_interest", ["health"]))
}

test_explicit_consent_is_ok if {
	ok(consented)
	refused(valid.with_all(consented, {"/dataset/consent/separate": false}))
	refused(valid.with_all(consented, {"/dataset/consent/separate": null}))
	refused(valid.lacking(consented, "/dataset/consent/separate"))
}

test_a_contract_is_no_ground_for_special_categories if {
	ok(with_basis("contract", ["location", "financial", "other"]))
	sources(with_basis("contract", ["health"])) == {"GDPR 9"}
	sources(with_basis("contract", ["other", "genetic"])) == {"GDPR 9"}
	sources(with_basis("contract", [])) == {"GDPR 9"}
	refused(valid.lacking(with_basis("contract", ["other"]), "/dataset/contains"))
	explicit := {"/dataset/consent/separate": true, "/dataset/contains": ["health"]}
	refused(valid.with_all(with_basis("contract", ["other"]), explicit))
}

test_consent_to_plain_kinds_need_not_be_explicit if ok(with_basis("consent", ["other"]))

test_public_data_still_needs_a_basis if {
	sources(with_basis("public_data", ["health"])) == {"GDPR 6"}
	sources(with_basis("public_data", ["other"])) == {"GDPR 6"}
}

test_no_basis_is_refused if {
	every basis in [null, "", "habit"] {
		refused(with_basis(basis, ["health"]))
		sources(with_basis(basis, ["health"])) == {"GDPR 6", "GDPR 9"}
	}
	every path in ["/dataset/consent/basis", "/dataset/consent", "/dataset"] {
		refused(valid.lacking(european, path))
	}
	refused(valid.with_all(european, {"/dataset/consent": null}))
}

test_anonymised_data_is_free if {
	free := valid.with_all(european, {"/dataset/consent": null, "/dataset/identifiability": "anonymised"})
	ok(free)
	refused(valid.lacking(free, "/dataset/identifiability"))
}

test_data_from_elsewhere_is_free if {
	ok(valid.document)
	refused(valid.without("/dataset/origin"))
	refused(valid.changed("/dataset/origin", []))
}
