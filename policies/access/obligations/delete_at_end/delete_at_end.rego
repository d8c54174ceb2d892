# The data is deleted or returned after the months that were asked for, where the dataset is given for a time.
package access.obligations

owed["delete_at_end"] := {{"kind": "delete_at_end", "months": input.request.months} |
	data.access.obligations.delete_at_end.table.term in data.lib.duo.codes
}
