# Informed consent speaks of sharing and re-use, where consent is the basis of research.
package access.rules

import data.lib.finding
import data.lib.personal

consent_for_sharing_findings := data.access.rules.consent_for_sharing.table.findings

verdict["consent_for_sharing"] := "ok" if {
	input.dataset.consent.sharing_clause == true
} else := "ok" if {
	personal.without_consent
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	personal.absent
} else := {finding.made(consent_for_sharing_findings.unsaid)}
