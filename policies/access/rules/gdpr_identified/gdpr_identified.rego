# Identified data of European origin is given for research where a person has decided that it must be.
package access.rules

import data.lib.finding

gdpr_identified_findings := data.access.rules.gdpr_identified.table.findings

verdict["gdpr_identified"] := "ok" if {
	data.lib.europe.impersonal
} else := "ok" if {
	input.dataset.identifiability in data.lib.europe.table.pseudonymised
} else := "ok" if {
	input.request.purpose.research == false
} else := {finding.made(gdpr_identified_findings.identified)}
