# Informed consent speaks of sharing and re-use, where consent is the basis of research.
package access.rules

import data.lib.finding

consent_for_sharing_findings := data.access.rules.consent_for_sharing.table.findings

verdict["consent_for_sharing"] := "ok" if {
	input.dataset.consent.sharing_clause == true
} else := "ok" if {
	data.lib.personal.without_consent
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(consent_for_sharing_findings.unsaid)}
