package access.obligations_test.no_publication_before_test

import data.access.obligations
import data.lib.valid_test as valid

# The valid document with tags beside its permission, and places of it set.
asked(tags, changes) := json.patch(valid.document, array.concat(
	[{"op": "add", "path": "/dataset/duo/-", "value": tag} | some tag in tags],
	changes,
))

test_it_is_owed_where_the_dataset_asks_for_it if {
	obligations.owed.no_publication_before == {{"kind": "no_publication_before", "date": "2027-06-30"}}
		with input as asked([{"id": "DUO:0000024", "date": "2027-06-30"}], [])
}

test_nothing_is_owed_elsewhere if obligations.owed.no_publication_before == set() with input as valid.document

test_nothing_is_owed_without_codes if obligations.owed.no_publication_before == set()
	with input as valid.without("/dataset/duo")

test_the_date_of_another_code_is_none if {
	obligations.owed.no_publication_before == set() with input as asked([{"id": "DUO:0000025", "date": "2027-06-30"}], [])
}
