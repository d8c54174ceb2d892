# Every column that is shown, grouped by or filtered on is in the contract and published.
package access.rules

import data.lib.finding
import data.lib.request

verdict["contract_columns"] := "ok" if {
	contract_columns_named(input.request)
	asked := request.names
	every name in asked { name in input.contract.columns }
	count({column.name | some column in request.touched}) == count(asked)
} else := {finding.deny(
	"GEN-03",
	"A column is not in the contract or not published, or none was named.",
	["request.columns", "request.group_by", "request.filter_columns", "contract.columns"],
	"NDSR 12",
	"Name columns of the contract only, or amend the contract.",
)}

# Of nothing, everything is in the contract. Only a count may do without columns.
contract_columns_named(asked) if {
	count(asked.columns) > 0
} else if {
	asked.action == "aggregate"
}
