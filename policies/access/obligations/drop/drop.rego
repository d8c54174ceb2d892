# Direct identifiers do not leave, whatever the contract lists.
package access.obligations

# A role that is not one of the harmless three is taken for an identifier; the person column is pseudonymised instead.
owed["drop"] := {{"kind": "drop", "column": column.name} |
	kept := data.access.obligations.drop.table.kept
	some column in data.lib.request.touched
	not drop_kept(column, kept)
	not column.name == input.dataset.person_column
}

# Shown to be harmless: a column that does not say its role is not.
drop_kept(column, kept) if column.role in kept
