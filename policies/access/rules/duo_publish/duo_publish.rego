# Who uses the data promises to publish the results, where the dataset asks for it.
package access.rules

import data.lib.finding

duo_publish_findings := data.access.rules.duo_publish.table.findings

verdict["duo_publish"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_publish.table.term
	not term in codes
} else := "ok" if {
	data.lib.duo.codes
	input.request.accepts.publish == true
} else := {finding.made(duo_publish_findings.unpromised)}
