# The delivery mode is one the contract permits.
package access.rules

import data.lib.finding

verdict["contract_mode"] := "ok" if {
	input.request.mode in input.contract.delivery_modes
} else := {finding.deny(
	"GEN-03",
	"The contract does not permit this delivery mode.",
	["request.mode", "contract.delivery_modes"],
	"NDSR 12",
	"Ask for a delivery mode the contract permits, or amend the contract.",
)}
