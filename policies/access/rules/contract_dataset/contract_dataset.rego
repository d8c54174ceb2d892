# The contract is for this dataset, in the governance version that was signed.
package access.rules

import data.lib.finding

verdict["contract_dataset"] := "ok" if {
	input.contract.dataset == input.dataset.id
	input.contract.dataset_version == input.dataset.version
} else := {finding.made(data.access.rules.contract_dataset.table.findings.dataset)}
