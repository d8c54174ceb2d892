# The stated purpose is one the contract permits.
package access.rules

import data.lib.finding

verdict["contract_purpose"] := "ok" if {
	input.request.purpose.id in input.contract.purposes
} else := {finding.deny(
	"GEN-03",
	"The contract does not permit this purpose.",
	["request.purpose.id", "contract.purposes"],
	"NDSR 12",
	"State a purpose of the contract if it is truly yours, or amend the contract.",
)}
