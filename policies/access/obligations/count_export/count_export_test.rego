package access.obligations_test.count_export_test

import data.access.obligations
import data.lib.valid_test as valid

owed(document) := found if found := obligations.owed.count_export with input as document

counted(sensitive) := {{"kind": "count_export", "sensitive": sensitive}}

abroad := valid.changed("/user/accessing_from", "DE")

test_what_stays_is_not_counted if owed(valid.document) == set()

test_what_leaves_is_counted if {
	owed(abroad) == counted(true)
	owed(valid.changed("/request/processing_location", "US")) == counted(true)
	owed(valid.changed("/request/recipient_overseas", true)) == counted(true)
}

test_plain_data_is_counted_by_itself if {
	owed(valid.with_all(abroad, {"/dataset/contains": ["other"]})) == counted(false)
	owed(valid.with_all(abroad, {"/dataset/contains": ["other", "health"]})) == counted(true)
	owed(valid.with_all(abroad, {"/dataset/contains": []})) == counted(true)
	owed(valid.lacking(abroad, "/dataset/contains")) == counted(true)
	owed(valid.with_all(abroad, {"/dataset/contains": null})) == counted(true)
	owed(valid.with_all(abroad, {"/dataset/contains": ["other"], "/dataset/under_14": true})) == counted(true)
}

test_what_is_free_is_not_counted if {
	owed(valid.with_all(abroad, {"/dataset/identifiability": "anonymised"})) == set()
	owed(valid.with_all(abroad, {"/dataset/origin": ["DE"]})) == set()
	owed(valid.with_all(abroad, {"/dataset/origin": ["DE", "CN"]})) == counted(true)
}

test_what_cannot_be_told_is_counted if {
	every path in ["/user/accessing_from", "/request/processing_location", "/request/recipient_overseas"] {
		owed(valid.without(path)) == counted(true)
		owed(valid.changed(path, null)) == counted(true)
	}
	owed(valid.with_all(abroad, {"/dataset/origin": []})) == counted(true)
	owed(valid.lacking(abroad, "/dataset/origin")) == counted(true)
}
