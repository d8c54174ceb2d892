# There is an agreement with the data's investigators, where the dataset asks for collaboration.
package access.rules

import data.lib.finding

duo_collaboration_findings := data.access.rules.duo_collaboration.table.findings

verdict["duo_collaboration"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_collaboration.table.term
	not term in codes
} else := "ok" if {
	data.lib.duo.codes
	is_string(input.request.collaboration_ref)
	input.request.collaboration_ref != ""
} else := {finding.made(duo_collaboration_findings.alone)}
