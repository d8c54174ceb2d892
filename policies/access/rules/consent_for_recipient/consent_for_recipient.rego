# Consents to supply personal information name the recipient, where consent is the basis.
package access.rules

import data.lib.finding
import data.lib.personal

consent_for_recipient_findings := data.access.rules.consent_for_recipient.table.findings

verdict["consent_for_recipient"] := "ok" if {
	input.participant.id in input.dataset.consent.recipients
} else := "ok" if {
	personal.without_consent
} else := "ok" if {
	personal.absent
} else := {finding.made(consent_for_recipient_findings.recipient)}
