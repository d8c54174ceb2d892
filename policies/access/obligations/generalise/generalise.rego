# Quasi-identifiers of grave classifications leave in bands, dates as months.
package access.obligations

import data.lib.classification
import data.lib.request

owed["generalise"] := {object.union({"kind": "generalise", "column": column.name}, method) |
	classification.row.generalise == true
	methods := data.access.obligations.generalise.table.methods
	some column in request.touched
	column.role == "quasi_identifier"
	method := object.get(methods, column.type, null)
	method != null
}
