# The column that tells persons apart leaves as a pseudonym of this contract, whatever its role.
package access.obligations

owed["pseudonymise"] := {{"kind": "pseudonymise", "column": column.name} |
	some column in data.lib.request.touched
	column.name == input.dataset.person_column
}
