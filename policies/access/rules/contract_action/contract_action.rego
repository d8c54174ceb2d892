# The action is one the contract permits.
package access.rules

import data.lib.finding

verdict["contract_action"] := "ok" if {
	input.request.action in input.contract.actions
} else := {finding.deny(
	"GEN-03",
	"The contract does not permit this action.",
	["request.action", "contract.actions"],
	"NDSR 12",
	"Ask for an action the contract permits, or amend the contract.",
)}
