# Direct identifiers do not leave, whatever the contract lists.
package access.obligations

import data.lib.request

# A role that is not one of the harmless three is taken for an identifier; the person column is pseudonymised instead.
owed["drop"] := {{"kind": "drop", "column": column.name} |
	kept := data.access.obligations.drop.table.kept
	some column in request.touched
	not column.role in kept
	not column.name == input.dataset.person_column
}
