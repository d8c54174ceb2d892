# European health data is used under a data permit in force that covers dataset and purpose.
package access.rules

import data.lib.approval
import data.lib.europe
import data.lib.finding

ehds_permit_findings := data.access.rules.ehds_permit.table.findings

verdict["ehds_permit"] := "ok" if {
	europe.elsewhere
} else := "ok" if {
	ehds_permit_covers(input)
} else := {finding.made(ehds_permit_findings.permit)}

# Anonymised data needs one too; whom it names is not in the input.
ehds_permit_covers(document) if {
	is_string(document.approvals.permit.ref)
	document.approvals.permit.ref != ""
	is_string(document.dataset.id)
	document.approvals.permit.dataset == document.dataset.id
	document.request.purpose.id in document.approvals.permit.purposes
	approval.in_term(document.approvals.permit, document)
}
