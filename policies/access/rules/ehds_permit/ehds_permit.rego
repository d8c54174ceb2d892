# European health data, anonymised too, is used under a data permit in force that names user, dataset and purpose.
package access.rules

import data.lib.approval
import data.lib.finding

ehds_permit_findings := data.access.rules.ehds_permit.table.findings

verdict["ehds_permit"] := "ok" if {
	data.lib.europe.elsewhere
} else := "ok" if {
	count(approval.covering("permit", input)) > 0
} else := {finding.made(ehds_permit_findings.permit)}
