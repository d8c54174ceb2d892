# Research on people's data has an ethics decision in force that covers dataset and purpose.
package access.rules

import data.lib.approval
import data.lib.finding

ethics_review_findings := data.access.rules.ethics_review.table.findings

# Whether a decision to exempt may be one is said by `ethics_exemption`.
verdict["ethics_review"] := "ok" if {
	count(approval.covering("ethics", input)) > 0
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(ethics_review_findings.review)}
