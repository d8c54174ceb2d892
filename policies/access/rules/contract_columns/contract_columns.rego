# Every column that is shown, grouped by or filtered on is in the contract and published.
package access.rules

import data.lib.finding

verdict["contract_columns"] := "ok" if {
	contract_columns_named(input.request)
	asked := data.lib.request.names
	every name in asked { name in input.contract.columns }
	count({column.name | some column in data.lib.request.touched}) == count(asked)
} else := {finding.made(data.access.rules.contract_columns.table.findings.columns)}

# Of nothing, everything is in the contract. Only a count may do without columns.
contract_columns_named(asked) if {
	count(asked.columns) > 0
} else if {
	asked.action == "aggregate"
}
