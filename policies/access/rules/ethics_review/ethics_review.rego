# Research on people's data has an ethics decision in force that covers dataset and purpose.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.personal

ethics_review_findings := data.access.rules.ethics_review.table.findings

# Whether a decision to exempt may be one is said by `ethics_exemption`.
verdict["ethics_review"] := "ok" if {
	ethics_review_covers(input)
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	personal.absent
} else := {finding.made(ethics_review_findings.review)}

ethics_review_covers(document) if {
	is_string(document.approvals.ethics.ref)
	document.approvals.ethics.ref != ""
	document.dataset.id in document.approvals.ethics.datasets
	document.request.purpose.id in document.approvals.ethics.purposes
	approval.in_term(document.approvals.ethics, document)
}
