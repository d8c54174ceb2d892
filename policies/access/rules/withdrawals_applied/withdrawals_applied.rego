# Withdrawn consents and opt-outs have been applied lately, before personal information is used.
package access.rules

import data.lib.finding

withdrawals_applied_findings := data.access.rules.withdrawals_applied.table.findings

verdict["withdrawals_applied"] := "ok" if {
	withdrawals_applied_lately(input)
} else := "ok" if {
	data.lib.personal.absent
} else := "ok" if {
	input.request.mode in data.access.rules.withdrawals_applied.table.unlimited_modes
} else := {finding.made(withdrawals_applied_findings.stale)}

withdrawals_applied_lately(document) if {
	is_number(document.dataset.consent.withdrawals_applied_at)
	document.dataset.consent.withdrawals_applied_at <= document.context.now
	applied := document.dataset.consent.withdrawals_applied_at
	document.context.now <= applied + data.access.rules.withdrawals_applied.table.withdrawals_age_s
}
