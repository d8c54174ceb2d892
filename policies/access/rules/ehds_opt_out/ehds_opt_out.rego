# Who opted out before the data permit was given is not in the data.
package access.rules

import data.lib.approval
import data.lib.finding

ehds_opt_out_findings := data.access.rules.ehds_opt_out.table.findings

verdict["ehds_opt_out"] := "ok" if {
	data.lib.europe.impersonal
} else := "ok" if {
	ehds_opt_out_applied(input)
} else := {finding.made(ehds_opt_out_findings.stale)}

# Later ones do not touch the permit. Its term begins with its issue, or later: then more are left out than must be.
ehds_opt_out_applied(document) if {
	document.dataset.consent.withdrawals_applied_at <= document.context.now
	some given in approval.covering("permit", document)
	given.valid_from <= document.dataset.consent.withdrawals_applied_at
}
