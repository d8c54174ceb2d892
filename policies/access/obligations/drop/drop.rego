# Direct identifiers do not leave, whatever the contract lists.
package access.obligations

import data.lib.request

# A role that is not one of the harmless three is taken for an identifier; the person column is pseudonymised instead.
owed["drop"] := {{"kind": "drop", "column": column.name} |
	kept := data.access.obligations.drop.table.kept
	person := object.get(input, ["dataset", "person_column"], null)
	some column in request.touched
	role := object.get(column, "role", null)
	not role in kept
	column.name != person
}
