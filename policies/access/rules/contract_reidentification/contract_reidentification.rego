# The contract forbids finding out who a person is, where the data does not say it.
package access.rules

import data.lib.finding

contract_reidentification_findings := data.access.rules.contract_reidentification.table.findings

verdict["contract_reidentification"] := "ok" if {
	data.access.rules.contract_reidentification.table.promise in input.contract.prohibitions
} else := "ok" if {
	input.dataset.identifiability in data.access.rules.contract_reidentification.table.identified
} else := {finding.made(contract_reidentification_findings.unforbidden)}
