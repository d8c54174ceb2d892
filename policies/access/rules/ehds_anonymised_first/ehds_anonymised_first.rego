# European health data is given anonymised; pseudonymised where a person has decided why; identified never.
package access.rules

import data.lib.approval
import data.lib.europe
import data.lib.finding

ehds_anonymised_first_findings := data.access.rules.ehds_anonymised_first.table.findings

verdict["ehds_anonymised_first"] := "ok" if {
	europe.impersonal
} else := "ok" if {
	ehds_anonymised_first_pseudonymised(input)
	approval.decided(input, ehds_anonymised_first_findings.unjustified)
} else := {finding.made(ehds_anonymised_first_findings.unjustified)} if {
	ehds_anonymised_first_pseudonymised(input)
} else := {finding.made(ehds_anonymised_first_findings.identified)}

ehds_anonymised_first_pseudonymised(document) if document.dataset.identifiability in data.lib.europe.table.pseudonymised
