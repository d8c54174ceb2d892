# An ethics approval is looked at again after a year.
package access.rules

import data.lib.approval
import data.lib.finding

ethics_follow_up_findings := data.access.rules.ethics_follow_up.table.findings

# Without an approval there is nothing to follow up: `ethics_review` says what that means.
verdict["ethics_follow_up"] := "ok" if {
	is_array(input.approvals.ethics)
	count(approval.covering("ethics", input)) == 0
} else := "ok" if {
	ethics_follow_up_lately(input)
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(ethics_follow_up_findings.old)}

ethics_follow_up_lately(document) if {
	some given in approval.covering("ethics", document)
	document.context.now <= given.valid_from + data.access.rules.ethics_follow_up.table.review_age_s
}
