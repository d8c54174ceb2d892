# Consents to use personal information cover the purpose, where consent is the basis.
package access.rules

import data.lib.finding

consent_for_purpose_findings := data.access.rules.consent_for_purpose.table.findings

verdict["consent_for_purpose"] := "ok" if {
	input.request.purpose.id in input.dataset.consent.purposes
} else := "ok" if {
	data.lib.personal.without_consent
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(consent_for_purpose_findings.purpose)}
