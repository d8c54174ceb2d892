# Counts are told in round numbers, where disclosure control is on: one more or one less person does not show.
package access.obligations

owed["round_counts"] := {{"kind": "round_counts", "base": data.access.obligations.round_counts.table.base} |
	data.access.obligations.round_counts.table.beside in data.bundle.rules
	input.request.action == "aggregate"
}
