# Personal information of children under 14 is used with their guardians' consent.
package access.rules

import data.lib.finding

guardian_consent_findings := data.access.rules.guardian_consent.table.findings

# Whatever the basis is: the article asks for it in any case.
verdict["guardian_consent"] := "ok" if {
	input.dataset.under_14 == false
} else := "ok" if {
	input.dataset.consent.guardian == true
} else := "ok" if {
	data.lib.personal.absent
} else := {finding.made(guardian_consent_findings.guardian)}
