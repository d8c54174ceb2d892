# An exemption from ethics review is claimed only where the law has one.
package access.rules

import data.lib.approval
import data.lib.finding

ethics_exemption_findings := data.access.rules.ethics_exemption.table.findings

# Without an approval nothing is claimed; what does not say that it is no exemption is taken for one.
verdict["ethics_exemption"] := "ok" if {
	is_array(input.approvals.ethics)
	count(approval.covering("ethics", input)) == 0
} else := "ok" if {
	approval.ethics(input)
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	input.request.purpose.commercial == false
	ethics_exemption_harmless(input)
} else := {finding.made(ethics_exemption_findings.exemption)}

# Anonymised, or public and nothing sensitive in it.
ethics_exemption_harmless(document) if {
	data.lib.personal.absent
} else if {
	document.dataset.consent.basis == data.lib.personal.table.public_basis
	data.lib.personal.plain
}
