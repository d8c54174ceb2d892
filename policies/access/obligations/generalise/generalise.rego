# Quasi-identifiers of grave classifications leave in bands, dates as months.
package access.obligations

owed["generalise"] := {object.union({"kind": "generalise", "column": column.name}, method) |
	data.lib.classification.row.generalise == true
	methods := data.access.obligations.generalise.table.methods
	some column in data.lib.request.touched
	column.role == "quasi_identifier"
	method := object.get(methods, column.type, null)
	method != null
}
