# The stated purpose is one the contract permits.
package access.rules

import data.lib.finding

verdict["contract_purpose"] := "ok" if {
	input.request.purpose.id in input.contract.purposes
} else := {finding.made(data.access.rules.contract_purpose.table.findings.purpose)}
