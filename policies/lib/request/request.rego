# METADATA
# description: Every column a request touches, whether it shows it, groups by it or filters on it.
package lib.request

# Most requests only show columns: the first way is the same, and cheaper.
names := {name | some name in input.request.columns} if {
	is_array(input.request.columns)
	input.request.group_by == []
	input.request.filter_columns == []
} else := {name |
	some name in input.request.columns
} | ({name | some name in input.request.group_by} | {name | some name in input.request.filter_columns}) if {
	# Of a list that is not there, nothing would be touched.
	is_array(input.request.columns)
	is_array(input.request.group_by)
	is_array(input.request.filter_columns)
}

# As the dataset publishes them, with type and role.
touched := [column |
	# Once, not for each column.
	# regal ignore:pointless-reassignment
	asked := names
	some column in input.dataset.columns
	column.name in asked
]
