# The impact of supplying personal information has been assessed before.
package access.rules

import data.lib.finding
import data.lib.personal

impact_assessment_findings := data.access.rules.impact_assessment.table.findings

verdict["impact_assessment"] := "ok" if {
	impact_assessment_done(input)
} else := "ok" if {
	personal.absent
} else := {finding.made(impact_assessment_findings.assessment)}

# One that is dated tomorrow is planned, not done.
impact_assessment_done(document) if {
	is_string(document.approvals.pia.ref)
	document.approvals.pia.ref != ""
	is_number(document.approvals.pia.date)
	document.approvals.pia.date <= document.context.now
}
