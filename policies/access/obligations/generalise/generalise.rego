# Quasi-identifiers of grave classifications leave in bands, dates as months.
package access.obligations

import data.lib.request

owed["generalise"] := {object.union({"kind": "generalise", "column": column.name}, method) |
	classification := input.dataset.classification
	data.lib.classification.table.schemes[classification.scheme][classification.level].generalise == true
	some column in request.touched
	column.role == "quasi_identifier"
	method := data.access.obligations.generalise.table.methods[column.type]
}
