# Personal information is used on a lawful basis that is recorded.
package access.rules

import data.lib.finding

lawful_basis_findings := data.access.rules.lawful_basis.table.findings

verdict["lawful_basis"] := "ok" if {
	data.lib.personal.without_consent
} else := "ok" if {
	input.dataset.consent.basis == data.lib.personal.table.consent
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(lawful_basis_findings.basis)}
