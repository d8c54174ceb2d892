# Identified data is used for care, or where a person has decided that de-identified data does not serve.
package access.rules

import data.lib.finding

least_data_findings := data.access.rules.least_data.table.findings

# That no column beyond the contract's is asked for is said by `contract_columns`.
verdict["least_data"] := "ok" if {
	input.dataset.identifiability in data.access.rules.least_data.table.not_identified
} else := "ok" if {
	input.request.purpose.clinical_care == true
} else := {finding.made(least_data_findings.identified)}
