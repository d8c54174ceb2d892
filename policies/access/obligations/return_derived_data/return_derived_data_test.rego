package access.obligations_test.return_derived_data_test

import data.access.obligations
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

test_it_is_owed_where_the_dataset_asks_for_it if {
	obligations.owed.return_derived_data == {{"kind": "return_derived_data"}}
		with input as asked([{"id": "DUO:0000029"}], [])
}

test_nothing_is_owed_elsewhere if obligations.owed.return_derived_data == set() with input as valid.document

test_nothing_is_owed_without_codes if obligations.owed.return_derived_data == set()
	with input as valid.without("/dataset/duo")
