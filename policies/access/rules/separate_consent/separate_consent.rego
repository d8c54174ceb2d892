# Sensitive personal information is used with separate consent, where consent is the basis.
package access.rules

import data.lib.finding

separate_consent_findings := data.access.rules.separate_consent.table.findings

verdict["separate_consent"] := "ok" if {
	input.dataset.consent.separate == true
} else := "ok" if {
	data.lib.personal.without_consent
} else := "ok" if {
	data.lib.personal.absent
} else := "ok" if {
	data.lib.personal.plain
} else := {finding.made(separate_consent_findings.separate)}
