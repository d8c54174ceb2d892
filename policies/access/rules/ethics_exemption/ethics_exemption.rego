# An exemption from ethics review is claimed only where the law has one.
package access.rules

import data.lib.finding
import data.lib.personal

ethics_exemption_findings := data.access.rules.ethics_exemption.table.findings

verdict["ethics_exemption"] := "ok" if {
	input.approvals.ethics == null
} else := "ok" if {
	input.approvals.ethics.exempt == false
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	input.request.purpose.commercial == false
	ethics_exemption_harmless(input)
} else := {finding.made(ethics_exemption_findings.exemption)}

# Anonymised, or public and nothing sensitive in it.
ethics_exemption_harmless(document) if {
	personal.absent
} else if {
	document.dataset.consent.basis == data.lib.personal.table.public_basis
	personal.plain
}
