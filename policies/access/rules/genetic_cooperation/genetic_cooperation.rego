# The cooperation of a foreign party is approved, or its registration trial filed.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.genetic

genetic_cooperation_findings := data.access.rules.genetic_cooperation.table.findings

verdict["genetic_cooperation"] := "ok" if {
	genetic.free(input)
} else := "ok" if {
	count(approval.genetic(input, data.access.rules.genetic_cooperation.table.approved)) > 0
} else := "ok" if {
	genetic_cooperation_trial(input)
} else := {finding.made(genetic_cooperation_findings.unapproved)}

genetic_cooperation_trial(document) if {
	document.request.purpose.id in data.access.rules.genetic_cooperation.table.trials
	document.provider.kind in data.access.rules.genetic_cooperation.table.clinics
	count(approval.genetic(document, data.access.rules.genetic_cooperation.table.filed)) > 0
}
