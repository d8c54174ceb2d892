# The data is processed at a place the contract permits.
package access.rules

import data.lib.finding

verdict["contract_place"] := "ok" if {
	input.request.processing_location in input.contract.processing_locations
} else := {finding.made(data.access.rules.contract_place.table.findings.place)}
