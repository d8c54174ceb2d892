# The action is one the contract permits.
package access.rules

import data.lib.finding

verdict["contract_action"] := "ok" if {
	input.request.action in input.contract.actions
} else := {finding.made(data.access.rules.contract_action.table.findings.action)}
