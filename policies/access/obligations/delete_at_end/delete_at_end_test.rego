package access.obligations_test.delete_at_end_test

import data.access.obligations
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

set_to(path, value) := [{"op": "add", "path": path, "value": value}]

test_it_is_owed_where_the_dataset_asks_for_it if {
	obligations.owed.delete_at_end == {{"kind": "delete_at_end", "months": 6}}
		with input as asked([{"id": "DUO:0000025", "months": 12}], set_to("/request/months", 6))
}

test_nothing_is_owed_elsewhere if obligations.owed.delete_at_end == set() with input as valid.document

test_nothing_is_owed_without_codes if obligations.owed.delete_at_end == set()
	with input as valid.without("/dataset/duo")
