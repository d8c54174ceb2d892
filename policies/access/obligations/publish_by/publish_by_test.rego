package access.obligations_test.publish_by_test

import data.access.obligations
import data.lib.valid_test as valid

on := {"digest": "sha256:00", "rules": ["contract_action", "ehds_permit"], "obligations": ["publish_by"]}

off := object.union(on, {"rules": ["contract_action"]})

owed(document, bundle) := demands if demands := obligations.owed.publish_by
	with input as document
	with data.bundle as bundle

from(origin) := valid.changed("/dataset/origin", origin)

promise := {{"kind": "publish_by", "months": 18}}

test_it_is_owed_on_data_of_european_origin if {
	every origin in [["DE"], ["CN", "NO"]] { owed(from(origin), on) == promise }
}

test_it_is_owed_on_anonymised_data_too if {
	owed(valid.with_all(from(["DE"]), {"/dataset/identifiability": "anonymised"}), on) == promise
}

test_nothing_is_owed_elsewhere if owed(valid.document, on) == set()

test_it_is_owed_where_no_origin_is_stated if {
	owed(from([]), on) == promise
	owed(valid.without("/dataset/origin"), on) == promise
}

test_nothing_is_owed_while_the_rules_of_european_law_are_off if owed(from(["DE"]), off) == set()
