# The delivery mode is one the contract permits.
package access.rules

import data.lib.finding

verdict["contract_mode"] := "ok" if {
	input.request.mode in input.contract.delivery_modes
} else := {finding.made(data.access.rules.contract_mode.table.findings.mode)}
