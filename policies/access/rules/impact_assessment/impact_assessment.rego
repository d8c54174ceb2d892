# The impact of supplying personal information has been assessed before.
package access.rules

import data.lib.approval
import data.lib.finding

impact_assessment_findings := data.access.rules.impact_assessment.table.findings

verdict["impact_assessment"] := "ok" if {
	count(approval.covering("pia", input)) > 0
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(impact_assessment_findings.assessment)}
