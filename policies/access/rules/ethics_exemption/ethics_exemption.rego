# An exemption from ethics review is claimed only where the law has one.
package access.rules

import data.lib.approval
import data.lib.finding
import data.lib.personal

ethics_exemption_findings := data.access.rules.ethics_exemption.table.findings

verdict["ethics_exemption"] := "ok" if {
	ethics_exemption_unclaimed(input)
} else := "ok" if {
	approval.ethics(input)
} else := "ok" if {
	input.request.purpose.research == false
} else := "ok" if {
	input.request.purpose.commercial == false
	ethics_exemption_harmless(input)
} else := {finding.made(ethics_exemption_findings.exemption)}

# What does not say that it is no exemption is taken for one.
ethics_exemption_unclaimed(document) if {
	is_array(document.approvals.ethics)
	claimed := [given |
		some given in approval.covering("ethics", document)
		not given.exempt == false
	]
	count(claimed) == 0
}

# Anonymised, or public and nothing sensitive in it.
ethics_exemption_harmless(document) if {
	personal.absent
} else if {
	document.dataset.consent.basis == data.lib.personal.table.public_basis
	personal.plain
}
