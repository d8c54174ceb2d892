# An ethics approval covers dataset and purpose, where the dataset asks for one.
package access.rules

import data.lib.approval
import data.lib.finding

duo_ethics_findings := data.access.rules.duo_ethics.table.findings

verdict["duo_ethics"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_ethics.table.term
	not term in codes
} else := "ok" if {
	data.lib.duo.codes
	approval.ethics(input)
} else := {finding.made(duo_ethics_findings.unapproved)}
