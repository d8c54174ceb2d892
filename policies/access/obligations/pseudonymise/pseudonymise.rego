# The column that tells persons apart leaves as a pseudonym of this contract, whatever its role.
package access.obligations

import data.lib.request

owed["pseudonymise"] := {{"kind": "pseudonymise", "column": column.name} |
	some column in request.touched
	column.name == input.dataset.person_column
}
