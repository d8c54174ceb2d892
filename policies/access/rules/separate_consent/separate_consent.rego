# Sensitive personal information is used with separate consent, where consent is the basis.
package access.rules

import data.lib.finding
import data.lib.personal

separate_consent_findings := data.access.rules.separate_consent.table.findings

verdict["separate_consent"] := "ok" if {
	input.dataset.consent.separate == true
} else := "ok" if {
	personal.without_consent
} else := "ok" if {
	personal.absent
} else := "ok" if {
	personal.plain
} else := {finding.made(separate_consent_findings.separate)}
