package lib.request_test

import data.lib.request
import data.lib.valid_test as valid

asked(columns, group_by, filter_columns) := valid.with_all(valid.document, {
	"/request/columns": columns,
	"/request/group_by": group_by,
	"/request/filter_columns": filter_columns,
})

test_all_that_is_shown_grouped_by_or_filtered_on_is_touched if {
	names_of(asked(["age"], ["site"], ["visit"])) == {"age", "site", "visit"}
	names_of(asked(["age"], ["site"], [])) == {"age", "site"}
	names_of(asked(["age"], [], ["visit"])) == {"age", "visit"}
	names_of(asked(["age"], [], [])) == {"age"}
	names_of(asked([], [], [])) == set()
}

test_of_a_list_that_is_none_it_is_not_known_what_is_touched if {
	every path in ["/request/columns", "/request/group_by", "/request/filter_columns"] {
		not names_of(valid.without(path))
		not names_of(valid.changed(path, null))
	}
}

names_of(document) := names if {
	names := request.names with input as document
}

test_what_is_touched_is_shown_as_it_is_published if {
	request.touched == [{"name": "age", "type": "integer", "role": "quasi_identifier"}]
		with input as asked(["age", "moon"], [], [])
}
