# Quasi-identifiers of grave classifications leave in bands, dates as months.
package access.obligations

import data.lib.request

owed["generalise"] := {object.union({"kind": "generalise", "column": column.name}, method) |
	class := input.dataset.classification
	object.get(data.lib.classification.table.schemes, [class.scheme, class.level, "generalise"], false) == true
	methods := data.access.obligations.generalise.table.methods
	some column in request.touched
	column.role == "quasi_identifier"
	method := object.get(methods, column.type, null)
	method != null
}
