# The data is processed at a place the contract permits.
package access.rules

import data.lib.finding

verdict["contract_place"] := "ok" if {
	input.request.processing_location in input.contract.processing_locations
} else := {finding.deny(
	"GEN-03",
	"The contract does not permit this place of processing.",
	["request.processing_location", "contract.processing_locations"],
	"NDSR 12",
	"Work from a site that is enrolled at a place of the contract, or amend the contract.",
)}
