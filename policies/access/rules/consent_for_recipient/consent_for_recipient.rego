# Consents to supply personal information name the recipient, where consent is the basis.
package access.rules

import data.lib.finding

consent_for_recipient_findings := data.access.rules.consent_for_recipient.table.findings

verdict["consent_for_recipient"] := "ok" if {
	input.participant.id in input.dataset.consent.recipients
} else := "ok" if {
	data.lib.personal.without_consent
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(consent_for_recipient_findings.recipient)}
