# European health data is given anonymised; pseudonymised where a person has decided why; identified never.
package access.rules

import data.lib.finding

ehds_anonymised_first_findings := data.access.rules.ehds_anonymised_first.table.findings

verdict["ehds_anonymised_first"] := "ok" if {
	data.lib.europe.impersonal
} else := {finding.made(ehds_anonymised_first_findings.unjustified)} if {
	input.dataset.identifiability in data.lib.europe.table.pseudonymised
} else := {finding.made(ehds_anonymised_first_findings.identified)}
